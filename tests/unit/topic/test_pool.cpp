#include <boost/test/unit_test.hpp>
#include <iterator>
#include <map>
#include <string>

#include "src/topic/pool.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;

BOOST_AUTO_TEST_SUITE(pool)

BOOST_AUTO_TEST_CASE(a_random_history_agrees_with_a_map) {
  SeededRandom random(11);
  Pool<std::string> pool;
  std::map<std::uint32_t, std::string> model;
  for (int step = 0; step < 20'000; ++step) {
    // Growing to thousands and back to nothing, twice.
    const bool grows = step / 5'000 % 2 == 0;
    if (model.empty() || random.upto(10) < (grows ? 8U : 1U)) {
      const std::string text = "value " + std::to_string(step);
      const auto [at, is_new] = model.emplace(pool.add(text), text);
      BOOST_REQUIRE(is_new);
    } else {
      const auto gone = std::next(
          model.begin(), static_cast<int>(random.upto(static_cast<std::uint32_t>(model.size()))));
      BOOST_REQUIRE(pool[gone->first] == gone->second);
      pool.remove(gone->first);
      model.erase(gone);
    }
    BOOST_REQUIRE(pool.size() == model.size());
  }
  std::map<std::uint32_t, std::string> held;
  pool.for_each_slot([&](std::uint32_t index, const std::string& text) {
    if (!text.empty()) held.emplace(index, text);
  });
  BOOST_TEST((held == model));
}

BOOST_AUTO_TEST_CASE(an_emptied_pool_gives_its_pages_back) {
  Pool<std::string> pool;
  for (std::uint32_t i = 0; i < 10'000; ++i) BOOST_REQUIRE(pool.add("x") == i);
  const std::size_t full = pool.memory_bytes();
  for (std::uint32_t i = 0; i < 10'000; ++i) pool.remove(i);
  BOOST_TEST(pool.size() == 0U);
  BOOST_TEST(pool.memory_bytes() * 50 < full);
  BOOST_TEST(pool[pool.add("again")] == "again");
}

BOOST_AUTO_TEST_SUITE_END()
