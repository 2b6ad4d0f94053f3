#include "src/tls/gnutls_channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/uio.h>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/tls/clear_records.hpp"
#include "src/tls/first_bytes.hpp"
#include "src/tls/gnutls_owned.hpp"
#include "src/tls/tls_errors.hpp"

namespace starling {
namespace {

constexpr std::size_t views_per_record = 32;
constexpr std::size_t seal_size = std::tuple_size_v<crypto::Digest>;  // bytes before a ticket
// HKDF-Expand gives at most 255 blocks of the hash [RFC 5869 §2.3], of which SHA-256 has the
// shortest.
constexpr std::size_t keying_material_max = std::size_t{255} * 32;

}  // namespace

/// The GnuTLS session with the memory it reads from and writes to.
class GnutlsChannel::Session {
 public:
  Session(std::shared_ptr<const TlsProfile> profile, TlsRole role, ByteView ticket)
      : profile_(std::move(profile)), role_(role) {
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    // Our one certificate is the right one whatever issuers the server names.
    flags |= role == TlsRole::client ? GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT : GNUTLS_SERVER;
    // One ticket is enough for a client that comes back once, and we say when it leaves.
    if (role == TlsRole::server) flags |= GNUTLS_NO_AUTO_SEND_TICKET;
    STARLING_CHECK(gnutls_init(&tls_, flags) == 0);
    gnutls_session_set_ptr(tls_, &context_);
    gnutls_transport_set_ptr(tls_, this);
    gnutls_transport_set_pull_function(tls_, pull);
    gnutls_transport_set_pull_timeout_function(tls_, has_input);
    gnutls_transport_set_vec_push_function(tls_, push);
    gnutls_session_set_verify_function(tls_, judge_certificate);
    profile_->prepare(tls_, role);
    if (role == TlsRole::client) use_ticket(ticket);
  }
  ~Session() { gnutls_deinit(tls_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<void> start(OutputBuffer& wire_out) {
    const Transport here(*this, {}, wire_out);
    return shake_hands();
  }

  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) {
    if (error_) return *error_;
    if (const auto known = first_bytes_.look_at(wire); !known.ok()) return refuse(known.error());
    const Transport here(*this, wire, wire_out);
    if (!is_open_) {
      if (auto shaken = shake_hands(); !shaken.ok()) return shaken;
    }
    return is_open_ ? read_records(plain_out) : Result<void>{};
  }

  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) {
    if (error_) return *error_;
    STARLING_CHECK(is_open_);
    const Transport here(*this, {}, wire_out);
    const std::size_t record_max =
        std::min(limits::tls_record_max, gnutls_record_get_max_size(tls_));
    std::array<std::uint8_t, limits::tls_record_max> joined;  // NOLINT: filled before it is read
    if (!plain.empty()) send_owed_ticket();
    while (!plain.empty()) {
      const ByteView record = next_record(plain, record_max, joined);
      const ssize_t sent = gnutls_record_send(tls_, record.data(), record.size());
      if (sent < 0) return fail(static_cast<int>(sent));
      plain.consume(static_cast<std::size_t>(sent));
    }
    return {};
  }

  void close(OutputBuffer& wire_out) {
    if (error_ || !is_open_ || std::exchange(said_good_bye_, true)) return;
    const Transport here(*this, {}, wire_out);
    gnutls_bye(tls_, GNUTLS_SHUT_WR);
  }

  [[nodiscard]] bool is_open() const { return is_open_ && !error_; }
  [[nodiscard]] bool peer_closed() const { return peer_closed_; }
  /// Nobody before the handshake is over.
  [[nodiscard]] TlsPeer peer() const { return is_open_ ? peer_ : TlsPeer{}; }
  [[nodiscard]] bool is_resumed() const { return is_open_ && gnutls_session_is_resumed(tls_) != 0; }

  Result<Bytes> export_keying_material(std::string_view label, ByteView context,
                                       std::size_t size) const {
    if (!is_open_) return Error{Errc::protocol_error, "no keying material before the handshake"};
    if (size == 0 || size > keying_material_max) {
      return Error{Errc::too_large, "keying material of " + std::to_string(size) + " bytes"};
    }
    Bytes material(size);
    const int status = gnutls_prf_rfc5705(tls_, label.size(), label.data(), context.size(),
                                          reinterpret_cast<const char*>(context.data()), size,
                                          reinterpret_cast<char*>(material.data()));
    if (status < 0) return Error{Errc::protocol_error, gnutls_strerror(status)};
    return material;
  }

