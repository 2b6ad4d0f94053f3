#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "src/crypto/ed25519.hpp"
#include "src/crypto/hash.hpp"
#include "src/crypto/system_entropy.hpp"

using namespace starling;
using namespace starling::crypto;

namespace {

template <class Array>
Array array_of(std::string_view digits) {
  const Bytes bytes = from_hex(digits).value();
  Array array{};
  BOOST_REQUIRE(bytes.size() == array.size());
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

struct Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};
// RFC 8032, section 7.1, tests 1 and 2.
constexpr Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
};

// Made by `openssl genpkey -algorithm ed25519`; the other lines by `openssl pkey -pubout -outform
// DER`, `sha256sum` of that, and `openssl pkeyutl -sign -rawin` over "hello".
constexpr std::string_view openssl_pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEILMTQd38DO/x64PAU9sseCIvlZ1tPcB+RIjyR+b5kVSu\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view openssl_spki =
    "302a300506032b6570032100b91fe899cf8786ac73e350da235a5dcf0f2f4f5cd035422cc7eb468123241abb";
constexpr std::string_view openssl_spki_sha256 =
    "e74d296e2df1e57a2a10ca694a0df795dfcfda23abc4329682739229f6641432";
constexpr std::string_view openssl_signature =
    "44c11da437dbc915e63986ff469f0d32983d857fdab8e7425fd1920870137553f22046af785f2e3145dbb272982482"
    "083"
    "907cb1f4797ee506645a011593da60e";
constexpr std::string_view openssl_encrypted =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhRVm5WNbEX0AICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPxHlsudJtBIMTr/b9DZxuEEQCGQ\n"
    "1h1c4ZwMk5Sf9lgmNhjKbhXwYroDywP6U2GDks2sJHgfFS6Iw5Hl22VAzfKStltx\n"
    "Y+jM1adxHq8zvwMU0Ng=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
constexpr std::string_view openssl_p256 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglJw5w82ZPljfW8uq\n"
    "x1g7kPkM4ZxA/wmUJvZaUR9hnkOhRANCAASKXQ4o67+0r5E4Yxonbe2he7UzW8tq\n"
    "Ho8e4I5oheRbVjZfIReyoE2DxJAJYhsvDOM2fjugVjgrEf5ZNn3ztJAr\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view openssl_x25519 =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIEhFkjI5bMUa63YZcT90L6xLDA1KiSSx50xtBPAiCnFy\n"
    "-----END PRIVATE KEY-----\n";

SigningKey key_of(std::uint8_t fill) {
  Seed seed{};
  seed.fill(fill);
  return SigningKey::from_seed(seed);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ed25519)

BOOST_AUTO_TEST_CASE(keys_and_signatures_are_those_of_the_rfc,
                     *boost::unit_test::label("RFC-8032-7.1")) {
  for (const Vector& vector : vectors) {
    const SigningKey key = SigningKey::from_seed(array_of<Seed>(vector.seed));
    const Bytes message = from_hex(vector.message).value();
    BOOST_TEST(to_hex(key.public_key().view()) == vector.public_key);
    BOOST_TEST(to_hex(key.sign(message)) == vector.signature);
    BOOST_TEST(verify(key.public_key(), message, array_of<Signature>(vector.signature)));
  }
}

BOOST_AUTO_TEST_CASE(a_key_of_openssl_is_read_whole) {
  const Result<SigningKey> key = SigningKey::from_pem(openssl_pem);
  BOOST_REQUIRE(key.ok());
  BOOST_TEST(to_hex(key->public_key().spki()) == openssl_spki);
  BOOST_TEST(to_hex(key->node_id().view()) == openssl_spki_sha256);
  BOOST_TEST(to_hex(key->sign(as_bytes("hello"))) == openssl_signature);
  BOOST_TEST(key->to_pem() == openssl_pem);
}

BOOST_AUTO_TEST_CASE(text_around_the_block_and_foreign_line_ends_do_not_matter) {
  std::string text = "made for attic-pi\r\n\r\n";
  for (const char c : openssl_pem) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  text += "\nthe end\n";
  const Result<SigningKey> key = SigningKey::from_pem(text);
  BOOST_REQUIRE(key.ok());
  BOOST_TEST(to_hex(key->node_id().view()) == openssl_spki_sha256);
}

BOOST_AUTO_TEST_CASE(a_key_survives_pem_and_der) {
  for (const int fill : {0x00, 0x01, 0x7f, 0x80, 0xff}) {  // leading zeros must not get lost
    const SigningKey key = key_of(static_cast<std::uint8_t>(fill));
    const Result<SigningKey> from_pem = SigningKey::from_pem(key.to_pem());
    const Result<SigningKey> from_der = SigningKey::from_pkcs8(key.to_pkcs8());
    BOOST_REQUIRE(from_pem.ok());
    BOOST_REQUIRE(from_der.ok());
    BOOST_TEST((from_pem->public_key() == key.public_key()));
    BOOST_TEST((from_der->public_key() == key.public_key()));
  }
}

