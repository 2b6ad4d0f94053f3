#include "src/tls/tls_errors.hpp"

#include <gnutls/gnutls.h>
#include <string>

namespace starling {
namespace {

/// What the peer said before it went.
Error describe_alert(gnutls_session_t session) {
  const gnutls_alert_description_t alert = gnutls_alert_get(session);
  const char* name = gnutls_alert_get_name(alert);
  const std::string text = "the peer refused with TLS alert " + std::to_string(alert) + " ("
                           + (name != nullptr ? name : "unknown") + ")";
  switch (alert) {
    case GNUTLS_A_PROTOCOL_VERSION:
    case GNUTLS_A_NO_APPLICATION_PROTOCOL:
    case GNUTLS_A_INSUFFICIENT_SECURITY:
      return {Errc::unsupported, text};
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
    case GNUTLS_A_ACCESS_DENIED:
      return {Errc::bad_identity, text};
    default:
      return {Errc::protocol_error, text};
  }
}

}  // namespace

Error describe_tls_error(gnutls_session_t session, int code, const char* expectations) {
  const std::string reason = gnutls_strerror(code);
  switch (code) {
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
      return describe_alert(session);

    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
      return {Errc::unsupported, std::string("no common TLS version: ") + expectations};
    case GNUTLS_E_NO_APPLICATION_PROTOCOL:
      return {Errc::unsupported, std::string("no common application protocol: ") + expectations};
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_NO_COMMON_KEY_SHARE:
    case GNUTLS_E_INSUFFICIENT_SECURITY:
    case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
      return {Errc::unsupported, "no common TLS algorithms (" + reason + "): " + expectations};

    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
      return {Errc::bad_identity, "the peer showed no certificate"};
    case GNUTLS_E_PK_SIG_VERIFY_FAILED:
      return {Errc::bad_identity, "the peer does not hold the key of the certificate it showed"};
    case GNUTLS_E_CERTIFICATE_ERROR:
    case GNUTLS_E_ASN1_DER_ERROR:
    case GNUTLS_E_ASN1_TAG_ERROR:
    case GNUTLS_E_UNSUPPORTED_CERTIFICATE_TYPE:
      return {Errc::bad_identity, "the peer's certificate is damaged: " + reason};

    case GNUTLS_E_HANDSHAKE_TOO_LARGE:
      return {Errc::too_large, "the peer sent a TLS handshake message that is too large"};
    case GNUTLS_E_RECORD_OVERFLOW:
      return {Errc::too_large, "the peer sent a TLS record that is too large"};

    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_DECRYPTION_FAILED:
    case GNUTLS_E_PREMATURE_TERMINATION:
    case GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER:
      return {Errc::malformed, "the peer broke the TLS protocol: " + reason};

    default:
      return {Errc::protocol_error, "TLS failed: " + reason};
  }
}

}  // namespace starling
