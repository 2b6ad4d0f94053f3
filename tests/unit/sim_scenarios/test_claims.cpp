// Claims: sentences about the outcome of a run that a program can check.
#include <boost/test/unit_test.hpp>

#include "simulations/scenarios/claim.hpp"

namespace starling::sim {
namespace {

Report report() {
  Report made;
  made.delivery = {100, 10, 20, 30, 40, 50};
  made.totals = {{"messages published", 7}, {"lookups", 0}};
  return made;
}

bool holds(std::string_view text) {
  const auto claim = parse_claim(text);
  BOOST_REQUIRE_MESSAGE(claim.ok(), text);
  return check_claim(*claim, report()).holds;
}

std::string error_of(std::string_view text) {
  const auto claim = parse_claim(text);
  return claim.ok() ? std::string{} : claim.error().what;
}

BOOST_AUTO_TEST_SUITE(sim_claims)

BOOST_AUTO_TEST_CASE(times_are_compared_in_their_units) {
  BOOST_TEST(holds("delivery p50 <= 10 ms"));
  BOOST_TEST(!holds("delivery p50 <= 9.9 ms"));
  BOOST_TEST(holds("delivery p90 <= 0.02 s"));
  BOOST_TEST(holds("delivery p99>=0.0005min"));
  BOOST_TEST(!holds("delivery max >= 1 min"));
  BOOST_TEST(holds("delivery p99.9 <= 40"));
}

BOOST_AUTO_TEST_CASE(totals_are_compared_as_they_are) {
  BOOST_TEST(holds("messages published >= 7"));
  BOOST_TEST(!holds("messages published >= 8"));
  BOOST_TEST(holds("lookups <= 0"));
}

BOOST_AUTO_TEST_CASE(what_was_never_measured_does_not_hold) {
  const auto claim = parse_claim("lookup p90 <= 10 min");
  const ClaimOutcome outcome = check_claim(*claim, report());
  BOOST_TEST(!outcome.holds);
  BOOST_TEST(outcome.measured == "never measured");
  BOOST_TEST(outcome.claim == "lookup p90 <= 10 min");
}

BOOST_AUTO_TEST_CASE(mistakes_say_how_to_mend_them) {
  const std::string unknown = error_of("deliverys p50 <= 1 s");
  BOOST_TEST(unknown.find("\"deliverys p50\"") != std::string::npos);
  for (const std::string& known : known_quantities())
    BOOST_TEST(unknown.find(known) != std::string::npos, known);
  BOOST_TEST(error_of("delivery p50 < 1 s").find("delivery p90 <= 1.5 s") != std::string::npos);
  BOOST_TEST(error_of("delivery p50 <= soon").find("\"soon\" is no number") != std::string::npos);
  BOOST_TEST(error_of("delivery p50 <= nan").find("is no number") != std::string::npos);
  BOOST_TEST(error_of("delivery p50 <= 3 weeks").find("\"weeks\" is no unit: ms, s, min or %")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_known_quantity_can_be_claimed) {
  BOOST_TEST(known_quantities().size() > 20);
  for (const std::string& known : known_quantities())
    BOOST_TEST(parse_claim(known + " >= 0").ok(), known);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
