#include <boost/test/unit_test.hpp>
#include <string>

#include "src/topic/keyed_hash.hpp"

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
  BOOST_TEST(keyed_hash(HashSeed{1, 2}, 5U, "a") != keyed_hash(HashSeed{2, 2}, 5U, "a"));
}

BOOST_AUTO_TEST_CASE(a_number_in_front_is_hashed_like_eight_bytes_of_text) {
  const HashSeed seed{1, 2};
  const std::string front("\x05\0\0\0\0\0\0\0", 8);  // little endian, as the machine
  BOOST_TEST(keyed_hash(seed, 5U, "a level of some length")
             == keyed_hash(seed, front + "a level of some length"));
  BOOST_TEST(keyed_hash(seed, 5U, "a") != keyed_hash(seed, 6U, "a"));
}

BOOST_AUTO_TEST_SUITE_END()
