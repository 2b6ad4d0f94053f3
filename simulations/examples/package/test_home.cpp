// A test of a network of one's own, with Starling's simulator: ten homes that share one mesh, a button
// and lamps, and a cable that is cut. The nodes are the real ones, MQTT, links and DHT; only time and
// the network are simulated: a minute takes milliseconds, and a seed always tells the same story.
#define BOOST_TEST_MODULE home
#include <algorithm>
#include <boost/test/included/unit_test.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "starling/sim.hpp"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

/// HOME_SEED=17 ./test_home repeats what seed 17 does.
std::uint64_t seed() {
  const char* text = std::getenv("HOME_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

/// Ten homes; a button in the first, and a lamp in every one.
struct Street {
  Street() : world({.seed = seed()}) {
    BOOST_TEST_MESSAGE("HOME_SEED=" << seed());
    homes = world.add_homes(10);
    for (const NodeNumber home : homes) {
      ClientConfig lamp;
      lamp.node = home;
      lamp.filters = {{"lamp/#"}};
      lamp.keeps_messages = true;
      lamps.push_back(&world.add_client(lamp));
    }
    ClientConfig device;
    device.node = homes.front();
    button = &world.add_client(device);
  }

  ~Street() { BOOST_TEST_MESSAGE("digest " << world.trace().text()); }

  /// All lamps listen, all homes have found the button's, and have had time to tell one another what
  /// they listen to.
  bool settles() {
    const auto is_ready = [&] {
      return button->is_connected()
             && std::ranges::all_of(lamps, [](const SimClient* l) { return l->is_subscribed(); })
             && std::ranges::all_of(homes, [&](NodeNumber home) {
                  return home == homes.front() || world.are_linked(homes.front(), home);
                });
    };
    if (!world.run_until(is_ready, 2min)) return false;
    world.run_for(10s);
    return true;
  }

  /// How often the lamp in that home has heard `what`.
  [[nodiscard]] auto heard(std::size_t home, const std::string& what) const {
    return std::ranges::count(lamps[home]->messages(), what, &SimClient::Message::payload);
  }
  [[nodiscard]] bool all_have_heard(const std::string& what) const {
    for (std::size_t home = 0; home < homes.size(); ++home)
      if (heard(home, what) == 0) return false;
    return true;
  }

  World world;
  std::vector<NodeNumber> homes;
  std::vector<SimClient*> lamps;
  SimClient* button = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_lamp_hears_the_button_within_a_second) {
  Street street;
  BOOST_REQUIRE(street.settles());

  street.button->publish_text("lamp/kitchen", "on");

  BOOST_TEST(street.world.run_until([&] { return street.all_have_heard("on"); }, 1s));
}

BOOST_AUTO_TEST_CASE(what_is_said_while_the_cable_is_cut_comes_when_it_is_mended) {
  Street street;
  BOOST_REQUIRE(street.settles());
  const std::vector<NodeNumber> far_end(street.homes.begin() + 6, street.homes.end());

  const Partition cut = street.world.part(far_end, street.world.others(far_end), "cable cut");
  street.world.run_for(1s);
  street.button->publish_text("lamp/kitchen", "off", QoS::at_least_once);
  street.world.run_for(20s);
  for (std::size_t home = 0; home < 6; ++home) BOOST_TEST(street.heard(home, "off") == 1);
  for (std::size_t home = 6; home < 10; ++home) BOOST_TEST(street.heard(home, "off") == 0);

  street.world.mend(cut);
  BOOST_TEST(street.world.run_until([&] { return street.all_have_heard("off"); }, 2min));
}

/// A whole story, as `starling sim run` takes them, with everything the nodes promise watched.
BOOST_AUTO_TEST_CASE(a_busy_street_keeps_all_promises_while_a_house_is_away) {
  constexpr std::string_view text = R"(
name = "street"
lasts = "3min"
heals = "2min"
claims = ["messages delivered over the mesh >= 100"]

[[nodes]]
name = "homes"
count = 10
bootstrap = 3

[[clients]]
name = "lamp"
at = "homes"
keeps_session = true
subscribe = "lamp/#"

[[clients]]
name = "button"
at = "homes"
publish = [{ topic = "lamp/{node}", qos = 1, every = "5s", begins = "60s" }]

[[fault]]
kind = "kill"
at = "90s"
lasts = "30s"
count = 1
)";
  std::vector<config::Diagnostic> trouble;
  Scenario scenario = read_scenario(text, "street", trouble);
  for (const auto& what : trouble) BOOST_ERROR(what.to_text());
  BOOST_REQUIRE(trouble.empty());
  scenario.seed = seed();

  const Report report = run_scenario(scenario, {.replay = "HOME_SEED=... ./test_home"});

  BOOST_TEST_MESSAGE("digest " << report.digest);
  BOOST_TEST(report.is_good(), write_text(report));  // write_html() makes a page to look at
}

BOOST_AUTO_TEST_CASE(a_house_without_power_does_not_hold_up_the_others) {
  Street street;
  BOOST_REQUIRE(street.settles());

  street.world.end(street.homes[4], NodeEnd::unplugged);
  street.button->publish_text("lamp/kitchen", "dim");
  street.world.run_for(2s);

  for (std::size_t home = 0; home < 10; ++home)
    BOOST_TEST(street.heard(home, "dim") == (home != 4));
}
