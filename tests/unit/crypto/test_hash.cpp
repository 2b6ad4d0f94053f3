#include <boost/test/unit_test.hpp>

#include "src/crypto/hash.hpp"

using namespace starling;
using namespace starling::crypto;

namespace {
Bytes hex(std::string_view digits) {
  return from_hex(digits).value();
}
}  // namespace

BOOST_AUTO_TEST_SUITE(hash)

BOOST_AUTO_TEST_CASE(sha256_gives_the_digests_of_the_standard,
                     *boost::unit_test::label("FIPS-180-4")) {
  BOOST_TEST(to_hex(sha256(as_bytes("abc")))
             == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(to_hex(sha256({}))
             == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(hmac_gives_the_codes_of_the_rfc, *boost::unit_test::label("RFC-4231")) {
  BOOST_TEST(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")))
             == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const Bytes long_key(131, 0xaa);
  BOOST_TEST(to_hex(hmac_sha256(long_key,
                                as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")))
             == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

BOOST_AUTO_TEST_CASE(hkdf_gives_the_keys_of_the_rfc, *boost::unit_test::label("RFC-5869")) {
  const Bytes input(22, 0x0b);
  BOOST_TEST(
      to_hex(hkdf_sha256(input, hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"), 42))
      == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  BOOST_TEST(
      to_hex(hkdf_sha256(input, {}, {}, 42))
      == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

BOOST_AUTO_TEST_CASE(comparing_sees_every_difference) {
  BOOST_TEST(equal_in_constant_time({}, {}));
  BOOST_TEST(equal_in_constant_time(as_bytes("same"), as_bytes("same")));
  BOOST_TEST(!equal_in_constant_time(as_bytes("same"), as_bytes("some")));
  BOOST_TEST(!equal_in_constant_time(as_bytes("same"), as_bytes("sam")));
  BOOST_TEST(!equal_in_constant_time(as_bytes("same"), as_bytes("samE")));
}

BOOST_AUTO_TEST_CASE(wiping_leaves_zeros) {
  Bytes secret(40, 0x55);
  wipe(secret.data(), secret.size());
  BOOST_TEST((secret == Bytes(40, 0)));
}

BOOST_AUTO_TEST_SUITE_END()
