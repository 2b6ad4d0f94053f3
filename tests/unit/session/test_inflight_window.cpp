#include <boost/test/unit_test.hpp>
#include <deque>
#include <random>
#include <utility>

#include "src/session/inflight_window.hpp"

using namespace starling;

namespace {

Inflight entry(std::uint64_t position) {
  Inflight made;
  made.packet_id = static_cast<std::uint16_t>((position - 1) % 65'535 + 1);
  made.delivery.position = position;
  return made;
}

std::vector<std::uint16_t> ids(const InflightWindow& window) {
  std::vector<std::uint16_t> all;
  window.for_each([&](const Inflight& each) { all.push_back(each.packet_id); });
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(inflight_window)

/// Against a plain list, in which everything is looked for from the front.
BOOST_AUTO_TEST_CASE(agrees_with_a_list_in_any_order_of_acknowledgements) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    InflightWindow::Spares spares;
    InflightWindow window(spares);
    struct Known {
      std::uint16_t id;
      std::uint64_t position;
      bool sent;
    };
    std::vector<Known> list;
    std::uint64_t last = 65'500;  // ids go round
    std::uint64_t left_out = 0;   // with odd seeds, positions come out of order
    for (int step = 0; step < 2'000; ++step) {
      const auto what = random() % 100;
      const bool all_sent = std::ranges::all_of(list, &Known::sent);
      if (what < 50 && list.size() < 60 && all_sent) {
        std::uint64_t position = std::exchange(left_out, 0);
        if (position == 0) {
          if (seed % 2 == 1 && random() % 4 == 0) left_out = ++last;
          last += random() % 50 == 0 ? 70'000 : 1 + random() % 3;
          position = last;
        }
        window.push_back(entry(position));
        list.push_back({entry(position).packet_id, position, true});
      } else if (what < 90 && !list.empty()) {
        const std::size_t at = random() % 4 == 0 ? random() % list.size() : 0;
        Inflight* found = window.find(list[at].id);
        BOOST_REQUIRE(found != nullptr);
        BOOST_TEST(window.take(*found).position == list[at].position);
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
      } else if (what < 93) {
        window.forget_sent();
        for (Known& known : list) known.sent = false;
      } else if (Inflight* next = window.next_to_send()) {
        const auto at = std::ranges::find(list, false, &Known::sent);
        BOOST_REQUIRE((at != list.end()));
        BOOST_TEST(next->packet_id == at->id);
        at->sent = true;
      }
      std::vector<std::uint16_t> expected;
      for (const Known& known : list) expected.push_back(known.id);
      BOOST_REQUIRE(ids(window) == expected);
      BOOST_REQUIRE(window.size() == list.size());
      BOOST_REQUIRE(window.sent()
                    == static_cast<std::size_t>(std::ranges::count(list, true, &Known::sent)));
      BOOST_REQUIRE(window.all_sent() == std::ranges::all_of(list, &Known::sent));
      BOOST_REQUIRE(window.find(0) == nullptr);
      BOOST_REQUIRE(window.find(entry(last + 7).packet_id) == nullptr);
      if (!list.empty()) {
        const auto [first, latest] = std::ranges::minmax(list, {}, &Known::position);
        BOOST_REQUIRE(window.span().earliest == first.position);
        BOOST_REQUIRE(window.span().latest >= latest.position);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_taken_out_whole_has_no_holes) {
  InflightWindow::Spares spares;
  InflightWindow window(spares);
  for (std::uint16_t id = 1; id <= 5; ++id) window.push_back(entry(id));
  window.take(*window.find(3));
  const std::vector<Inflight> all = window.take_all();
  BOOST_REQUIRE(all.size() == 4U);
  BOOST_TEST(all[2].packet_id == 4);
  BOOST_TEST(window.empty());
  window.push_back(entry(9), false);
  BOOST_TEST(!window.all_sent());
}

BOOST_AUTO_TEST_CASE(memory_of_an_empty_window_goes_to_the_next) {
  InflightWindow::Spares spares;
  InflightWindow first(spares);
  InflightWindow second(spares);
  const Inflight* place = &first.push_back(entry(1));
  first.take(*first.find(1));
  BOOST_TEST(&second.push_back(entry(2)) == place);
}

BOOST_AUTO_TEST_SUITE_END()