BOOST_AUTO_TEST_CASE(keys_that_are_not_ours_are_refused_with_the_reason) {
  const Result<SigningKey> p256 = SigningKey::from_pem(openssl_p256);
  BOOST_REQUIRE(!p256.ok());
  BOOST_TEST((p256.error().code == Errc::unsupported));
  BOOST_TEST(p256.error().what.find("Ed25519 is needed") != std::string::npos);
  BOOST_TEST(!SigningKey::from_pem(openssl_x25519).ok());

  const Result<SigningKey> encrypted = SigningKey::from_pem(openssl_encrypted);
  BOOST_REQUIRE(!encrypted.ok());
  BOOST_TEST(encrypted.error().what.find("encrypted") != std::string::npos);

  const Result<SigningKey> huge = SigningKey::from_pem(std::string(20'000, ' '));
  BOOST_REQUIRE(!huge.ok());
  BOOST_TEST((huge.error().code == Errc::too_large));

  BOOST_TEST(!SigningKey::from_pem("").ok());
  BOOST_TEST(!SigningKey::from_pem("not a key").ok());
  BOOST_TEST(!SigningKey::from_pkcs8({}).ok());
}

BOOST_AUTO_TEST_CASE(damaged_keys_are_refused_or_are_other_keys_but_never_crash) {
  const Bytes der = key_of(7).to_pkcs8();
  for (std::size_t size = 0; size < der.size(); ++size) {
    BOOST_TEST(!SigningKey::from_pkcs8(ByteView(der).first(size)).ok());
  }
  constexpr std::size_t seed_at = 16;
  for (std::size_t bit = 0; bit < der.size() * 8; ++bit) {
    Bytes changed = der;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    const Result<SigningKey> key = SigningKey::from_pkcs8(changed);
    if (bit / 8 >= seed_at) {
      BOOST_REQUIRE(key.ok());
      BOOST_TEST((key->public_key() != key_of(7).public_key()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_signature_holds_for_its_message_and_key_alone) {
  const SigningKey key = key_of(1);
  const Bytes message(100, 0x33);
  const Signature signature = key.sign(message);
  BOOST_TEST(verify(key.public_key(), message, signature));
  BOOST_TEST(!verify(key_of(2).public_key(), message, signature));
  BOOST_TEST(!verify(key.public_key(), ByteView(message).first(99), signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Signature changed = signature;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
    BOOST_TEST(!verify(key.public_key(), message, changed));
  }
}

// S and S + L would both verify if nobody looked [RFC 8032 §5.1.7]; then one record would have two
// forms.
BOOST_AUTO_TEST_CASE(a_signature_has_one_form_only, *boost::unit_test::label("RFC-8032-5.1.7")) {
  const SigningKey key = key_of(1);
  Signature signature = key.sign(as_bytes("record"));
  constexpr std::array<std::uint8_t, 32> order = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                                  0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                                  0,    0,    0,    0,    0,    0,    0,    0,
                                                  0,    0,    0,    0,    0,    0,    0,    0x10};
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = static_cast<unsigned>(signature[32 + i]) + order[i] + carry;
    signature[32 + i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  BOOST_TEST(!verify(key.public_key(), as_bytes("record"), signature));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_key_verify_nothing) {
  const Signature signature = key_of(1).sign(as_bytes("x"));
  PublicKey no_point;
  no_point.bytes.fill(0xff);
  BOOST_TEST(!verify(no_point, as_bytes("x"), signature));
  BOOST_TEST(!verify(PublicKey{}, as_bytes("x"), signature));
}

BOOST_AUTO_TEST_CASE(a_public_key_reads_back_from_its_spki_and_nothing_else_does) {
  const PublicKey key = key_of(3).public_key();
  const auto spki = key.spki();
  const Result<PublicKey> back = PublicKey::from_spki(spki);
  BOOST_REQUIRE(back.ok());
  BOOST_TEST((*back == key));
  BOOST_TEST(!PublicKey::from_spki(ByteView(spki).first(43)).ok());
  BOOST_TEST(!PublicKey::from_spki(key.view()).ok());
  auto x25519 = spki;
  x25519[8] = 0x6e;
  const Result<PublicKey> refused = PublicKey::from_spki(x25519);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST((refused.error().code == Errc::bad_identity));
}

BOOST_AUTO_TEST_CASE(generated_keys_take_all_their_seed_from_the_entropy) {
  class Counting final : public Entropy {
   public:
    void fill(std::span<std::uint8_t> out) override {
      for (std::uint8_t& byte : out) byte = next_++;
    }

   private:
    std::uint8_t next_ = 0;
  };
  Counting first;
  Counting second;
  BOOST_TEST(
      (SigningKey::generate(first).public_key() == SigningKey::generate(second).public_key()));
  BOOST_TEST(
      (SigningKey::generate(first).public_key() != SigningKey::generate(first).public_key()));

  SystemEntropy system;
  BOOST_TEST(
      (SigningKey::generate(system).public_key() != SigningKey::generate(system).public_key()));
}

BOOST_AUTO_TEST_SUITE_END()
