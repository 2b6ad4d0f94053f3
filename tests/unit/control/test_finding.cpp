#include <boost/test/unit_test.hpp>

#include "src/control/finding.hpp"

using namespace starling::control;

namespace {

const std::vector<Finding> three{
    {"daemon", Verdict::ok, "process 812, up 3d4h", {}, {}},
    {"nat-mapping", Verdict::skipped, "not known yet", {}, {}},
    {"port-open", Verdict::problem, "peers could not dial 203.0.113.7:21883",
     "UPnP says \"Conflict In Mapping Entry\"", "delete the rule on the router"},
    {"storage", Verdict::warning, "100 MiB free", {}, "make room"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(control_finding)

BOOST_AUTO_TEST_CASE(findings_are_read_as_they_were_written) {
  const std::string document = write_findings(three, "0.1.0");
  BOOST_TEST(document.find('\n') == std::string::npos);
  const auto read = read_findings(document);
  BOOST_REQUIRE(read.ok());
  BOOST_TEST((*read == three));
  BOOST_TEST(version_of(document) == "0.1.0");
}

BOOST_AUTO_TEST_CASE(the_names_of_the_document_stay) {
  BOOST_TEST(
      write_findings({three[2]}, "0.1.0")
      == R"({"schema":1,"version":"0.1.0","findings":[{"check":"port-open","result":"problem",)"
         R"("evidence":"peers could not dial 203.0.113.7:21883",)"
         R"("why":"UPnP says \"Conflict In Mapping Entry\"",)"
         R"("fix":"delete the rule on the router"}]})");
}

BOOST_AUTO_TEST_CASE(findings_are_told_with_mark_why_and_fix) {
  BOOST_TEST(findings_text(three, false)
             == "✓ daemon        process 812, up 3d4h\n"
                "- nat-mapping   not known yet\n"
                "✗ port-open     peers could not dial 203.0.113.7:21883\n"
                "                why  UPnP says \"Conflict In Mapping Entry\"\n"
                "                fix  delete the rule on the router\n"
                "! storage       100 MiB free\n"
                "                fix  make room\n"
                "1 problem, 1 warning\n");
  BOOST_TEST(findings_text({three[0]}, true)
             == "\x1b[32m✓\x1b[0m daemon        process 812, up 3d4h\nall is well\n");
}

BOOST_AUTO_TEST_CASE(the_exit_status_is_that_of_the_worst) {
  BOOST_TEST(exit_status_of({}) == 0);
  BOOST_TEST(exit_status_of({three[0], three[1]}) == 0);
  BOOST_TEST(exit_status_of({three[0], three[3]}) == 4);
  BOOST_TEST(exit_status_of(three) == 1);
}

BOOST_AUTO_TEST_CASE(they_stand_in_one_order_and_the_first_of_a_name_counts) {
  std::vector<Finding> findings{three[3], three[0], {"daemon", Verdict::problem, "again", {}, {}}};
  sort_findings(findings);
  BOOST_TEST((findings == std::vector<Finding>{three[0], three[3]}));
}

BOOST_AUTO_TEST_CASE(what_another_program_answers_does_no_harm) {
  for (const char* document : {"", "[]", "{}", "{\"findings\":7}", "no json"})
    BOOST_TEST(read_findings(document).error().what
               == "what the daemon answered is not understood");
  BOOST_TEST(read_findings(R"({"schema":1,"error":"no\u001bthing"})").error().what == "no thing");
  const auto odd = read_findings(
      R"({"findings":[7,{"check":7},{"check":"dht","result":"wonderful","evidence":"x"}]})");
  BOOST_REQUIRE(odd.ok());
  BOOST_REQUIRE(odd->size() == 2U);
  BOOST_TEST((odd->at(1) == Finding{"dht", Verdict::warning, "x", {}, {}}));
  BOOST_TEST(version_of("{\"version\":[]}") == "");
}

BOOST_AUTO_TEST_SUITE_END()
