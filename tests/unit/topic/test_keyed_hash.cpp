#include <boost/test/unit_test.hpp>
#include <string>

#include "src/topic/keyed_hash.hpp"
#include "src/topic/level_table.hpp"

using namespace starling;

BOOST_AUTO_TEST_SUITE(keyed_hashing)

// The vector of the paper's appendix A: key 00..0f, text 00..0e.
BOOST_AUTO_TEST_CASE(siphash_2_4_gives_the_published_value) {
  const HashSeed seed{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::string text;
  for (char byte = 0; byte < 15; ++byte) text.push_back(byte);
  BOOST_TEST((siphash<2, 4>(seed, text)) == 0xa129ca6149be45e5U);
}

// The first vector that the Rust library tests its SipHasher13 with.
BOOST_AUTO_TEST_CASE(siphash_1_3_gives_the_published_value) {
  const HashSeed seed{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  BOOST_TEST((siphash<1, 3>(seed, "")) == 0xabac0158050fc4dcU);
}

BOOST_AUTO_TEST_CASE(another_seed_gives_another_hash) {
  BOOST_TEST(keyed_hash(HashSeed{1, 2}, "level") != keyed_hash(HashSeed{1, 3}, "level"));
  BOOST_TEST(keyed_hash(HashSeed{1, 2}, 5U, 6U) != keyed_hash(HashSeed{2, 2}, 5U, 6U));
  BOOST_TEST(keyed_hash(HashSeed{1, 2}, 5U, 6U) != keyed_hash(HashSeed{1, 2}, 6U, 5U));
}

BOOST_AUTO_TEST_CASE(levels_are_counted_and_their_room_is_used_again) {
  LevelTable table(HashSeed{1, 2});
  const LevelId a = table.acquire("a");
  BOOST_TEST(table.acquire("a") == a);
  const LevelId empty = table.acquire("");
  BOOST_TEST(empty != a);
  table.release(a);
  BOOST_TEST(table.find("a") == a);
  table.release(a);
  BOOST_TEST(table.find("a") == LevelTable::none);
  BOOST_TEST(table.find("") == empty);

  for (int i = 0; i < 20'000; ++i) {
    const LevelId one = table.acquire("a level of some length " + std::to_string(i));
    BOOST_REQUIRE(table.text(one) == "a level of some length " + std::to_string(i));
    table.release(one);
  }
  BOOST_TEST(table.size() == 1U);
  BOOST_TEST(table.text(empty) == "");
  BOOST_TEST(table.memory_bytes() < 16'384U);
}

BOOST_AUTO_TEST_SUITE_END()
