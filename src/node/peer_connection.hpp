// One link to another node below the link protocol: a byte stream and the secure channel over it.
// Wire bytes become plain bytes and the other way round; what they mean is the mesh's business.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "starling/ids.hpp"
#include "starling/port/channel.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

namespace starling {

class PeerConnection final : private ByteStream::Handler {
 public:
  /// Whoever keeps the connections. Each call may destroy the connection.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The handshake is complete and the peer has shown a key.
    virtual void on_established(PeerConnection& connection) = 0;
    virtual void on_plain_bytes(PeerConnection& connection, ByteView plain) = 0;
    /// Where plain bytes are put for the length of a read: one for all connections, so that an idle
    /// one owns none and a busy one does not ask for memory with every read.
    virtual Bytes& plain_scratch() = 0;
    virtual void on_writable(PeerConnection& connection) = 0;
    /// It has ended, by an error or in order (`why` is empty then). When the stream is still
    /// sending a last alert (stream_has_ended() is false), a second call follows when that is over.
    virtual void on_ended(PeerConnection& connection, const Error& why) = 0;
  };

  struct Expectation {
    std::optional<NodeId> peer;  ///< who must be there; nullopt: anybody, who has dialled us
    bool as_server = false;      ///< our part in the TLS handshake
  };
  PeerConnection(LinkId id, std::unique_ptr<ByteStream> stream,
                 std::unique_ptr<SecureChannel> channel, const Expectation& expectation,
                 Owner& owner, Scheduler& scheduler);
  ~PeerConnection() override;
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  /// Sends the first flight of a client. Once; not from inside the constructor's caller's
  /// callbacks.
  void start();

  [[nodiscard]] LinkId id() const { return id_; }
  [[nodiscard]] bool is_inbound() const { return expectation_.as_server; }
  [[nodiscard]] const std::optional<NodeId>& expected() const { return expectation_.peer; }
  [[nodiscard]] bool is_established() const { return told_established_; }
  [[nodiscard]] SecureChannel& channel() { return *channel_; }
  [[nodiscard]] Endpoint remote() const { return remote_; }
  [[nodiscard]] Endpoint local() const { return local_; }

  /// Plain bytes to send; encrypted at the end of the turn after flush_soon().
  OutputBuffer& output() { return plain_out_; }
  void flush_soon();
  /// The stream below has ended; nothing more can be sent.
  [[nodiscard]] bool stream_has_ended() const { return stream_ended_; }
  [[nodiscard]] bool is_congested() const { return stream_->write_is_congested(); }
  /// Sends what was appended, says good-bye, closes the stream. on_ended follows.
  void close();
  /// Gives it up, for `why`: nothing more is read. on_ended is called from inside.
  void end(Error why);

 private:
  void on_bytes(ByteView wire) override;
  void on_writable() override;
  void on_closed(const std::string& why) override;

  void flush();
  Result<void> check_identity();

  LinkId id_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<SecureChannel> channel_;
  Expectation expectation_;
  Endpoint remote_;
  Endpoint local_;
  Owner& owner_;
  Scheduler& scheduler_;
  OutputBuffer plain_out_;
  std::optional<Error> write_error_;  // of an encryption before the turn's end, which tells it
  bool told_established_ = false;
  bool flush_asked_ = false;
  bool closing_ = false;
  bool stream_ended_ = false;
  // Tells callbacks that are still queued, and loops on the stack, that the connection is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace starling
