#include "src/node/peer_connection.hpp"

#include "starling/limits.hpp"

namespace starling {
namespace {

/// Bytes of two TLS records. A turn may bring a megabyte: encrypted and sent in such pieces it stays
/// in the cache and in small blocks of the heap.
constexpr std::size_t early_encryption_size = 2 * limits::tls_record_max;

}  // namespace

PeerConnection::PeerConnection(LinkId id, std::unique_ptr<ByteStream> stream,
                               std::unique_ptr<SecureChannel> channel,
                               const Expectation& expectation, Owner& owner, Scheduler& scheduler)
    : id_(id),
      stream_(std::move(stream)),
      channel_(std::move(channel)),
      expectation_(expectation),
      remote_(stream_->peer_endpoint()),
      local_(stream_->local_endpoint()),
      owner_(owner),
      scheduler_(scheduler) {
  stream_->set_handler(this);
}

PeerConnection::~PeerConnection() {
  *alive_ = false;
}

void PeerConnection::start() {
  if (auto started = channel_->start(stream_->output()); !started) return end(started.error());
  stream_->flush_soon();
}

void PeerConnection::flush_soon() {
  if (closing_) return;
  if (plain_out_.size() >= early_encryption_size && channel_->established()) {
    // What goes wrong now is told at the end of the turn: whoever asks may be in the middle of much.
    if (auto written = channel_->write_plain(plain_out_, stream_->output()); !written)
      write_error_ = written.error();
    stream_->flush_soon();
  }
  if (flush_asked_) return;
  flush_asked_ = true;
  scheduler_.at_turn_end([this, alive = alive_] {
    if (!*alive) return;
    flush_asked_ = false;
    flush();
  });
}

void PeerConnection::flush() {
  if (write_error_) return end(*write_error_);
  if (plain_out_.empty() || !channel_->established()) return;
  if (auto written = channel_->write_plain(plain_out_, stream_->output()); !written)
    return end(written.error());
  stream_->flush_soon();
}

void PeerConnection::close() {
  if (closing_) return;
  flush_asked_ = false;
  if (channel_->established() && !plain_out_.empty()) {
    // What cannot be encrypted any more is lost with the link, which ends anyhow.
    (void)channel_->write_plain(plain_out_, stream_->output()).ok();
  }
  closing_ = true;
  channel_->close(stream_->output());
  stream_->close();
}

Result<void> PeerConnection::check_identity() {
  const std::optional<NodeId> peer = channel_->peer();
  if (!peer) return Error{Errc::bad_identity, "the peer showed no certificate"};
  const std::optional<NodeId>& expected = expectation_.peer;
  if (expected && *peer != *expected)
    return Error{Errc::bad_identity, "dialled " + expected->to_short_text() + ", but "
                                         + peer->to_short_text() + " answered"};
  return {};
}

void PeerConnection::on_bytes(ByteView wire) {
  if (closing_) return;
  Bytes& plain = owner_.plain_scratch();
  plain.clear();
  const auto taken = channel_->on_wire_bytes(wire, plain, stream_->output());
  stream_->flush_soon();  // alerts leave too
  if (!taken) return end(taken.error());

  const std::shared_ptr<bool> alive = alive_;
  if (channel_->established() && !told_established_) {
    if (auto checked = check_identity(); !checked) return end(checked.error());
    told_established_ = true;
    owner_.on_established(*this);
    if (!*alive || closing_) return;
  }
  if (!plain.empty()) owner_.on_plain_bytes(*this, plain);
  if (!*alive || closing_) return;
  if (channel_->peer_closed()) end({Errc::unreachable, ""});
}

void PeerConnection::on_writable() {
  owner_.on_writable(*this);
}

void PeerConnection::on_closed(const std::string& why) {
  closing_ = stream_ended_ = true;
  owner_.on_ended(*this,
                  {Errc::unreachable,
                   told_established_ || !why.empty() ? why : "closed during the TLS handshake"});
}

void PeerConnection::end(Error why) {
  closing_ = true;
  stream_->close();  // with whatever alert was appended
  owner_.on_ended(*this, why);
}

}  // namespace starling
