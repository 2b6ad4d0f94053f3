// GnutlsChannel: a SecureChannel over one GnuTLS session in memory. What it asks of the peer and
// whom it accepts is decided by a TlsProfile, so links and MQTT listeners share this core.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "starling/port/channel.hpp"

#include "src/crypto/hash.hpp"

struct gnutls_session_int;

namespace starling {

enum class TlsRole : std::uint8_t { client, server };

/// Who a peer has shown to be. Empty members: nobody in particular.
struct TlsPeer {
  std::optional<NodeId> node;
  std::optional<TlsIdentity> identity;
};

/// Why a peer is not let in: for our log, and for its.
struct TlsRefusal {
  Error error;
  int alert;  ///< a gnutls_alert_description_t
};

class TlsProfile;

/// What the callbacks of a profile find in gnutls_session_get_ptr(), and may note there.
struct TlsSessionContext {
  const TlsProfile* profile;
  /// The pre-shared key the peer has named during this handshake.
  struct Psk {
    std::string identity;
    bool is_known;
  };
  std::optional<Psk> psk;
};

/// What one kind of channel asks and accepts. Shared by many channels, changed by none.
class TlsProfile {
 public:
  virtual ~TlsProfile() = default;
  /// Sets versions, credentials, ALPN, tickets and bounds of a session that is about to begin.
  virtual void prepare(gnutls_session_int* session, TlsRole role) const = 0;
  /// Judges a peer and says who it is. Asked once per handshake: as soon as there is a certificate,
  /// or at the end if there was none to see, as when a session is resumed.
  virtual Result<TlsPeer, TlsRefusal> identify(gnutls_session_int* session) const = 0;
  /// Authenticates the tickets of clients while others keep them.
  [[nodiscard]] virtual const crypto::Key& ticket_seal() const = 0;
  /// `version`: a gnutls_protocol_t that a peer has chosen.
  [[nodiscard]] virtual bool speaks(int version) const = 0;
  /// Ends the sentences about peers with which nothing can be agreed: "links need TLS 1.3 ...".
  [[nodiscard]] virtual const char* expectations() const = 0;
};

class GnutlsChannel final : public SecureChannel {
 public:
  /// `ticket`: of an earlier session with the same peer (clients only), or empty. One that is of no
  /// use is ignored.
  GnutlsChannel(std::shared_ptr<const TlsProfile> profile, TlsRole role, ByteView ticket);
  ~GnutlsChannel() override;

  Result<void> start(OutputBuffer& wire_out) override;
  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) override;
  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) override;
  void close(OutputBuffer& wire_out) override;

  [[nodiscard]] bool established() const override;
  [[nodiscard]] bool peer_closed() const override;
  [[nodiscard]] std::optional<TlsIdentity> identity() const override;
  [[nodiscard]] std::optional<NodeId> peer() const override;
  [[nodiscard]] bool resumed() const override;
  [[nodiscard]] Result<Bytes> export_keying_material(std::string_view label, ByteView context,
                                                     std::size_t size) const override;
  [[nodiscard]] Bytes session_ticket() override;

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace starling
