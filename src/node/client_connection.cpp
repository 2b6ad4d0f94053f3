#include "src/node/client_connection.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/mqtt/read_packet.hpp"

namespace starling {

ClientConnection::ClientConnection(ConnectionId id, std::unique_ptr<ByteStream> stream,
                                   std::unique_ptr<SecureChannel> channel, Broker& broker,
                                   Scheduler& scheduler, ConnectionInfo info,
                                   std::size_t packet_size_max, OnEnded on_ended)
    : id_(id),
      stream_(std::move(stream)),
      channel_(std::move(channel)),
      broker_(broker),
      scheduler_(scheduler),
      packet_size_max_(packet_size_max),
      on_ended_(std::move(on_ended)),
      reader_(std::min(packet_size_max, limits::connect_packet_size_max)) {
  STARLING_CHECK(stream_ != nullptr);
  stream_->set_handler(this);
  broker_.on_connection_opened(id_, *this, std::move(info));
  connect_wake_ = scheduler_.wake_at(scheduler_.now() + limits::connect_timeout, [this] {
    connect_wake_ = {};
    give_up("no CONNECT came in time");
  });
}

ClientConnection::~ClientConnection() {
  scheduler_.cancel(connect_wake_);
  *self_ = nullptr;
}

// --- In

void ClientConnection::on_bytes(ByteView bytes) {
  if (closing_) return;
  reading_ = true;
  if (channel_ == nullptr) {
    read_plain(bytes);
  } else {
    plain_in_.clear();
    const auto understood = channel_->on_wire_bytes(bytes, plain_in_, stream_->output());
    stream_->flush_soon();
    if (!plain_in_.empty()) read_plain(plain_in_);
    if (!understood) {
      give_up(understood.error().what);
    } else if (channel_->peer_closed()) {
      give_up("");
    }
    if (plain_in_.capacity() > limits::packet_size_spare) plain_in_ = Bytes();
  }
  reading_ = false;
  if (ended_) finish();
}

void ClientConnection::read_plain(ByteView plain) {
  const auto take = [this](const mqtt::Frame& frame) { return on_frame(frame); };
  const bool before_connect = !connect_seen_;
  const auto read = reader_.read(plain, take);
  if (read && before_connect && connect_seen_ && !closing_) {
    // The reader stopped behind the first packet; what follows may be as large as we told the
    // client, and waits until CONNACK has been written: nothing may leave before it [MQTT-3.2.0-1].
    reader_.set_packet_size_max(packet_size_max_);
    if (!answered_) return stream_->pause_reading();
    return read_plain({});
  }
  if (read || closing_) return;
  broker_.on_packet_error(id_, read.error());
}

void ClientConnection::read_on() {
  if (closing_) return;
  stream_->resume_reading();
  reading_ = true;
  read_plain({});
  reading_ = false;
  if (ended_) finish();
}

mqtt::Reading ClientConnection::on_frame(const mqtt::Frame& frame) {
  if (connect_seen_ && frame.type() == mqtt::PacketType::publish) {
    if (const auto publish = mqtt::read_publish(frame, {version_, mqtt::Sender::client})) {
      broker_.on_packet(id_, *publish);
    } else {
      broker_.on_packet_error(id_, publish.error());
    }
    return closing_ ? mqtt::Reading::stop : mqtt::Reading::go_on;
  }

  const bool is_first = !std::exchange(connect_seen_, true);
  scheduler_.cancel(std::exchange(connect_wake_, {}));
  const auto packet = mqtt::read_packet(frame, {version_, mqtt::Sender::client});
  if (!packet) {
    const bool is_connect = frame.type() == mqtt::PacketType::connect;
    broker_.on_packet_error(
        id_, packet.error(),
        is_first && is_connect ? mqtt::version_for_refusal(frame) : std::nullopt);
    return mqtt::Reading::stop;
  }
  if (const auto* connect = std::get_if<mqtt::Connect>(&*packet); connect != nullptr && is_first)
    version_ = connect->version;
  broker_.on_packet(id_, *packet);
  return is_first || closing_ ? mqtt::Reading::stop : mqtt::Reading::go_on;
}

// --- Out

OutputBuffer& ClientConnection::output() {
  return channel_ ? plain_out_ : stream_->output();
}

void ClientConnection::flush_soon() {
  if (!std::exchange(answered_, true) && connect_seen_) {
    scheduler_.at_turn_end([self = self_] {
      if (*self != nullptr) (*self)->read_on();
    });
  }
  if (channel_ == nullptr) return stream_->flush_soon();
  if (std::exchange(encrypt_asked_, true)) return;
  // All of a turn goes into as few records as possible.
  scheduler_.at_turn_end([self = self_] {
    if (*self != nullptr) (*self)->encrypt();
  });
}

void ClientConnection::encrypt() {
  encrypt_asked_ = false;
  if (plain_out_.empty() || ended_) return;
  if (const auto written = channel_->write_plain(plain_out_, stream_->output()); !written) {
    plain_out_.clear();
    give_up(written.error().what);
  }
  stream_->flush_soon();
}

bool ClientConnection::write_is_congested() const {
  return stream_->write_is_congested() || plain_out_.size() > limits::connection_output_max;
}

void ClientConnection::on_writable() {
  broker_.on_writable(id_);
}

// --- The end

void ClientConnection::give_up(std::string_view why) {
  if (closing_) return;
  broker_.on_connection_closed(id_, why);
  close();
}

void ClientConnection::close() {
  if (std::exchange(closing_, true)) return;
  scheduler_.cancel(std::exchange(connect_wake_, {}));
  if (channel_ != nullptr && channel_->established()) {
    encrypt();
    channel_->close(stream_->output());
    stream_->flush_soon();
  }
  stream_->close();
}

void ClientConnection::on_closed(const std::string& why) {
  closing_ = true;
  ended_ = true;
  broker_.on_connection_closed(id_, why);
  if (!reading_) finish();
}

void ClientConnection::finish() {
  const OnEnded on_ended = std::move(on_ended_);
  if (on_ended) on_ended(id_);  // destroys us, perhaps
}

}  // namespace starling
