#include "src/control/control_request.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/control/finding.hpp"
#include "src/control/text.hpp"

namespace starling::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view known_requests = "\"status\" and \"doctor\"";

Error malformed(std::string what) {
  return {Errc::malformed, std::move(what)};
}

Result<std::vector<std::string>> parse_checks(const Json& list) {
  if (!list.is_array()) return malformed("\"checks\" is not a list of names");
  std::vector<std::string> checks;
  for (const Json& name : list) {
    if (!name.is_string()) return malformed("\"checks\" is not a list of names");
    checks.push_back(name.get<std::string>());
    if (std::ranges::find(check_names(), checks.back()) == check_names().end())
      return Error{Errc::unsupported, "there is no check \"" + printable(checks.back()) + "\""};
  }
  return checks;
}

}  // namespace

Result<ControlRequest> parse_request(std::string_view line) {
  const Json document = Json::parse(line, nullptr, false);
  if (!document.is_object()) return malformed("a request is one JSON object on one line");
  const auto name = document.find("request");
  if (name == document.end() || !name->is_string())
    return malformed("\"request\" is missing; there are " + std::string(known_requests));
  ControlRequest request;
  if (*name == "status") return request;
  if (*name != "doctor")
    return Error{Errc::unsupported, "there is no request \"" + printable(name->get<std::string>())
                                        + "\"; there are " + std::string(known_requests)};
  request.kind = RequestKind::doctor;
  if (const auto list = document.find("checks"); list != document.end()) {
    auto checks = parse_checks(*list);
    if (!checks) return checks.error();
    request.checks = std::move(checks).value();
  }
  return request;
}

std::string write_request(const ControlRequest& request) {
  Json document;
  document["request"] = request.kind == RequestKind::status ? "status" : "doctor";
  if (!request.checks.empty()) document["checks"] = request.checks;
  return document.dump() + "\n";
}

std::string error_document(std::string_view why) {
  Json document;
  document["schema"] = 1;
  document["error"] = printable(why);
  return document.dump();
}

}  // namespace starling::control
