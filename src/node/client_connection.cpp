#include "src/node/client_connection.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/mqtt/read_packet.hpp"

namespace starling {
namespace {

bool opens_connect(std::uint8_t first_byte) {
  return first_byte >> 4U == static_cast<std::uint8_t>(mqtt::PacketType::connect);
}

}  // namespace

ClientConnection::ClientConnection(ConnectionId id, std::unique_ptr<ByteStream> stream,
                                   std::shared_ptr<const Door> door, const ConnectionInfo& info,
                                   const ClientTerms& terms, Broker& broker, Scheduler& scheduler,
                                   Owner& owner)
    : id_(id),
      stream_(std::move(stream)),
      broker_(broker),
      scheduler_(scheduler),
      owner_(owner),
      packet_size_max_(terms.packet_size_max),
      reader_(std::min(terms.packet_size_max, limits::connect_packet_size_max)),
      peer_(info.peer),
      listener_(info.listener) {
  STARLING_CHECK(stream_ != nullptr);
  if (terms.rates.any()) pace_ = std::make_unique<ClientPace>(terms.rates, scheduler_.now());
  if (door != nullptr) {
    user_from_tls_ = door->tls != nullptr && door->user_from != config::CertificateUser::none;
    behind_proxy_ = door->proxy_header;
    passage_ = std::make_unique<Passage>(std::move(door), stream_->output().pool());
  }
  stream_->set_handler(this);
  connect_wake_ = scheduler_.wake_at(scheduler_.now() + terms.connect_timeout, [this] {
    connect_wake_ = {};
    give_up(announced_ ? "no CONNECT came in time"
                       : "the handshake before MQTT was not done in time");
  });
  if (passage_ == nullptr) announce();
}

ClientConnection::~ClientConnection() {
  scheduler_.cancel(connect_wake_);
  scheduler_.cancel(pace_wake_);
  scheduler_.cancel(turn_wake_);
}

void ClientConnection::announce() {
  ConnectionInfo info;
  if (passage_ != nullptr) {
    if (const auto& proxied = passage_->layers.proxied_peer()) peer_ = *proxied;
    info.user_from_tls = user_from_tls_;
    if (user_from_tls_) info.tls_user = passage_->layers.tls_user();
    if (!owner_.admits(*this)) return close();
  }
  info.peer = peer_;
  info.listener = listener_;
  announced_ = true;
  broker_.on_connection_opened(id_, *this, std::move(info));
}

// --- In

void ClientConnection::on_bytes(ByteView bytes) {
  if (closing_) return;
  reading_ = true;
  if (pace_ != nullptr) pace_->on_bytes(bytes.size(), scheduler_.now());
  if (passage_ == nullptr) {
    read_plain(bytes);
  } else {
    read_layers(bytes);
  }
  if (pace_ != nullptr) keep_pace();
  reading_ = false;
  if (ended_) finish();
}

void ClientConnection::read_layers(ByteView wire) {
  Passage& passage = *passage_;
  passage.plain_in.clear();
  const std::size_t output_before = stream_->output().size();
  const auto understood = passage.layers.on_wire_bytes(wire, passage.plain_in, stream_->output());
  const std::size_t output_after = stream_->output().size();
  stream_->flush_soon();

  if (!announced_ && passage.layers.established()) announce();
  if (closing_) return;
  if (passage.layers.is_open()) {  // the PROXY header is off, or plain MQTT was recognised
    const Bytes plain = std::move(passage.plain_in);
    passage_.reset();
    return read_plain(plain);
  }
  if (announced_ && !passage.plain_in.empty()) read_plain(passage.plain_in);
  if (passage.plain_in.capacity() > limits::packet_size_spare) passage.plain_in = Bytes();
  if (!understood) return give_up(understood.error().what);
  if (passage.layers.peer_closed()) return give_up("");

  // Pongs and the like are not the broker's to hold back.
  if (!stream_->write_is_congested())
    passage.answers = 0;
  else
    passage.answers += output_after - std::min(output_before, output_after);
  if (passage.answers > limits::connection_output_max)
    give_up("the client asks for answers and does not read them");
}

void ClientConnection::read_plain(ByteView plain) {
  broker_.count_received(plain.size());
  // Who speaks something else is known by the first byte: the "length" behind it might never come.
  if (!connect_seen_ && reader_.kept_bytes() == 0 && !plain.empty()
      && !opens_connect(plain.front()))
    return broker_.on_packet_error(
        id_, {{Errc::protocol_error, "the first packet was not CONNECT [MQTT-3.1.0-1]"},
              mqtt::ReasonCode::protocol_error});
  const std::uint64_t work_before = broker_.work_done();
  const auto take = [this, work_before](const mqtt::Frame& frame) {
    const mqtt::Reading next = on_frame(frame);
    if (next == mqtt::Reading::stop || broker_.work_done() - work_before < limits::read_work_max)
      return next;
    wait_for_turn();
    return mqtt::Reading::stop;
  };
  const bool before_connect = !connect_seen_;
  const auto read = reader_.read(plain, take);
  if (read && before_connect && connect_seen_ && !closing_) {
    on_connect_read();
    if ((pauses_ & for_connack) != 0) return;
    return read_plain({});
  }
  if (read || closing_) return;
  broker_.on_packet_error(id_, read.error());
}

// The reader stopped behind the first packet; what follows may be as large as we told the client, and
// waits until CONNACK has been written: nothing may leave before it [MQTT-3.2.0-1].
void ClientConnection::on_connect_read() {
  reader_.set_packet_size_max(packet_size_max_);
  if (!answered_) pause(for_connack);
}

void ClientConnection::read_on() {
  if (closing_) return;
  reading_ = true;
  // Answered at once, before read_plain() came to pausing: the bit is not set then.
  if ((pauses_ & for_connack) != 0) resume(for_connack);
  if (pace_ != nullptr) keep_pace();
  reading_ = false;
  if (ended_) finish();
}

mqtt::Reading ClientConnection::on_frame(const mqtt::Frame& frame) {
  if (defers(frame)) return mqtt::Reading::stop;
  if (connect_seen_) {
    if (pace_ == nullptr) return on_connected_frame(frame);
    const bool passes = pace_->passes(frame, scheduler_.now());
    if (passes) return on_connected_frame(frame);
    return pace_->is_full() ? mqtt::Reading::stop : mqtt::Reading::go_on;
  }
  connect_seen_ = true;
  scheduler_.cancel(std::exchange(connect_wake_, {}));
  const auto packet = mqtt::read_packet(frame, {version_, mqtt::Sender::client});
  if (!packet) {
    const bool is_connect = frame.type() == mqtt::PacketType::connect;
    broker_.on_packet_error(id_, packet.error(),
                            is_connect ? mqtt::version_for_refusal(frame) : std::nullopt);
    return mqtt::Reading::stop;
  }
  if (const auto* connect = std::get_if<mqtt::Connect>(&*packet)) version_ = connect->version;
  broker_.on_packet(id_, *packet);
  return mqtt::Reading::stop;
}

mqtt::Reading ClientConnection::on_connected_frame(const mqtt::Frame& frame) {
  const mqtt::ReadContext context{version_, mqtt::Sender::client};
  switch (frame.type()) {
    case mqtt::PacketType::publish:
      hand_on(mqtt::read_publish(frame, context));
      break;
    case mqtt::PacketType::puback:
      hand_on(mqtt::read_publish_ack<mqtt::Puback>(frame, context));
      break;
    case mqtt::PacketType::pubrec:
      hand_on(mqtt::read_publish_ack<mqtt::Pubrec>(frame, context));
      break;
    case mqtt::PacketType::pubrel:
      hand_on(mqtt::read_publish_ack<mqtt::Pubrel>(frame, context));
      break;
    case mqtt::PacketType::pubcomp:
      hand_on(mqtt::read_publish_ack<mqtt::Pubcomp>(frame, context));
      break;
    default:
      hand_on(mqtt::read_packet(frame, context));
  }
  return closing_ ? mqtt::Reading::stop : mqtt::Reading::go_on;
}

template <class Packet>
void ClientConnection::hand_on(const mqtt::Decoded<Packet>& read) {
  if (read) {
    broker_.on_packet(id_, *read);
  } else {
    broker_.on_packet_error(id_, read.error());
  }
}

// --- When to read

void ClientConnection::pause(Pause why) {
  if (pauses_ == 0) stream_->pause_reading();
  pauses_ = static_cast<std::uint8_t>(pauses_ | why);
}

void ClientConnection::resume(Pause why) {
  if ((pauses_ & why) == 0) return;
  pauses_ = static_cast<std::uint8_t>(pauses_ & ~why);
  if (pauses_ != 0 || closing_) return;
  stream_->resume_reading();
  read_plain({});
}

// One read of 128 KB may be 1 500 messages for 1 000 subscribers each: a quarter of a second.
void ClientConnection::wait_for_turn() {
  pause(for_turn);
  if (turn_wake_) return;
  turn_wake_ = scheduler_.wake_at(scheduler_.now(), [this] {
    turn_wake_ = {};
    on_turn();
  });
}

void ClientConnection::on_turn() {
  if (deferred_ != nullptr || why_closed_ != nullptr) return;  // on_heavy_turn() comes
  reading_ = true;
  resume(for_turn);
  reading_ = false;
  if (ended_) finish();
}

void ClientConnection::on_heavy_turn() {
  if (why_closed_ != nullptr) {
    if (!may_leave()) return;
    const auto why = std::exchange(why_closed_, nullptr);
    return end(*why);
  }
  if (closing_) return;
  reading_ = true;
  if (const auto kept = std::exchange(deferred_, nullptr)) {
    const bool before_connect = !connect_seen_;
    on_frame({kept->first_byte, kept->body});
    if (before_connect && connect_seen_ && !closing_) on_connect_read();
  }
  if (deferred_ == nullptr) resume(for_turn);
  reading_ = false;
  if (ended_) finish();
}

// Subscribing, what CONNECT brings with it, and leaving.
bool ClientConnection::defers(const mqtt::Frame& frame) {
  constexpr std::size_t filter_size = 16;  // bytes of a short one: about a microsecond
  constexpr std::size_t connect_weight = 30;
  bool may_be_done = true;
  switch (frame.type()) {
    case mqtt::PacketType::connect:
      may_be_done = owner_.takes_heavy_work(id_, connect_weight);
      break;
    case mqtt::PacketType::subscribe:
    case mqtt::PacketType::unsubscribe:
      may_be_done = owner_.takes_heavy_work(id_, frame.body.size() / filter_size + 1);
      break;
    case mqtt::PacketType::disconnect:
      may_be_done = may_leave();
      break;
    default:
      return false;
  }
  if (may_be_done) return false;
  deferred_ = std::make_unique<Deferred>(
      Deferred{frame.first_byte, Bytes(frame.body.begin(), frame.body.end())});
  pause(for_turn);
  return true;
}

bool ClientConnection::may_leave() {
  constexpr std::size_t leave_weight = 40;  // the kernel's part included
  constexpr std::size_t filter_weight = 4;  // its memory has not been touched for long
  constexpr std::size_t slice = 125;
  // A session that ends with a million filters does so over many turns.
  while (broker_.subscriptions_ending_with(id_) > slice) {
    if (!owner_.takes_heavy_work(id_, slice * filter_weight)) return false;
    broker_.shed_subscriptions(id_, slice);
  }
  return owner_.takes_heavy_work(
      id_, leave_weight + broker_.subscriptions_ending_with(id_) * filter_weight);
}

void ClientConnection::keep_pace() {
  if (closing_) return;
  const TimePoint now = scheduler_.now();
  std::optional<TimePoint> next = pace_->next_due(now);
  if (pace_->is_full()) pause(for_messages);
  if (const auto again = pace_->reads_again_at(now)) {
    pause(for_bytes);
    next = next ? std::min(*next, *again) : again;
  }
  scheduler_.cancel(std::exchange(pace_wake_, {}));
  if (next)
    pace_wake_ = scheduler_.wake_at(*next, [this] {
      pace_wake_ = {};
      on_pace_due();
    });
}

void ClientConnection::on_pace_due() {
  reading_ = true;
  while (!closing_) {
    const auto kept = pace_->take_due(scheduler_.now());
    if (!kept) break;
    on_connected_frame(kept->frame());
  }
  if (!closing_ && !pace_->is_full()) resume(for_messages);
  if (!closing_ && !pace_->reads_again_at(scheduler_.now())) resume(for_bytes);
  keep_pace();
  reading_ = false;
  if (ended_) finish();
}

/// The client has sent these in order before it left; a rate is no reason to lose them.
void ClientConnection::take_all_kept() {
  pace_->lift();
  while (!closing_) {
    const auto kept = pace_->take_due(scheduler_.now());
    if (!kept) break;
    on_connected_frame(kept->frame());
  }
  if (!closing_ && answered_) read_plain({});
}

// --- Out

OutputBuffer& ClientConnection::output() {
  return passage_ ? passage_->plain_out : stream_->output();
}

void ClientConnection::flush_soon() {
  if (!std::exchange(answered_, true) && connect_seen_) at_turn_end(&ClientConnection::read_on);
  if (passage_ == nullptr) return stream_->flush_soon();
  if (std::exchange(passage_->write_asked, true)) return;
  // All of a turn goes into as few records and frames as possible.
  at_turn_end(&ClientConnection::write_through_layers);
}

void ClientConnection::at_turn_end(void (ClientConnection::*task)()) {
  scheduler_.at_turn_end([&owner = owner_, id = id_, task] {
    if (ClientConnection* connection = owner.find(id)) (connection->*task)();
  });
}

void ClientConnection::write_through_layers() {
  if (passage_ == nullptr) return;
  passage_->write_asked = false;
  // No more than the socket's queue holds: to encrypt 200 MB in one go would stop everybody else.
  while (!passage_->plain_out.empty() && !ended_ && (closing_ || !stream_->write_is_congested())) {
    OutputBuffer part = passage_->plain_out.take_front(limits::layer_write_max);
    if (const auto written = passage_->layers.write_plain(part, stream_->output()); !written) {
      passage_->plain_out.clear();
      give_up(written.error().what);
    }
    stream_->flush_soon();
  }
}

bool ClientConnection::write_is_congested() const {
  return stream_->write_is_congested()
         || (passage_ && passage_->plain_out.size() > limits::connection_output_max);
}

std::size_t ClientConnection::output_waiting() const {
  return stream_->output().size() + (passage_ ? passage_->plain_out.size() : 0);
}

void ClientConnection::on_writable() {
  write_through_layers();
  if (announced_ && !closing_) broker_.on_writable(id_);
}

// --- The end

void ClientConnection::give_up(std::string_view why) {
  if (closing_) return;
  if (announced_)
    broker_.on_connection_closed(id_, why);
  else
    owner_.on_failed(*this, why);
  close();
}

void ClientConnection::drop_unannounced() {
  if (!announced_) close();
}

void ClientConnection::close() {
  if (std::exchange(closing_, true)) return;
  scheduler_.cancel(std::exchange(connect_wake_, {}));
  scheduler_.cancel(std::exchange(pace_wake_, {}));
  scheduler_.cancel(std::exchange(turn_wake_, {}));
  // What waits for on_heavy_turn() is not read any more; an end of the stream still counts.
  if (why_closed_ == nullptr) deferred_.reset();
  if (passage_ != nullptr && passage_->layers.established()) {
    write_through_layers();
    passage_->layers.close(stream_->output());
  }
  stream_->flush_soon();
  stream_->close();
}

void ClientConnection::on_closed(const std::string& why) {
  // A packet that waits for its turn came before. Once closing, the broker knows already.
  const bool must_wait = deferred_ != nullptr || (announced_ && !closing_ && !may_leave());
  if (!must_wait) return end(why);
  why_closed_ = std::make_unique<const std::string>(why);
  pause(for_turn);
}

void ClientConnection::end(const std::string& why) {
  const bool inside_read = std::exchange(reading_, true);
  // DISCONNECT takes the will back.
  if (const auto kept = std::exchange(deferred_, nullptr); kept && connect_seen_ && !closing_)
    on_connected_frame({kept->first_byte, kept->body});
  if (pace_ != nullptr && !closing_) take_all_kept();
  ended_ = true;
  if (announced_)
    broker_.on_connection_closed(id_, why);
  else if (!closing_)
    owner_.on_failed(*this, why);
  closing_ = true;
  reading_ = inside_read;
  if (!reading_) finish();
}

void ClientConnection::finish() {
  owner_.on_ended(id_);  // destroys us, perhaps
}

}  // namespace starling
