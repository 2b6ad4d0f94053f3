#include "src/crypto/ed25519.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "src/crypto/gnutls_handle.hpp"
#include "src/crypto/hash.hpp"

namespace starling::crypto {
namespace {

// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING { 32 bytes follow [RFC 8410 §4]
constexpr std::array<std::uint8_t, 12> spki_head = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
// SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING { 32 bytes follow
// [RFC 8410 §7]
constexpr std::array<std::uint8_t, 16> pkcs8_head = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
constexpr std::size_t key_file_max = 16U << 10U;  // bytes; ours have 119, an RSA-16384 key 12.5 KiB

Bytes wrap_seed(const Seed& seed) {
  Bytes der;
  der.reserve(pkcs8_head.size() + seed.size());
  append(der, pkcs8_head);
  append(der, seed);
  return der;
}

OwnedX509Key make_x509_key() {
  gnutls_x509_privkey_t key = nullptr;
  STARLING_CHECK(gnutls_x509_privkey_init(&key) == 0);
  return OwnedX509Key(key);
}

/// The 32 bytes of both halves, as GnuTLS holds them.
std::pair<PublicKey, Seed> export_halves(const OwnedX509Key& key) {
  gnutls_ecc_curve_t curve{};
  OwnedDatum x;
  OwnedDatum y;
  OwnedDatum k;
  STARLING_CHECK(gnutls_x509_privkey_export_ecc_raw(key.get(), &curve, x.out(), y.out(), k.out())
                 == 0);
  std::pair<PublicKey, Seed> halves;
  STARLING_CHECK(x.view().size() == halves.first.bytes.size());
  STARLING_CHECK(k.view().size() == halves.second.size());
  std::copy(x.view().begin(), x.view().end(), halves.first.bytes.begin());
  std::copy(k.view().begin(), k.view().end(), halves.second.begin());
  return halves;
}

Result<SigningKey> import_key(ByteView data, gnutls_x509_crt_fmt_t format) {
  if (data.size() > key_file_max) {
    return Error{Errc::too_large, "a private key of more than 16 KiB"};
  }
  const OwnedX509Key key = make_x509_key();
  const gnutls_datum_t datum = as_datum(data);
  const int status = gnutls_x509_privkey_import2(key.get(), &datum, format, nullptr, 0);
  if (status == GNUTLS_E_DECRYPTION_FAILED) {
    return Error{Errc::malformed,
                 "the private key is encrypted; a key without a passphrase is needed"};
  }
  if (status != 0) {
    return Error{Errc::malformed, std::string("not a private key: ") + gnutls_strerror(status)};
  }
  const int algorithm = gnutls_x509_privkey_get_pk_algorithm(key.get());
  if (algorithm != GNUTLS_PK_EDDSA_ED25519) {
    const char* name = gnutls_pk_algorithm_get_name(static_cast<gnutls_pk_algorithm_t>(algorithm));
    return Error{Errc::unsupported, std::string("the private key is of the kind ")
                                        + (name != nullptr ? name : "unknown")
                                        + "; Ed25519 is needed"};
  }
  std::pair<PublicKey, Seed> halves = export_halves(key);
  SigningKey signing_key = SigningKey::from_seed(halves.second);
  wipe(halves.second.data(), halves.second.size());
  return signing_key;
}

}  // namespace

std::array<std::uint8_t, spki_size> PublicKey::spki() const {
  std::array<std::uint8_t, spki_size> der{};
  std::copy(bytes.begin(), bytes.end(), std::copy(spki_head.begin(), spki_head.end(), der.begin()));
  return der;
}

NodeId PublicKey::node_id() const {
  return NodeId{sha256(spki())};
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  if (der.size() != spki_size || !std::equal(spki_head.begin(), spki_head.end(), der.begin())) {
    return Error{Errc::bad_identity, "the public key is not an Ed25519 key"};
  }
  PublicKey key;
  const ByteView raw = der.subspan(spki_head.size());
  std::copy(raw.begin(), raw.end(), key.bytes.begin());
  return key;
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
  gnutls_pubkey_t handle = nullptr;
  STARLING_CHECK(gnutls_pubkey_init(&handle) == 0);
  const OwnedPublicKey owned(handle);
  const gnutls_datum_t point = as_datum(key.bytes);
  if (gnutls_pubkey_import_ecc_raw(handle, GNUTLS_ECC_CURVE_ED25519, &point, nullptr) != 0) {
    return false;
  }
  const gnutls_datum_t text = as_datum(message);
  const gnutls_datum_t proof = as_datum(signature);
  return gnutls_pubkey_verify_data2(handle, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &proof) >= 0;
}

struct SigningKey::Pair {
  Seed seed{};
  PublicKey public_key;
  OwnedPrivateKey handle;

