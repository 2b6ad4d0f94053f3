// What is let through to OpenDHT, and what is not.
#include <boost/test/unit_test.hpp>

#include "dht/opendht/datagram_check.hpp"

using namespace starling;

namespace {

bool safe(std::string_view hex) {
  return is_safe_for_opendht(*from_hex(hex));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(datagram_check)

BOOST_AUTO_TEST_CASE(every_form_of_msgpack_is_walked) {
  BOOST_TEST(safe("80"));
  BOOST_TEST(safe("81a17901"));                  // {"y": 1}
  BOOST_TEST(safe("8101c0"));                    // keys need not be text
  BOOST_TEST(safe("81a179d90141"));              // str8
  BOOST_TEST(safe("81a179da000141"));            // str16
  BOOST_TEST(safe("81a179db0000000141"));        // str32
  BOOST_TEST(safe("81a179c40141"));              // bin8
  BOOST_TEST(safe("81a179c5000141"));            // bin16
  BOOST_TEST(safe("81a179c60000000141"));        // bin32
  BOOST_TEST(safe("81a179dc0001c3"));            // array16
  BOOST_TEST(safe("81a179dd00000001c2"));        // array32
  BOOST_TEST(safe("81a179de00010101"));          // map16
  BOOST_TEST(safe("81a179df000000010101"));      // map32
  BOOST_TEST(safe("81a179ca00000000"));          // float32
  BOOST_TEST(safe("81a179cb0000000000000000"));  // float64
  BOOST_TEST(safe("84a0cc01a0cd0001a0ce00000001a0cf0000000000000001"));
  BOOST_TEST(safe("84a0d001a0d10001a0d200000001a0d30000000000000001"));
  BOOST_TEST(safe("81a179e0"));        // negative
  BOOST_TEST(safe("81a179c7010541"));  // ext8
  BOOST_TEST(
      safe("85a0d40541a0d5054141a0d60541414141a0d7054141414141414141"
           "a0d80541414141414141414141414141414141"));
}

BOOST_AUTO_TEST_CASE(only_one_whole_map_is_let_through) {
  BOOST_TEST(!safe(""));
  BOOST_TEST(!safe("01"));
  BOOST_TEST(!safe("90"));
  BOOST_TEST(!safe("8080"));
  BOOST_TEST(!safe("81a179"));
  BOOST_TEST(!safe("81a179c1"));  // the tag that is never used
  BOOST_TEST(!safe("81a17f"));
}

BOOST_AUTO_TEST_CASE(lengths_beyond_the_datagram_are_refused) {
  for (const char* claim : {"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01",
                            "dcffff", "deffff", "9f", "8f", "bf", "c77f01"})
    BOOST_TEST(!safe(std::string("81a179") + claim));
}

BOOST_AUTO_TEST_CASE(endless_nesting_is_refused) {
  BOOST_TEST(safe("81a179" + std::string("9191919191919191") + "c0"));
  std::string deep = "81a179";
  for (int i = 0; i < 30'000; ++i) deep += "91";
  BOOST_TEST(!safe(deep + "c0"));
}

BOOST_AUTO_TEST_CASE(value_parts_are_whole_and_sound) {
  BOOST_TEST(safe("81a170810082a16f00a164c40180"));
  BOOST_TEST(safe("81a170810082a164c40180a16f00"));
  BOOST_TEST(!safe("81a170810082a16f01a164c40180"));          // a later piece
  BOOST_TEST(!safe("81a170810082a16fcc00a164c40180"));        // zero, written long
  BOOST_TEST(!safe("81a170810082a16f00a164c405ddffffffff"));  // a bomb inside
  BOOST_TEST(!safe("81a170810082a16f00a164c4028080"));        // two objects inside
  BOOST_TEST(!safe("81a170810082a16f00a164a180"));            // text for binary
  BOOST_TEST(!safe("81a1708100c0"));
  BOOST_TEST(!safe("81a17090"));
}

BOOST_AUTO_TEST_SUITE_END()