  Bytes session_ticket() {
    if (role_ != TlsRole::client || !is_open_) return {};
    // Without a ticket GnuTLS would wait for one, or make data that cannot be resumed.
    if ((gnutls_session_get_flags(tls_) & GNUTLS_SFLAGS_SESSION_TICKET) == 0) return {};
    OwnedDatum data;
    if (gnutls_session_get_data2(tls_, data.out()) < 0) return {};
    if (data.view().size() + seal_size > limits::session_ticket_max) return {};
    const crypto::Digest seal = crypto::hmac_sha256(profile_->ticket_seal(), data.view());
    Bytes ticket;
    ticket.reserve(seal.size() + data.view().size());
    append(ticket, seal);
    append(ticket, data.view());
    return ticket;
  }

 private:
  /// For the length of one call GnuTLS reads from `wire_in` and writes to `wire_out`.
  class Transport {
   public:
    Transport(Session& session, ByteView wire_in, OutputBuffer& wire_out) : session_(session) {
      session_.wire_in_ = wire_in;
      session_.wire_out_ = &wire_out;
    }
    ~Transport() {
      session_.wire_in_ = {};
      session_.wire_out_ = nullptr;
    }
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

   private:
    Session& session_;
  };

  /// GnuTLS trusts what it is given here as it trusts its own memory, and crashes when it is
  /// damaged: only what session_ticket() has sealed may reach it.
  void use_ticket(ByteView ticket) {
    if (ticket.size() <= seal_size || ticket.size() > limits::session_ticket_max) return;
    const ByteView data = ticket.subspan(seal_size);
    const crypto::Digest seal = crypto::hmac_sha256(profile_->ticket_seal(), data);
    if (!crypto::equal_in_constant_time(seal, ticket.first(seal_size))) return;
    gnutls_session_set_data(tls_, data.data(), data.size());
  }

  // --- What GnuTLS calls ---
  static ssize_t pull(gnutls_transport_ptr_t pointer, void* to, std::size_t size) {
    auto& self = *static_cast<Session*>(pointer);
    if (self.wire_in_.empty()) {
      gnutls_transport_set_errno(self.tls_, EAGAIN);
      return -1;
    }
    const ByteView taken = self.wire_in_.first(std::min(size, self.wire_in_.size()));
    std::memcpy(to, taken.data(), taken.size());
    self.wire_in_ = self.wire_in_.subspan(taken.size());
    return static_cast<ssize_t>(taken.size());
  }
  static int has_input(gnutls_transport_ptr_t pointer, unsigned /*milliseconds*/) {
    return static_cast<Session*>(pointer)->wire_in_.empty() ? 0 : 1;
  }
  static ssize_t push(gnutls_transport_ptr_t pointer, const giovec_t* pieces, int count) {
    auto& self = *static_cast<Session*>(pointer);
    // gnutls_deinit() has nothing to say; everything else runs within a Transport.
    if (self.wire_out_ == nullptr) return 0;
    std::size_t size = 0;
    Bytes clear;
    for (int i = 0; i < count; ++i) {
      const ByteView piece{static_cast<const std::uint8_t*>(pieces[i].iov_base), pieces[i].iov_len};
      if (self.is_open_) {
        self.wire_out_->append(piece);
      } else {
        append(clear, piece);
      }
      size += piece.size();
    }
    if (!self.is_open_)
      self.clear_.write(clear, gnutls_record_get_max_size(self.tls_), *self.wire_out_);
    return static_cast<ssize_t>(size);
  }
  /// Only during full handshakes; see TlsProfile::identify.
  static int judge_certificate(gnutls_session_t tls) {
    auto& self = *static_cast<Session*>(gnutls_transport_get_ptr(tls));
    return self.judge() ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
  }
  /// False: refusal_ says why not.
  bool judge() {
    auto judged = profile_->identify(tls_);
    if (!judged.ok()) {
      refusal_ = judged.error();
      return false;
    }
    peer_ = std::move(judged).value();
    judged_ = true;
    return true;
  }

