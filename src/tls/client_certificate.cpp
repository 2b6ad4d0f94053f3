#include "src/tls/client_certificate.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "starling/check.hpp"

#include "src/tls/gnutls_owned.hpp"
#include "src/tls/subject_name.hpp"

namespace starling {
namespace {

struct Verdict {
  unsigned status;  // of gnutls_certificate_status_t
  Errc code;
  gnutls_alert_description_t alert;
  const char* sentence;
};

// The first that applies is told: who is unknown has no dates worth mentioning.
constexpr std::array<Verdict, 12> verdicts = {{
    {GNUTLS_CERT_REVOKED, Errc::not_authorized, GNUTLS_A_CERTIFICATE_REVOKED, "has been revoked"},
    {GNUTLS_CERT_SIGNER_NOT_FOUND, Errc::bad_identity, GNUTLS_A_UNKNOWN_CA,
     "was issued by nobody this listener knows"},
    {GNUTLS_CERT_SIGNER_NOT_CA, Errc::bad_identity, GNUTLS_A_UNKNOWN_CA,
     "was issued by a certificate that may not issue any"},
    {GNUTLS_CERT_EXPIRED, Errc::expired, GNUTLS_A_CERTIFICATE_EXPIRED,
     "has expired, or its issuer's has"},
    {GNUTLS_CERT_NOT_ACTIVATED, Errc::expired, GNUTLS_A_BAD_CERTIFICATE, "is not valid yet"},
    {GNUTLS_CERT_PURPOSE_MISMATCH, Errc::bad_identity, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
     "is not meant for clients"},
    {GNUTLS_CERT_INSECURE_ALGORITHM, Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE,
     "is signed in a way that is not secure any more"},
    {GNUTLS_CERT_SIGNATURE_FAILURE, Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE,
     "has a signature that does not hold"},
    {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE,
     "is not among those its issuer may issue"},
    {GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED, Errc::expired, GNUTLS_A_BAD_CERTIFICATE,
     "cannot be checked: the revocation list is out of date"},
    {GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, Errc::bad_identity, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
     "has critical extensions that are not known here"},
    {~0U, Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE, "does not hold"},
}};

TlsRefusal refusal(Errc code, gnutls_alert_description_t alert, const std::string& who,
                   const std::string& sentence) {
  return {{code, "the client's certificate " + who + sentence}, alert};
}

OwnedCertificate import_certificate(const gnutls_datum_t& der) {
  gnutls_x509_crt_t raw = nullptr;
  STARLING_CHECK(gnutls_x509_crt_init(&raw) == 0);
  OwnedCertificate certificate{raw};
  if (gnutls_x509_crt_import(raw, &der, GNUTLS_X509_FMT_DER) < 0) certificate.reset();
  return certificate;
}

/// A list by this issuer, and up to date.
Result<void, TlsRefusal> find_revocations(gnutls_x509_crt_t certificate, const std::string& who,
                                          const std::vector<RevocationList>& revocations) {
  OwnedDatum issuer;
  if (gnutls_x509_crt_get_raw_issuer_dn(certificate, issuer.out()) < 0)
    return refusal(Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE, who, "names no issuer");
  bool is_known = false;
  const std::int64_t now = std::time(nullptr);
  for (const RevocationList& list : revocations) {
    if (!std::equal(list.issuer.begin(), list.issuer.end(), issuer.view().begin(),
                    issuer.view().end()))
      continue;
    is_known = true;
    if (now <= list.next_update) return {};
  }
  return refusal(is_known ? Errc::expired : Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE, who,
                 is_known ? "cannot be checked: the revocation list is out of date"
                          : "cannot be checked: there is no revocation list by its issuer");
}

}  // namespace

Result<TlsIdentity, TlsRefusal> judge_client_certificate(
    gnutls_session_t session, const std::vector<RevocationList>& revocations) {
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  if (chain == nullptr || count == 0) {
    return TlsRefusal{{Errc::bad_identity, "the client showed no certificate"},
                      GNUTLS_A_CERTIFICATE_REQUIRED};
  }
  const OwnedCertificate certificate = import_certificate(chain[0]);
  if (certificate == nullptr)
    return refusal(Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE, "", "is damaged");
  TlsIdentity identity;
  identity.common_name = common_name_of(certificate.get());
  identity.subject = subject_of(certificate.get());
  const std::string who = identity.subject.empty() ? "" : "(" + identity.subject + ") ";

  // A certificate that names purposes must name this one [RFC 5280 §4.2.1.12].
  static unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
  gnutls_typed_vdata_st wanted{GNUTLS_DT_KEY_PURPOSE_OID, purpose, 0};
  unsigned status = 0;
  if (const int done = gnutls_certificate_verify_peers(session, &wanted, 1, &status); done < 0) {
    return refusal(Errc::bad_identity, GNUTLS_A_BAD_CERTIFICATE, who,
                   std::string("cannot be checked: ") + gnutls_strerror(done));
  }
  // "Invalid" accompanies every other reason.
  if (status != 0) {
    const auto verdict = std::find_if(verdicts.begin(), verdicts.end() - 1,
                                      [&](const Verdict& v) { return (status & v.status) != 0; });
    return refusal(verdict->code, verdict->alert, who, verdict->sentence);
  }
  if (!revocations.empty()) {
    if (auto found = find_revocations(certificate.get(), who, revocations); !found.ok())
      return found.error();
  }
  return identity;
}

}  // namespace starling
