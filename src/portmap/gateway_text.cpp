#include "src/portmap/gateway_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace starling {
namespace {

using Outcome = GatewayAnswer::Outcome;

constexpr std::array<std::pair<Outcome, std::string_view>, 6> outcomes = {{
    {Outcome::mapped, "mapped"},
    {Outcome::removed, "removed"},
    {Outcome::conflict, "conflict"},
    {Outcome::refused, "refused"},
    {Outcome::silent, "silent"},
    {Outcome::failed, "failed"},
}};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

std::string printable(std::string_view text) {
  std::string result(text.substr(0, gateway_text_max));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return !is_printable(c); }, '?');
  return result;
}

std::optional<Outcome> outcome_named(std::string_view name) {
  for (const auto& [outcome, text] : outcomes)
    if (text == name) return outcome;
  return std::nullopt;
}

/// False: no such key, or not such a value.
bool read_field(std::string_view key, std::string_view value, GatewayAnswer& into) {
  if (key == "gateway") return into.gateway = value, true;
  if (key == "router") return into.router = value, true;
  if (key == "why") return into.why = value, true;
  if (key == "lease") {
    const auto seconds = parse_number<std::uint32_t>(value);
    if (seconds) into.lease = std::chrono::seconds{*seconds};
    return seconds.has_value();
  }
  if (key == "external") {
    const auto endpoint = Endpoint::parse(value);
    if (endpoint) into.external = *endpoint;
    return endpoint.has_value();
  }
  return false;
}

}  // namespace

std::vector<std::string> words_of(const GatewayRequest& request) {
  std::vector<std::string> words = {
      request.verb == GatewayRequest::Verb::map ? "map" : "remove",
      request.protocol == GatewayProtocol::nat_pmp ? "natpmp" : "upnp",
      std::to_string(request.internal_port),
      std::to_string(request.external_port),
      std::to_string(request.lease.count()),
  };
  if (!request.gateway.empty()) words.push_back(request.gateway);
  return words;
}

std::optional<GatewayRequest> parse_request(const std::vector<std::string>& words) {
  if (words.size() < 5 || words.size() > 6) return std::nullopt;
  GatewayRequest request;
  if (words[0] != "map" && words[0] != "remove") return std::nullopt;
  if (words[1] != "natpmp" && words[1] != "upnp") return std::nullopt;
  request.verb = words[0] == "map" ? GatewayRequest::Verb::map : GatewayRequest::Verb::remove;
  request.protocol = words[1] == "natpmp" ? GatewayProtocol::nat_pmp : GatewayProtocol::upnp;
  const auto internal = parse_number<std::uint16_t>(words[2]);
  const auto external = parse_number<std::uint16_t>(words[3]);
  const auto lease = parse_number<std::uint32_t>(words[4]);
  if (!internal || !external || !lease || *internal == 0 || *external == 0) return std::nullopt;
  request.internal_port = *internal;
  request.external_port = *external;
  request.lease = std::chrono::seconds{*lease};
  if (words.size() == 6) request.gateway = words[5];
  return request;
}

std::string to_text(const GatewayAnswer& answer) {
  const auto name = std::find_if(outcomes.begin(), outcomes.end(),
                                 [&](const auto& entry) { return entry.first == answer.outcome; });
  std::string text = "outcome " + std::string(name->second) + "\n";
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (!value.empty()) text.append(key).append(" ").append(printable(value)).append("\n");
  };
  if (answer.outcome == Outcome::mapped) {
    add("external", answer.external.to_text());
    add("lease", std::to_string(answer.lease.count()));
  }
  // What does not fit cannot be asked again by that name: the router is looked for.
  if (answer.gateway.size() <= gateway_text_max) add("gateway", answer.gateway);
  add("router", answer.router);
  add("why", answer.why);
  return text + "end\n";
}

std::optional<GatewayAnswer> parse_answer(std::string_view text) {
  if (text.size() > gateway_answer_bytes_max) return std::nullopt;
  GatewayAnswer answer;
  bool has_outcome = false;
  bool has_external = false;
  while (!text.empty()) {
    const std::size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, line_end);
    text.remove_prefix(line_end + 1);
    if (!std::all_of(line.begin(), line.end(), is_printable)) return std::nullopt;
    if (line == "end") {
      const bool complete = has_outcome && (answer.outcome != Outcome::mapped || has_external);
      return complete && text.empty() ? std::optional(std::move(answer)) : std::nullopt;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.size() - space - 1 > gateway_text_max)
      return std::nullopt;
    const std::string_view key = line.substr(0, space);
    const std::string_view value = line.substr(space + 1);
    if (key == "outcome") {
      const auto outcome = outcome_named(value);
      if (!outcome) return std::nullopt;
      answer.outcome = *outcome;
      has_outcome = true;
    } else if (!read_field(key, value, answer)) {
      return std::nullopt;
    }
    has_external = has_external || key == "external";
  }
  return std::nullopt;  // cut off
}

}  // namespace starling
