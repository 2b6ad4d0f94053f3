// GnuTLS handles that release themselves. Inside this room only.
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <memory>
#include <type_traits>

#include "starling/bytes.hpp"

namespace starling {

template <auto release>
struct GnutlsReleaser {
  template <class T>
  void operator()(T* handle) const {
    release(handle);
  }
};
template <class Handle, auto release>
using GnutlsOwned = std::unique_ptr<std::remove_pointer_t<Handle>, GnutlsReleaser<release>>;

using OwnedCertificate = GnutlsOwned<gnutls_x509_crt_t, gnutls_x509_crt_deinit>;
using OwnedPrivateKey = GnutlsOwned<gnutls_x509_privkey_t, gnutls_x509_privkey_deinit>;
using OwnedCredentials =
    GnutlsOwned<gnutls_certificate_credentials_t, gnutls_certificate_free_credentials>;
using OwnedPriorities = GnutlsOwned<gnutls_priority_t, gnutls_priority_deinit>;

/// What GnuTLS allocated and we release; wiped first, it may be a secret.
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

/// GnuTLS' type for input it does not change, too, has no const.
inline gnutls_datum_t as_datum(ByteView bytes) {
  return {const_cast<unsigned char*>(bytes.data()), static_cast<unsigned>(bytes.size())};
}

}  // namespace starling
