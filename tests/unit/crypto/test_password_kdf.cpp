#include <array>
#include <boost/test/unit_test.hpp>

#include "src/crypto/password_kdf.hpp"

using namespace starling;
using namespace starling::crypto;

BOOST_AUTO_TEST_SUITE(password_kdf)

BOOST_AUTO_TEST_CASE(sha512_gives_the_digest_of_the_standard,
                     *boost::unit_test::label("FIPS-180-4")) {
  constexpr const char* of_abc =
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
  BOOST_TEST(to_hex(sha512(as_bytes("abc"), {})) == of_abc);
  BOOST_TEST(to_hex(sha512(as_bytes("a"), as_bytes("bc"))) == of_abc);
  BOOST_TEST(to_hex(sha512({}, as_bytes("abc"))) == of_abc);
}

BOOST_AUTO_TEST_CASE(pbkdf2_gives_the_keys_of_another_implementation,
                     *boost::unit_test::label("RFC-8018")) {
  BOOST_TEST(to_hex(pbkdf2_sha512(as_bytes("password"), as_bytes("salt"), 2))
             == "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
                "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e");
  BOOST_TEST(to_hex(pbkdf2_sha256(as_bytes("password"), as_bytes("salt"), 2))
             == "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
  BOOST_TEST(to_hex(pbkdf2_sha512({}, as_bytes("salt"), 1))
             != to_hex(pbkdf2_sha512({}, as_bytes("tlas"), 1)));
}

BOOST_AUTO_TEST_CASE(argon2id_gives_the_hashes_of_its_authors,
                     *boost::unit_test::label("RFC-9106")) {
  std::array<std::uint8_t, 32> out{};
  BOOST_REQUIRE(argon2id(as_bytes("password"), as_bytes("somesalt"), {256, 2, 1}, out));
  BOOST_TEST(to_hex(out) == "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  BOOST_REQUIRE(argon2id(as_bytes("password"), as_bytes("somesalt"), {256, 2, 2}, out));
  BOOST_TEST(to_hex(out) == "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037");
}

BOOST_AUTO_TEST_SUITE_END()
