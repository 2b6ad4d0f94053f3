// What the .cpp files of this room share: GnuTLS handles that release themselves, and views as
// GnuTLS wants them. Shared with src/tls.
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <memory>
#include <type_traits>

#include "starling/bytes.hpp"

namespace starling::crypto {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};
template <class Handle, auto release>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Releaser<release>>;

using OwnedX509Key = Owned<gnutls_x509_privkey_t, gnutls_x509_privkey_deinit>;
using OwnedPrivateKey = Owned<gnutls_privkey_t, gnutls_privkey_deinit>;
using OwnedPublicKey = Owned<gnutls_pubkey_t, gnutls_pubkey_deinit>;

/// GnuTLS asks for non-const bytes that it does not change; and for a pointer even when there are
/// none.
inline gnutls_datum_t as_datum(ByteView bytes) {
  static unsigned char nothing = 0;
  if (bytes.empty()) return {&nothing, 0};
  return {const_cast<unsigned char*>(bytes.data()), static_cast<unsigned>(bytes.size())};
}

/// What GnuTLS allocated for us, and we release. Secrets are wiped first.
class OwnedDatum {
 public:
  OwnedDatum() = default;
  OwnedDatum(const OwnedDatum&) = delete;
  OwnedDatum& operator=(const OwnedDatum&) = delete;
  ~OwnedDatum() {
    if (datum_.data == nullptr) return;
    gnutls_memset(datum_.data, 0, datum_.size);
    gnutls_free(datum_.data);
  }
  gnutls_datum_t* out() { return &datum_; }
  [[nodiscard]] const gnutls_datum_t* get() const { return &datum_; }
  [[nodiscard]] ByteView view() const { return {datum_.data, datum_.size}; }

 private:
  gnutls_datum_t datum_{nullptr, 0};
};

}  // namespace starling::crypto