  // --- Reading and writing ---
  Result<void> shake_hands() {
    int status = 0;
    std::size_t before = 0;
    do {
      before = wire_in_.size();
      status = gnutls_handshake(tls_);
    } while (status < 0 && gnutls_error_is_fatal(status) == 0 && can_go_on(before));
    if (status < 0 && gnutls_error_is_fatal(status) == 0) return stop_for_now();
    if (status < 0 && !refusal_) {
      status = see_through(status);
      send_alert_for(status);
      if (const auto doubt = doubt_psk(status)) return refuse(*doubt);
      return fail(status);
    }
    if (refusal_ || (!judged_ && !judge())) {
      gnutls_alert_send(tls_, GNUTLS_AL_FATAL,
                        static_cast<gnutls_alert_description_t>(refusal_->alert));
      return refuse(refusal_->error);
    }
    is_open_ = true;
    context_.psk.reset();
    owes_ticket_ = role_ == TlsRole::server && gnutls_protocol_get_version(tls_) == GNUTLS_TLS1_3;
    return {};
  }

  /// A ticket of TLS 1.3 leaves with the first words to a peer that has been judged. On its own it
  /// would find clients that wait for nothing yet, and take its arrival for an answer: Paho C's
  /// MQTTClient then believes that its WebSocket is open, and goes on without one.
  void send_owed_ticket() {
    // Without a ticket key GnuTLS sends none.
    if (std::exchange(owes_ticket_, false)) gnutls_session_ticket_send(tls_, 1, 0);
  }

  Result<void> read_records(Bytes& plain_out) {
    while (!peer_closed_) {
      const std::size_t before = wire_in_.size();
      gnutls_packet_t packet = nullptr;
      const ssize_t size = gnutls_record_recv_packet(tls_, &packet);
      if (size > 0) {
        gnutls_datum_t plain{};
        gnutls_packet_get(packet, &plain, nullptr);
        append(plain_out, {plain.data, plain.size});
      }
      if (packet != nullptr) gnutls_packet_deinit(packet);
      if (size == 0) peer_closed_ = true;
      if (size >= 0) continue;
      const int status = static_cast<int>(size);
      if (status == GNUTLS_E_REHANDSHAKE) {  // TLS 1.2 only; nobody needs it
        gnutls_alert_send(tls_, GNUTLS_AL_FATAL, GNUTLS_A_NO_RENEGOTIATION);
        return refuse({Errc::protocol_error, "the peer asked for a TLS renegotiation"});
      }
      if (gnutls_error_is_fatal(status) != 0) {
        gnutls_alert_send_appropriate(tls_, status);
        return fail(status);
      }
      if (!can_go_on(before)) return stop_for_now();
    }
    return {};
  }

  /// GnuTLS says "again" when input has run out, but also after a session ticket or a warning alert
  /// with more input behind it. `before`: how much there was before the call that said so.
  [[nodiscard]] bool can_go_on(std::size_t before) const {
    return !wire_in_.empty() && wire_in_.size() < before;
  }
  /// All input must have been taken: what is left over here would be lost.
  Result<void> stop_for_now() {
    if (wire_in_.empty()) return {};
    return refuse({Errc::malformed, "the peer sent TLS records out of place"});
  }

  /// The front of `plain`, at most `size_max` bytes: as it lies there if it is in one piece, else
  /// copied together in `joined`, so that small pieces share records.
  static ByteView next_record(const OutputBuffer& plain, std::size_t size_max,
                              std::span<std::uint8_t> joined) {
    std::array<ByteView, views_per_record> views;
    const std::size_t count = plain.gather(views);
    if (count == 1 || views[0].size() >= size_max) {
      return views[0].first(std::min(size_max, views[0].size()));
    }
    std::size_t size = 0;
    for (std::size_t i = 0; i < count && size < size_max; ++i) {
      const std::size_t part = std::min(views[i].size(), size_max - size);
      std::memcpy(joined.data() + size, views[i].data(), part);
      size += part;
    }
    return joined.first(size);
  }

