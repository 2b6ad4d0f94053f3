// Ports of the network: streams, listeners, dialers, datagrams, name resolution.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/output_buffer.hpp"
#include "starling/result.hpp"

namespace starling {

/// One connected byte stream (TCP in the product). Owned by whoever it was handed to; destroying it
/// drops the connection at once (a reset where data is left); after close() the rest is sent all
/// the same.
class ByteStream {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    /// `bytes` belong to the loop's scratch buffer: parse in place, keep only an incomplete tail.
    virtual void on_bytes(ByteView bytes) = 0;
    /// The output has fallen below half of what made write_is_congested() true.
    virtual void on_writable() = 0;
    /// The stream has ended; nothing follows. `why` is empty for an orderly end by the peer.
    /// The handler may destroy the stream from here.
    virtual void on_closed(const std::string& why) = 0;
  };

  virtual ~ByteStream() = default;
  /// Must be called before the loop's next turn; `handler` outlives the stream or is replaced.
  virtual void set_handler(Handler* handler) = 0;

  /// Append here what should be sent, then call flush_soon(). All that was appended in a turn
  /// leaves in one gathered write at its end (earlier above 64 KB).
  virtual OutputBuffer& output() = 0;
  virtual void flush_soon() = 0;
  /// More than limits::connection_output_max bytes wait for the socket.
  [[nodiscard]] virtual bool write_is_congested() const = 0;

  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  /// Sends what is left (for at most a few seconds), then closes; on_closed follows. Nothing is
  /// read any more.
  virtual void close() = 0;

  [[nodiscard]] virtual Endpoint local_endpoint() const = 0;
  [[nodiscard]] virtual Endpoint peer_endpoint() const = 0;
};

/// Accepts streams until destroyed.
class Listener {
 public:
  using OnStream = std::function<void(std::unique_ptr<ByteStream>)>;
  virtual ~Listener() = default;
  /// With the port that was really bound.
  [[nodiscard]] virtual Endpoint local_endpoint() const = 0;
};

/// Opens streams.
class Dialer {
 public:
  using OnDone = std::function<void(Result<std::unique_ptr<ByteStream>>)>;
  virtual ~Dialer() = default;
  /// Calls `done` exactly once, never from inside dial(). Gives up after a few seconds
  /// (unreachable).
  virtual void dial(const Endpoint& to, OnDone done) = 0;
  /// The same from `local_port`, on which this process may listen too: two ends that dial each other
  /// like that at one moment get one connection [RFC 9293 §3.5]. Where the port is not free for it
  /// any other is taken.
  virtual void dial_from(std::uint16_t local_port, const Endpoint& to, OnDone done) = 0;
};

/// A UDP socket for both families.
class Datagram {
 public:
  using OnDatagram = std::function<void(const Endpoint& from, ByteView bytes)>;
  virtual ~Datagram() = default;
  virtual void set_handler(OnDatagram handler) = 0;
  /// 0, or the errno of the refusal (ENETUNREACH when the family is not there). Never blocks.
  virtual int send(const Endpoint& to, ByteView bytes) = 0;
  /// The bound endpoint of a family; nullopt when it is not available.
  [[nodiscard]] virtual std::optional<Endpoint> local_v4() const = 0;
  [[nodiscard]] virtual std::optional<Endpoint> local_v6() const = 0;
};

/// Host names to addresses.
class Resolver {
 public:
  using OnResolved = std::function<void(Result<std::vector<Endpoint>>)>;
  virtual ~Resolver() = default;
  /// Calls `done` exactly once, never from inside resolve(). Address literals need no lookup.
  virtual void resolve(const HostPort& host, OnResolved done) = 0;
};

}  // namespace starling
