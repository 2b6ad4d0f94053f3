// The handles of this room that release themselves, on top of those of src/crypto.
#pragma once

#include "src/crypto/gnutls_handle.hpp"

namespace starling {

using crypto::as_datum;
using crypto::OwnedDatum;

using OwnedCertificate = crypto::Owned<gnutls_x509_crt_t, gnutls_x509_crt_deinit>;
using OwnedPrivateKey = crypto::OwnedX509Key;
using OwnedCredentials =
    crypto::Owned<gnutls_certificate_credentials_t, gnutls_certificate_free_credentials>;
using OwnedPskCredentials =
    crypto::Owned<gnutls_psk_server_credentials_t, gnutls_psk_free_server_credentials>;
using OwnedRevocations = crypto::Owned<gnutls_x509_crl_t, gnutls_x509_crl_deinit>;
using OwnedPriorities = crypto::Owned<gnutls_priority_t, gnutls_priority_deinit>;

}  // namespace starling
