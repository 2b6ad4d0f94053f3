// ClientConnection: one MQTT client below the protocol. A byte stream, a channel over it if it is
// encrypted, and the reader that cuts packets out of it, in place. What packets mean is the
// broker's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "starling/ids.hpp"
#include "starling/port/channel.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "src/broker/broker.hpp"
#include "src/mqtt/frame_reader.hpp"

namespace starling {

class ClientConnection final : private ByteStream::Handler, private ConnectionPort {
 public:
  /// The stream has ended and the broker knows. The last call; it may destroy the connection.
  using OnEnded = std::function<void(ConnectionId)>;

  /// Announces itself to the broker. `channel` null: the stream carries plain MQTT.
  /// `packet_size_max`: bytes, as the broker tells clients. The broker and scheduler outlive it.
  ClientConnection(ConnectionId id, std::unique_ptr<ByteStream> stream,
                   std::unique_ptr<SecureChannel> channel, Broker& broker, Scheduler& scheduler,
                   ConnectionInfo info, std::size_t packet_size_max, OnEnded on_ended);
  /// Drops the connection; the broker is told nothing, so tell it first (or let it close).
  ~ClientConnection() override;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  [[nodiscard]] ConnectionId id() const { return id_; }

 private:
  // ByteStream::Handler
  void on_bytes(ByteView bytes) override;
  void on_writable() override;
  void on_closed(const std::string& why) override;

  // ConnectionPort
  OutputBuffer& output() override;
  void flush_soon() override;
  [[nodiscard]] bool write_is_congested() const override;
  void close() override;

  void read_plain(ByteView plain);
  mqtt::Reading on_frame(const mqtt::Frame& frame);
  /// Our side gives up: tells the broker, sends what is left, closes.
  void give_up(std::string_view why);
  /// CONNECT has been answered: what waited behind it is read.
  void read_on();
  void encrypt();
  void finish();

  ConnectionId id_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<SecureChannel> channel_;
  Broker& broker_;
  Scheduler& scheduler_;
  std::size_t packet_size_max_;
  OnEnded on_ended_;
  mqtt::FrameReader reader_;
  mqtt::ProtocolVersion version_ = mqtt::ProtocolVersion::v5;
  WakeId connect_wake_;
  bool connect_seen_ = false;  // the first packet has come, whatever it was
  bool answered_ = false;      // something has been written to the client
  bool closing_ = false;       // nothing is read any more
  bool reading_ = false;       // inside on_bytes: ending waits for its end
  bool ended_ = false;

  // Only with a channel:
  OutputBuffer plain_out_;
  Bytes plain_in_;
  bool encrypt_asked_ = false;

  // Lets a task of the turn's end see that we are gone.
  std::shared_ptr<ClientConnection*> self_ = std::make_shared<ClientConnection*>(this);
};

}  // namespace starling
