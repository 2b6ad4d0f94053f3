// ClientConnection: one MQTT client below the protocol. A byte stream, the layers of its door if
// there are any, and the reader that cuts packets out of it, in place. What packets mean is the
// broker's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "starling/ids.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "src/broker/broker.hpp"
#include "src/mqtt/frame_reader.hpp"
#include "src/node/client_pace.hpp"
#include "src/node/door_layers.hpp"

namespace starling {

/// The same for many clients.
struct ClientTerms {
  std::size_t packet_size_max = limits::packet_size_max;  ///< bytes, as the broker tells clients
  Duration connect_timeout = limits::connect_timeout;     ///< from accept to CONNECT
  ClientRates rates;
};

class ClientConnection final : private ByteStream::Handler, private ConnectionPort {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The layers of its door stand, and peer() is whom the proxy named. False: it is one too many.
    virtual bool admits(const ClientConnection& client) = 0;
    /// It has come to nothing before the broker heard of it. `why` is empty when the client just
    /// left.
    virtual void on_failed(const ClientConnection& client, std::string_view why) = 0;
    /// Whether so much may still be done in this turn, which counts as done. After a no comes
    /// on_heavy_turn(), in a later turn.
    virtual bool takes_heavy_work(ConnectionId /*id*/, std::size_t /*weight*/) { return true; }
    /// Null: it has gone. For a task of the turn's end.
    virtual ClientConnection* find(ConnectionId id) = 0;
    /// The stream has ended and the broker knows. The last call; it may destroy the connection.
    virtual void on_ended(ConnectionId id) = 0;
  };

  /// `door`: null when it is open; then the connection announces itself to the broker at once, else
  /// when its layers stand. `info`: peer and listener; the rest is found out here. Everything
  /// referred to outlives it.
  ClientConnection(ConnectionId id, std::unique_ptr<ByteStream> stream,
                   std::shared_ptr<const Door> door, const ConnectionInfo& info,
                   const ClientTerms& terms, Broker& broker, Scheduler& scheduler, Owner& owner);
  /// Drops the connection; the broker is told nothing, so tell it first (or let it close).
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] const Endpoint& peer() const { return peer_; }
  [[nodiscard]] ListenerIndex listener() const { return listener_; }
  /// peer() is the client, and not a proxy that has not told yet.
  [[nodiscard]] bool peer_is_known() const { return !behind_proxy_ || announced_; }
  /// The broker knows it.
  [[nodiscard]] bool is_announced() const { return announced_; }
  /// Bytes that have not gone to the socket yet, as far as this room knows.
  [[nodiscard]] std::size_t output_waiting() const;
  /// What the owner refused may be done now; a first question from inside is answered with yes.
  void on_heavy_turn();
  /// Gives up a connection that the broker does not know; for a node that stops.
  void drop_unannounced();

 private:
  /// Only where layers are: plain clients pay for none of this.
  struct Passage {
    Passage(std::shared_ptr<const Door> door, BufferPool* buffers)
        : layers(std::move(door)), plain_out(buffers) {}
    DoorLayers layers;
    OutputBuffer plain_out;
    Bytes plain_in;
    bool write_asked = false;
    std::size_t answers = 0;  // bytes the layers wrote by themselves while the client did not read
  };
  /// Reasons not to read; each goes by itself.
  enum Pause : std::uint8_t { for_connack = 1, for_bytes = 2, for_messages = 4, for_turn = 8 };

  // ByteStream::Handler
  void on_bytes(ByteView bytes) override;
  void on_writable() override;
  void on_closed(const std::string& why) override;

  // ConnectionPort
  OutputBuffer& output() override;
  void flush_soon() override;
  [[nodiscard]] bool write_is_congested() const override;
  void close() override;

  void announce();
  void read_layers(ByteView wire);
  void read_plain(ByteView plain);
  mqtt::Reading on_frame(const mqtt::Frame& frame);
  mqtt::Reading on_connected_frame(const mqtt::Frame& frame);
  template <class Packet>
  void hand_on(const mqtt::Decoded<Packet>& read);
  /// Our side gives up: tells the broker, sends what is left, closes.
  void give_up(std::string_view why);
  /// CONNECT has been answered: what waited behind it is read.
  void read_on();
  void pause(Pause why);
  /// Goes on, also with what the reader has kept, when this was the last reason.
  void resume(Pause why);
  /// What has come made enough work for now; goes on in the next turn, behind nobody.
  void wait_for_turn();
  void on_turn();
  void on_connect_read();
  /// It would keep all others waiting; its frame, too much for this turn, is kept for the next.
  bool defers(const mqtt::Frame& frame);
  /// The broker may be told now that the client leaves.
  bool may_leave();
  void end(const std::string& why);
  void keep_pace();
  void on_pace_due();
  void take_all_kept();
  void write_through_layers();
  /// If we are still there then.
  void at_turn_end(void (ClientConnection::*task)());
  void finish();

  ConnectionId id_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<Passage> passage_;  // null: the stream carries MQTT itself
  std::unique_ptr<ClientPace> pace_;  // null: no bound
  Broker& broker_;
  Scheduler& scheduler_;
  Owner& owner_;
  std::size_t packet_size_max_;
  mqtt::FrameReader reader_;
  WakeId connect_wake_;
  WakeId pace_wake_;
  WakeId turn_wake_;
  struct Deferred {
    std::uint8_t first_byte;
    Bytes body;
  };
  std::unique_ptr<Deferred> deferred_;             // a packet that waits for on_heavy_turn()
  std::unique_ptr<const std::string> why_closed_;  // the same for the end of the stream
  Endpoint peer_;
  ListenerIndex listener_;
  mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v5;
  std::uint8_t pauses_ = 0;
  bool user_from_tls_ = false;
  bool behind_proxy_ = false;
  bool announced_ = false;
  bool connect_seen_ = false;  // the first packet has come, whatever it was
  bool answered_ = false;      // something has been written to the client
  bool closing_ = false;       // nothing is read any more
  bool reading_ = false;       // inside on_bytes: ending waits for its end
  bool ended_ = false;
};

}  // namespace starling
