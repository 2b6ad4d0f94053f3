#include <boost/test/unit_test.hpp>

#include "src/control/control_request.hpp"

using namespace starling;
using namespace starling::control;

namespace {

std::string refusal_of(std::string_view line) {
  const auto request = parse_request(line);
  BOOST_REQUIRE(!request.ok());
  return request.error().what;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control_request)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
  for (const ControlRequest& request :
       {ControlRequest{RequestKind::status, {}}, ControlRequest{RequestKind::doctor, {}},
        ControlRequest{RequestKind::doctor, {"storage", "nat-mapping"}}}) {
    const std::string line = write_request(request);
    BOOST_TEST(line.back() == '\n');
    BOOST_TEST(line.find('\n') == line.size() - 1);
    const auto read = parse_request(std::string_view(line).substr(0, line.size() - 1));
    BOOST_REQUIRE(read.ok());
    BOOST_TEST((*read == request));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_told_in_a_sentence) {
  const std::string one_object = "a request is one JSON object on one line";
  for (const char* line : {"", "status", "[]", "{\"request\":", "\"status\"", "{} {}", "\xff"})
    BOOST_TEST(refusal_of(line) == one_object);
  BOOST_TEST(refusal_of("{}") == "\"request\" is missing; there are \"status\" and \"doctor\"");
  BOOST_TEST(refusal_of("{\"request\":7}")
             == "\"request\" is missing; there are \"status\" and \"doctor\"");
  BOOST_TEST(refusal_of("{\"request\":\"reboot\\u001b[2J\"}")
             == "there is no request \"reboot [2J\"; there are \"status\" and \"doctor\"");
}

BOOST_AUTO_TEST_CASE(checks_that_do_not_exist_are_refused) {
  BOOST_TEST(refusal_of(R"({"request":"doctor","checks":["storage","spleen"]})")
             == "there is no check \"spleen\"");
  for (const char* checks : {"7", "\"storage\"", "[7]", "{}", "[[\"storage\"]]"})
    BOOST_TEST(refusal_of(std::string(R"({"request":"doctor","checks":)") + checks + "}")
               == "\"checks\" is not a list of names");
}

BOOST_AUTO_TEST_CASE(very_deep_json_does_no_harm) {
  BOOST_TEST(!parse_request(std::string(4'000, '[')).ok());
  BOOST_TEST(!parse_request(std::string(2'000, '[') + std::string(2'000, ']')).ok());
}

BOOST_AUTO_TEST_SUITE_END()
