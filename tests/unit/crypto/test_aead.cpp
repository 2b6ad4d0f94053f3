#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "src/crypto/aead.hpp"

using namespace starling;
using namespace starling::crypto;

namespace {

Key counting_key() {
  Key key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(0x80 + i);
  return key;
}
const Nonce nonce = {0x07, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
const Bytes associated = from_hex("50515253c0c1c2c3c4c5c6c7").value();
constexpr std::string_view sunscreen =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    "sunscreen would be it.";

}  // namespace

BOOST_AUTO_TEST_SUITE(aead)

BOOST_AUTO_TEST_CASE(sealing_gives_the_bytes_of_the_rfc,
                     *boost::unit_test::label("RFC-8439-2.8.2")) {
  const Bytes sealed = seal(counting_key(), nonce, associated, as_bytes(sunscreen));
  BOOST_TEST(sealed.size() == sunscreen.size() + seal_overhead);
  BOOST_TEST(to_hex(sealed).substr(0, 32) == "d31a8d34648e60db7b86afbc53ef7ec2");
  BOOST_TEST(to_hex(sealed).substr(2 * sunscreen.size()) == "1ae10b594f09e26a7e902ecbd0600691");
}

BOOST_AUTO_TEST_CASE(what_was_sealed_opens_again) {
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 5000U}) {
    const Bytes plain(size, 0x5a);
    const Bytes sealed = seal(counting_key(), nonce, {}, plain);
    const Result<Bytes> opened = open_sealed(counting_key(), nonce, {}, sealed);
    BOOST_REQUIRE(opened.ok());
    BOOST_TEST((*opened == plain));
  }
}

BOOST_AUTO_TEST_CASE(a_single_changed_bit_keeps_it_shut) {
  const Bytes sealed = seal(counting_key(), nonce, associated, as_bytes("home"));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    const Result<Bytes> opened = open_sealed(counting_key(), nonce, associated, changed);
    BOOST_REQUIRE(!opened.ok());
    BOOST_TEST((opened.error().code == Errc::bad_identity));
  }
}

BOOST_AUTO_TEST_CASE(another_key_nonce_or_associated_text_keeps_it_shut) {
  const Bytes sealed = seal(counting_key(), nonce, associated, as_bytes("home"));
  Key other_key = counting_key();
  other_key[31] ^= 1;
  Nonce other_nonce = nonce;
  other_nonce[11] ^= 1;
  BOOST_TEST(!open_sealed(other_key, nonce, associated, sealed).ok());
  BOOST_TEST(!open_sealed(counting_key(), other_nonce, associated, sealed).ok());
  BOOST_TEST(!open_sealed(counting_key(), nonce, {}, sealed).ok());
}

BOOST_AUTO_TEST_CASE(truncated_bytes_stay_shut) {
  const Bytes sealed = seal(counting_key(), nonce, {}, as_bytes("home"));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    BOOST_TEST(!open_sealed(counting_key(), nonce, {}, ByteView(sealed).first(size)).ok());
  }
}

BOOST_AUTO_TEST_SUITE_END()
