#include <boost/test/unit_test.hpp>
#include <map>

#include "src/topic/flat_index.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::test;

namespace {

/// Few enough to meet on slots, spread over the table's whole width or not.
std::uint32_t hash_of(std::uint32_t number, std::uint32_t spread) {
  return number * spread;
}

void check_history(std::uint32_t spread) {
  SeededRandom random(spread);
  FlatIndex index;
  std::map<std::uint32_t, std::uint32_t> model;  // number -> hash
  const auto found = [&](std::uint32_t number) {
    return index.find(hash_of(number, spread), [&](std::uint32_t it) { return it == number; });
  };
  for (int step = 0; step < 30'000; ++step) {
    // Growing and shrinking by turns, so that it is resized both ways, also while it moves.
    const auto number = static_cast<std::uint32_t>(random.upto(4'000));
    const bool grows = step / 3'000 % 2 == 0;
    if (!model.contains(number) && random.upto(10) < (grows ? 9U : 2U)) {
      index.insert(hash_of(number, spread), number);
      model.emplace(number, hash_of(number, spread));
    } else if (model.contains(number) && random.upto(10) < (grows ? 1U : 9U)) {
      index.erase(model.at(number), number);
      model.erase(number);
    }
    BOOST_REQUIRE(index.size() == model.size());
    BOOST_REQUIRE(found(number) == (model.contains(number) ? number : FlatIndex::none));
    if (step % 500 != 0) continue;
    for (std::uint32_t each = 0; each < 4'000; ++each)
      BOOST_REQUIRE(found(each) == (model.contains(each) ? each : FlatIndex::none));
  }
  while (!model.empty()) {
    index.erase(model.begin()->second, model.begin()->first);
    model.erase(model.begin());
    for (const auto& [number, hash] : model)
      if (number % 97 == 0) BOOST_REQUIRE(found(number) == number);
  }
  BOOST_TEST(index.memory_bytes() < 1'000U);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flat_index)

BOOST_AUTO_TEST_CASE(a_random_history_agrees_with_a_map) {
  check_history(2'654'435'761U);  // spread over all slots
  check_history(1);               // long runs of used slots
  check_history(0);               // all on one slot
  check_history(0x0100'0001U);    // on few, and around the end
}

BOOST_AUTO_TEST_SUITE_END()
