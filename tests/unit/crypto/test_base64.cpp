#include <boost/test/unit_test.hpp>
#include <string>

#include "src/crypto/base64.hpp"

using namespace starling;
using namespace starling::crypto;

BOOST_AUTO_TEST_SUITE(base64, *boost::unit_test::label("RFC-4648"))

BOOST_AUTO_TEST_CASE(the_texts_of_the_rfc_go_both_ways) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : vectors) {
    BOOST_TEST(to_base64(as_bytes(plain)) == encoded);
    const auto back = from_base64(encoded);
    BOOST_REQUIRE(back);
    BOOST_TEST(as_text(*back) == plain);
  }
}

BOOST_AUTO_TEST_CASE(all_bytes_and_long_texts_come_back) {
  Bytes bytes;
  for (int i = 0; i < 3'000; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7));
  for (std::size_t size : {1U, 255U, 256U, 1'000U, 2'999U, 3'000U}) {
    const ByteView some(bytes.data(), size);
    const std::string text = to_base64(some);
    BOOST_TEST(text.find('\n') == std::string::npos);
    const auto back = from_base64(text);
    BOOST_REQUIRE(back);
    BOOST_TEST((*back == Bytes(some.begin(), some.end())));
    const auto bare = from_base64(to_base64(some, Base64Padding::absent), Base64Padding::absent);
    BOOST_REQUIRE(bare);
    BOOST_TEST((*bare == Bytes(some.begin(), some.end())));
  }
}

BOOST_AUTO_TEST_CASE(a_value_has_one_text) {
  for (const char* wrong :
       {"Zg", "Zg=", "Zg===", "Zm9v=", "Zh==", "Zm9=", "Z g==", "Zg==\n", "\nZg==", "Zm9vZg",
        "Zm-_", "Zg==Zg==", "=", "====", "Z", "Zm9v\n", "Zg=a"})
    BOOST_TEST(!from_base64(wrong), wrong);
  for (const char* wrong : {"Zg==", "Zg=", "Z", "Zh", "Zm9v="})
    BOOST_TEST(!from_base64(wrong, Base64Padding::absent), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