  // --- The end ---
  /// GnuTLS settles on an old version before it finds that we have no cipher suite for it.
  [[nodiscard]] int see_through(int status) const {
    const gnutls_protocol_t version = gnutls_protocol_get_version(tls_);
    const bool too_old = version != GNUTLS_VERSION_UNKNOWN && !profile_->speaks(version);
    return status == GNUTLS_E_NO_CIPHER_SUITES && too_old ? GNUTLS_E_UNSUPPORTED_VERSION_PACKET
                                                          : status;
  }
  /// GnuTLS calls a missing certificate an illegal parameter, which nobody would guess at.
  void send_alert_for(int status) {
    if (status != GNUTLS_E_NO_CERTIFICATE_FOUND && status != GNUTLS_E_CERTIFICATE_REQUIRED) {
      gnutls_alert_send_appropriate(tls_, status);
      return;
    }
    const bool is_tls13 = gnutls_protocol_get_version(tls_) == GNUTLS_TLS1_3;
    // [RFC 8446 §4.4.2.4] [RFC 5246 §7.4.6]
    gnutls_alert_send(tls_, GNUTLS_AL_FATAL,
                      is_tls13 ? GNUTLS_A_CERTIFICATE_REQUIRED : GNUTLS_A_HANDSHAKE_FAILURE);
  }
  /// To GnuTLS a wrong key is only a record that cannot be decrypted, or a binder that does not
  /// fit; and to the peer it stays that, so that it cannot ask which identities there are.
  [[nodiscard]] std::optional<Error> doubt_psk(int status) const {
    if (!context_.psk
        || (status != GNUTLS_E_DECRYPTION_FAILED && status != GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER))
      return std::nullopt;
    const std::string who = "\"" + context_.psk->identity + "\"";
    return Error{Errc::bad_identity, context_.psk->is_known
                                         ? "the peer does not hold the pre-shared key of " + who
                                         : "there is no pre-shared key for " + who};
  }
  Error fail(int status) {
    return refuse(describe_tls_error(tls_, status, profile_->expectations()));
  }
  Error refuse(const Error& error) {
    error_ = error;
    return error;
  }

  std::shared_ptr<const TlsProfile> profile_;
  TlsRole role_;
  TlsSessionContext context_{profile_.get(), std::nullopt};
  gnutls_session_t tls_ = nullptr;
  ByteView wire_in_;
  OutputBuffer* wire_out_ = nullptr;
  FirstBytes first_bytes_;
  ClearRecords clear_;                 // until is_open_
  std::optional<TlsRefusal> refusal_;  // of judge(): GnuTLS passes on a number only
  std::optional<Error> error_;         // final
  TlsPeer peer_;
  bool judged_ = false;  // and let in
  bool is_open_ = false;
  bool peer_closed_ = false;
  bool said_good_bye_ = false;
  bool owes_ticket_ = false;  // the peer has been let in, and was told nothing yet
};

GnutlsChannel::GnutlsChannel(std::shared_ptr<const TlsProfile> profile, TlsRole role,
                             ByteView ticket)
    : session_(std::make_unique<Session>(std::move(profile), role, ticket)) {}
GnutlsChannel::~GnutlsChannel() = default;

Result<void> GnutlsChannel::start(OutputBuffer& wire_out) {
  return session_->start(wire_out);
}
Result<void> GnutlsChannel::on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) {
  return session_->on_wire_bytes(wire, plain_out, wire_out);
}
Result<void> GnutlsChannel::write_plain(OutputBuffer& plain, OutputBuffer& wire_out) {
  return session_->write_plain(plain, wire_out);
}
void GnutlsChannel::close(OutputBuffer& wire_out) {
  session_->close(wire_out);
}
bool GnutlsChannel::established() const {
  return session_->is_open();
}
bool GnutlsChannel::peer_closed() const {
  return session_->peer_closed();
}
std::optional<TlsIdentity> GnutlsChannel::identity() const {
  return session_->peer().identity;
}
std::optional<NodeId> GnutlsChannel::peer() const {
  return session_->peer().node;
}
bool GnutlsChannel::resumed() const {
  return session_->is_resumed();
}
Result<Bytes> GnutlsChannel::export_keying_material(std::string_view label, ByteView context,
                                                    std::size_t size) const {
  return session_->export_keying_material(label, context, size);
}
Bytes GnutlsChannel::session_ticket() {
  return session_->session_ticket();
}

}  // namespace starling
