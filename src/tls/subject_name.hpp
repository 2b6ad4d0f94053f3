// The subject of a certificate as text, byte for byte as OpenSSL (and so Mosquitto) writes it.
#pragma once

#include <string>

struct gnutls_x509_crt_int;

namespace starling {

/// "CN=lamp,O=Home": the last name first, OpenSSL's short names of attributes, everything outside
/// printable ASCII as "\C3\A4", unknown attributes by number with their DER in hex [RFC 2253].
/// Empty: there is no subject, or it cannot be read.
std::string subject_of(gnutls_x509_crt_int* certificate);

/// The first CN; empty: there is none, or it has a NUL in it, which no name has but a forged one.
std::string common_name_of(gnutls_x509_crt_int* certificate);

}  // namespace starling