  Pair() = default;
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { wipe(seed.data(), seed.size()); }
};

SigningKey SigningKey::generate(Entropy& entropy) {
  Seed seed{};
  entropy.fill(seed);
  SigningKey key = from_seed(seed);
  wipe(seed.data(), seed.size());
  return key;
}

SigningKey SigningKey::from_seed(const Seed& seed) {
  // Not gnutls_x509_privkey_import_ecc_raw: it crashes for Ed25519 when the public half is not
  // given.
  Bytes der = wrap_seed(seed);
  const gnutls_datum_t datum = as_datum(der);
  const OwnedX509Key key = make_x509_key();
  STARLING_CHECK(gnutls_x509_privkey_import_pkcs8(key.get(), &datum, GNUTLS_X509_FMT_DER, nullptr,
                                                  GNUTLS_PKCS_PLAIN)
                 == 0);
  wipe(der.data(), der.size());

  auto pair = std::make_shared<Pair>();
  std::pair<PublicKey, Seed> halves = export_halves(key);
  STARLING_CHECK(halves.second == seed);
  wipe(halves.second.data(), halves.second.size());
  pair->seed = seed;
  pair->public_key = halves.first;
  gnutls_privkey_t handle = nullptr;
  STARLING_CHECK(gnutls_privkey_init(&handle) == 0);
  pair->handle.reset(handle);
  STARLING_CHECK(gnutls_privkey_import_x509(handle, key.get(), GNUTLS_PRIVKEY_IMPORT_COPY) == 0);
  return SigningKey(std::move(pair));
}

Result<SigningKey> SigningKey::from_pem(std::string_view text) {
  return import_key(as_bytes(text), GNUTLS_X509_FMT_PEM);
}

Result<SigningKey> SigningKey::from_pkcs8(ByteView der) {
  return import_key(der, GNUTLS_X509_FMT_DER);
}

PublicKey SigningKey::public_key() const {
  return pair_->public_key;
}

Signature SigningKey::sign(ByteView message) const {
  const gnutls_datum_t text = as_datum(message);
  OwnedDatum made;
  STARLING_CHECK(gnutls_privkey_sign_data2(pair_->handle.get(), GNUTLS_SIGN_EDDSA_ED25519, 0, &text,
                                           made.out())
                 == 0);
  Signature signature{};
  STARLING_CHECK(made.view().size() == signature.size());
  std::copy(made.view().begin(), made.view().end(), signature.begin());
  return signature;
}

std::string SigningKey::to_pem() const {
  Bytes der = to_pkcs8();
  const gnutls_datum_t datum = as_datum(der);
  OwnedDatum pem;
  STARLING_CHECK(gnutls_pem_base64_encode2("PRIVATE KEY", &datum, pem.out()) == 0);
  wipe(der.data(), der.size());
  std::string text(as_text(pem.view()));
  if (text.empty() || text.back() != '\n') text.push_back('\n');
  return text;
}

Bytes SigningKey::to_pkcs8() const {
  return wrap_seed(pair_->seed);
}

}  // namespace starling::crypto
