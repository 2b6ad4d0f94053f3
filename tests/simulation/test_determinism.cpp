// One seed, one run: with everything on that could tell two runs apart.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "simulations/scenarios/read_scenario.hpp"
#include "simulations/scenarios/run_scenario.hpp"
#include "simulations/world/world.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

Scenario storm() {
  std::ifstream in(STARLING_STORM);
  std::ostringstream text;
  text << in.rdbuf();
  std::vector<config::Diagnostic> trouble;
  Scenario scenario = read_scenario(text.str(), STARLING_STORM, trouble);
  for (const config::Diagnostic& each : trouble) BOOST_ERROR(each.to_text());
  return scenario;
}

/// Looks at everything and does nothing.
class Idler final : public Observer {
 public:
  void on_second(TimePoint, const World&) override { ++seconds; }
  int seconds = 0;
};

BOOST_AUTO_TEST_SUITE(determinism)

// OpenDHT keeps some of its tables by the addresses of their elements; ordered_heap.cpp sees to it
// that these follow from the run alone, and not from what else lies in memory.
BOOST_AUTO_TEST_CASE(one_seed_gives_one_run_whoever_watches_it) {
  Scenario scenario = storm();
  const Report first = run_scenario(scenario, {});
  // It was a storm: nothing of it must be missing, or this test would prove little.
  const auto total = [&](std::string_view name) {
    for (const auto& [each, value] : first.totals)
      if (each == name) return value;
    return 0.0;
  };
  BOOST_TEST(total("messages delivered over the mesh") > 100);
  BOOST_TEST(total("lookups") > 30);
  BOOST_TEST(first.faults.size() == 6);

  // In the same process, without checkers, with another observer.
  Idler idler;
  RunOptions bare;
  bare.checks = false;
  bare.observer = &idler;
  BOOST_TEST(run_scenario(scenario, bare).digest == first.digest);
  BOOST_TEST(idler.seconds == 140);

  scenario.seed = 6;
  BOOST_TEST(run_scenario(scenario, bare).digest != first.digest);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling::sim
