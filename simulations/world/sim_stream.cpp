#include "simulations/world/sim_stream.hpp"

#include <algorithm>

#include "starling/limits.hpp"

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration home_latency = 500us;   // within a house, one way
constexpr std::size_t segment = 1'448;     // bytes
constexpr std::size_t window = 1U << 20U;  // bytes under way in one direction
constexpr std::size_t socket_buffer = 256U << 10U;
constexpr Duration retry_min = 300ms;  // [RFC 6298 §2], doubled by each
constexpr Duration retry_max = 60s;
constexpr Duration give_up_after = 15min;  // without an answer, as Linux does
constexpr Duration syn_retry_min = 1s;
constexpr std::size_t handshake_packet = 60;  // bytes
constexpr Duration farewell_max = 5s;

}  // namespace

/// First in, first out. Mostly empty, and then it owns nothing: a std::deque would hold 600 bytes, six
/// of which a connection has.
class ByteQueue {
 public:
  [[nodiscard]] bool empty() const { return first_ == chunks_.size(); }
  [[nodiscard]] Bytes& front() { return chunks_[first_]; }
  [[nodiscard]] Bytes& back() { return chunks_.back(); }
  void push_back(Bytes bytes) { chunks_.push_back(std::move(bytes)); }
  void push_front(Bytes bytes) {
    if (first_ == 0) {
      chunks_.insert(chunks_.begin(), std::move(bytes));
    } else {
      chunks_[--first_] = std::move(bytes);
    }
  }
  void pop_front() {
    ++first_;
    if (empty()) return clear();
    if (first_ < 64 || first_ * 2 < chunks_.size()) return;
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  void pop_back() {
    chunks_.pop_back();
    if (empty()) clear();
  }
  void clear() {
    chunks_ = {};
    first_ = 0;
  }

 private:
  std::vector<Bytes> chunks_;
  std::size_t first_ = 0;  // what is before it has gone
};

// One end of a connection, also after its stream is gone: what was written before still leaves.
struct StreamNetwork::Side {
  HostNumber host = 0;
  ProcessNumber process = 0;
  Endpoint local;
  Endpoint remote;
  SimStream* stream = nullptr;  // null: destroyed, or not taken yet
  bool is_taken = false;        // it was there
  // What it sends:
  ByteQueue waiting;
  std::size_t waiting_bytes = 0;
  ByteQueue flying;           // has left and not arrived, in order
  std::size_t under_way = 0;  // bytes: these, and what the other side has not read yet
  // Counts losses in cuts: what left before the last one never arrives, so that nothing overtakes
  // what was lost.
  std::uint64_t flight = 0;
  TimePoint last_arrival{};
  Duration retry = retry_min;
  TimePoint stalled_since{};
  bool is_stalled = false;
  bool sends_end = false;  // after all that waits
  bool end_is_sent = false;
  bool is_reset = false;  // it knows of no connection any more
  // What has come for it:
  ByteQueue arrived;
  bool end_has_come = false;
};

struct StreamNetwork::Connection : std::enable_shared_from_this<Connection> {
  explicit Connection(StreamNetwork& of) : net(of) {}

  StreamNetwork& net;
  bool is_at_home = false;
  Side sides[2];

  [[nodiscard]] Agenda& agenda() const { return net.network().agenda(); }
  [[nodiscard]] bool is_cut(int from) const {
    Network& network = net.network();
    if (is_at_home) return !network.has_power(sides[0].host) || !network.has_power(sides[1].host);
    // Without acknowledgements nothing goes on either.
    return network.is_cut(sides[from].host, sides[1 - from].host)
           || network.is_cut(sides[1 - from].host, sides[from].host);
  }
  [[nodiscard]] Duration latency() const {
    return is_at_home ? home_latency : net.network().latency(sides[0].host, sides[1].host);
  }
  /// With all repetitions that losses cost.
  Duration time_on_the_way(int from, std::size_t size) {
    if (is_at_home) return home_latency;
    Duration late{};
    Duration pause = std::max<Duration>(200ms, 2 * latency());
    const std::size_t segments = size / segment + 1;
    for (int tries = 0; tries < 12; ++tries) {
      const auto way = net.network().transit(sides[from].host, sides[1 - from].host,
                                             std::min(size, segment) + 40);
      if (way) {
        // One draw stands for the burst; the line carries the rest of it too.
        Duration rest{};
        if (segments > 1) {
          const auto all = net.network().transit(sides[from].host, sides[1 - from].host,
                                                 size - std::min(size, segment));
          rest = all ? std::max(*all - *way, Duration{}) : pause;
        }
        return late + *way + rest;
      }
      late += pause;
      pause = std::min<Duration>(pause * 2, retry_max);
    }
    return late + latency();
  }
  void at(Duration after, int side, std::function<void()> task) {
    agenda().add(agenda().now() + after, sides[side].process, std::move(task));
  }

  void pump(int from);
  void stall(int from);
  bool has_come(int to, std::uint64_t flight);
  void on_arrived(int to, std::uint64_t flight);
  void on_end_arrived(int to, std::uint64_t flight);
  void reset_peer(int of);
  void on_reset(int at_side, const std::string& why);
};

void StreamNetwork::Connection::pump(int from) {
  Side& side = sides[from];
  if (side.is_reset || side.is_stalled) return;
  const auto self = shared_from_this();
  // Whoever is gone for good answers with a reset, once anything reaches it.
  const Side& other = sides[1 - from];
  const bool is_gone = other.is_reset || (other.is_taken && other.stream == nullptr);
  if (!side.waiting.empty() && is_gone && !is_cut(from)) {
    at(2 * latency(), from, [self, from] { self->on_reset(from, "connection reset by peer"); });
    return;
  }
  while (!side.waiting.empty() && side.under_way < window) {
    if (is_cut(from)) return stall(from);
    side.retry = retry_min;
    Bytes bytes = std::move(side.waiting.front());
    side.waiting.pop_front();
    side.waiting_bytes -= bytes.size();
    side.under_way += bytes.size();
    const TimePoint due = agenda().now() + time_on_the_way(from, bytes.size());
    side.last_arrival = std::max(side.last_arrival, due);
    side.flying.push_back(std::move(bytes));
    at(side.last_arrival - agenda().now(), 1 - from,
       [self, from, flight = side.flight] { self->on_arrived(1 - from, flight); });
  }
  if (side.sends_end && !side.end_is_sent && side.waiting.empty()) {
    if (is_cut(from)) return stall(from);
    side.end_is_sent = true;
    const TimePoint due = agenda().now() + time_on_the_way(from, 0);
    side.last_arrival = std::max(side.last_arrival, due);
    at(side.last_arrival - agenda().now(), 1 - from,
       [self, from, flight = side.flight] { self->on_end_arrived(1 - from, flight); });
  }
}

void StreamNetwork::Connection::stall(int from) {
  Side& side = sides[from];
  const TimePoint now = agenda().now();
  if (side.retry == retry_min) side.stalled_since = now;
  if (now - side.stalled_since > give_up_after) return on_reset(from, "connection timed out");
  side.is_stalled = true;
  at(side.retry, from, [self = shared_from_this(), from] {
    self->sides[from].is_stalled = false;
    self->pump(from);
  });
  side.retry = std::min<Duration>(side.retry * 2, retry_max);
}

/// False: it was lost in a cut, with all that left after it; the sender finds out as with everything
/// else.
bool StreamNetwork::Connection::has_come(int to, std::uint64_t flight) {
  Side& sender = sides[1 - to];
  if (flight != sender.flight) return false;
  if (is_at_home || !net.network().is_cut(sender.host, sides[to].host)) return true;
  ++sender.flight;
  sender.end_is_sent = false;
  while (!sender.flying.empty()) {
    const std::size_t size = sender.flying.back().size();
    sender.under_way -= size;
    sender.waiting_bytes += size;
    sender.waiting.push_front(std::move(sender.flying.back()));
    sender.flying.pop_back();
  }
  if (!sender.is_stalled && !sender.is_reset) stall(1 - to);
  return false;
}

void StreamNetwork::Connection::on_arrived(int to, std::uint64_t flight) {
  Side& side = sides[to];
  Side& sender = sides[1 - to];
  if (sender.is_reset || !has_come(to, flight)) return;
  Bytes bytes = std::move(sender.flying.front());
  sender.flying.pop_front();
  if (side.is_reset) return;
  if (side.stream == nullptr && side.is_taken) return reset_peer(to);
  side.arrived.push_back(std::move(bytes));
  if (side.stream != nullptr) side.stream->take_arrived();  // else it waits to be taken
}

void StreamNetwork::Connection::on_end_arrived(int to, std::uint64_t flight) {
  Side& side = sides[to];
  if (!has_come(to, flight)) return;
  side.end_has_come = true;
  if (side.stream != nullptr) side.stream->take_arrived();
}

/// `of` is gone; its kernel tells the other side, if it can.
void StreamNetwork::Connection::reset_peer(int of) {
  if (is_cut(of)) return;  // it finds out when it sends
  at(time_on_the_way(of, 0), 1 - of,
     [self = shared_from_this(), of] { self->on_reset(1 - of, "connection reset by peer"); });
}

void StreamNetwork::Connection::on_reset(int at_side, const std::string& why) {
  Side& side = sides[at_side];
  side.is_reset = true;
  side.waiting.clear();
  side.flying.clear();
  side.waiting_bytes = side.under_way = 0;
  if (side.stream != nullptr) side.stream->end(why);
}

// --- One end

SimStream::SimStream(std::shared_ptr<Connection> connection, int side)
    : connection_(std::move(connection)), side_(side) {
  connection_->sides[side_].stream = this;
  connection_->sides[side_].is_taken = true;
}

SimStream::~SimStream() {
  StreamNetwork::Side& side = connection_->sides[side_];
  side.stream = nullptr;
  if (side.is_reset || side.end_has_come) return;
  if (is_closing_) return;  // the rest leaves all the same
  connection_->reset_peer(side_);
}

void SimStream::set_handler(Handler* handler) {
  handler_ = handler;
  const StreamNetwork::Side& mine = connection_->sides[side_];
  if (handler_ != nullptr && (!mine.arrived.empty() || (mine.end_has_come && !has_ended_)))
    connection_->at({}, side_, [connection = connection_, side = side_] {
      if (connection->sides[side].stream != nullptr) connection->sides[side].stream->take_arrived();
    });
}

void SimStream::flush_soon() {
  if (flush_asked_ || has_ended_) return;
  flush_asked_ = true;
  connection_->agenda().at_turn_end(
      connection_->sides[side_].process, [connection = connection_, side = side_] {
        SimStream* stream = connection->sides[side].stream;
        if (stream == nullptr) return;
        // After all other tasks of the turn's end, commits included.
        connection->agenda().at_turn_commit(connection->sides[side].process, [connection, side] {
          SimStream* late = connection->sides[side].stream;
          if (late != nullptr) late->flush();
        });
      });
}

void SimStream::flush() {
  flush_asked_ = false;
  StreamNetwork::Side& side = connection_->sides[side_];
  if (output_.empty() || side.is_reset) return;
  Bytes bytes;
  bytes.reserve(output_.size());
  ByteView views[16];
  while (!output_.empty()) {
    const std::size_t count = output_.gather(views);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      append(bytes, views[i]);
      size += views[i].size();
    }
    output_.consume(size);
  }
  if (connection_->net.on_sent_ && !connection_->is_at_home)
    connection_->net.on_sent_(side.host, connection_->sides[1 - side_].host, bytes.size());
  side.waiting_bytes += bytes.size();
  side.waiting.push_back(std::move(bytes));
  connection_->pump(side_);
  if (write_is_congested()) was_congested_ = true;
}

bool SimStream::write_is_congested() const {
  const StreamNetwork::Side& side = connection_->sides[side_];
  return output_.size() + side.waiting_bytes + side.under_way
         > limits::connection_output_max + socket_buffer;
}

void SimStream::resume_reading() {
  if (!is_paused_) return;
  is_paused_ = false;
  if (connection_->sides[side_].arrived.empty() && !connection_->sides[side_].end_has_come) return;
  connection_->at({}, side_, [connection = connection_, side = side_] {
    if (connection->sides[side].stream != nullptr) connection->sides[side].stream->take_arrived();
  });
}

/// Hands on what has come. The handler may destroy the stream in any call.
void SimStream::take_arrived() {
  const auto connection = connection_;
  const int here = side_;
  StreamNetwork::Side& side = connection->sides[here];
  while (side.stream != nullptr && !side.stream->is_paused_ && !side.arrived.empty()) {
    SimStream& stream = *side.stream;
    if (stream.has_ended_ || (!stream.is_closing_ && stream.handler_ == nullptr)) return;
    const Bytes bytes = std::move(side.arrived.front());
    side.arrived.pop_front();
    StreamNetwork::Side& sender = connection->sides[1 - here];
    sender.under_way -= std::min(sender.under_way, bytes.size());
    // The acknowledgement travels back; only who waits for it is told.
    if (sender.stream != nullptr
        && (sender.stream->was_congested_ || sender.stream->is_closing_ || !sender.waiting.empty()))
      connection->at(connection->latency(), 1 - here, [connection, here] {
        connection->pump(1 - here);
        SimStream* waiting = connection->sides[1 - here].stream;
        if (waiting != nullptr) waiting->check_drained();
      });
    else if (!sender.waiting.empty())
      connection->pump(1 - here);
    if (!stream.is_closing_) stream.handler_->on_bytes(bytes);
  }
  if (side.stream == nullptr || !side.end_has_come || !side.arrived.empty()) return;
  const SimStream& stream = *side.stream;
  if (!stream.is_paused_ && (stream.handler_ != nullptr || stream.is_closing_))
    side.stream->end("");
}

void SimStream::check_drained() {
  const StreamNetwork::Side& side = connection_->sides[side_];
  const std::size_t left = output_.size() + side.waiting_bytes + side.under_way;
  if (is_closing_ && left == 0) return end("");
  if (!was_congested_ || left > limits::connection_output_max / 2 || has_ended_) return;
  was_congested_ = false;
  if (handler_ != nullptr && !is_closing_) handler_->on_writable();
}

void SimStream::close() {
  if (is_closing_ || has_ended_) return;
  flush();
  is_closing_ = true;
  StreamNetwork::Side& side = connection_->sides[side_];
  side.sends_end = true;
  connection_->pump(side_);
  const bool is_done = side.waiting_bytes + side.under_way == 0;
  connection_->at(is_done ? Duration{} : farewell_max, side_,
                  [connection = connection_, here = side_] {
                    if (connection->sides[here].stream != nullptr)
                      connection->sides[here].stream->end("");
                  });
}

void SimStream::end(const std::string& why) {
  if (has_ended_) return;
  has_ended_ = true;
  if (handler_ != nullptr) handler_->on_closed(why);
}

Endpoint SimStream::local_endpoint() const {
  return connection_->sides[side_].local;
}
Endpoint SimStream::peer_endpoint() const {
  return connection_->sides[side_].remote;
}

// --- How connections are made

struct StreamNetwork::Attempt {
  HostNumber host = 0;
  ProcessNumber process = 0;
  Endpoint from;
  Endpoint to;
  bool is_at_home = false;
  TimePoint begun;
  Duration pause = syn_retry_min;
  OnDone done;
};

void StreamNetwork::listen(HostNumber host, std::uint16_t port, ProcessNumber process,
                           OnStream on_stream) {
  listeners_[{host, port}] = {process, std::move(on_stream)};
}
void StreamNetwork::stop_listening(HostNumber host, std::uint16_t port) {
  listeners_.erase({host, port});
}

void StreamNetwork::dial_from(HostNumber host, ProcessNumber process, std::uint16_t local_port,
                              const Endpoint& to, OnDone done) {
  const auto attempt = std::make_shared<Attempt>();
  attempt->host = host;
  attempt->process = process;
  attempt->from = network_.address(host);
  attempt->from.port = local_port;
  if (local_port != 0) {
    auto& mine = from_ports_[{host, local_port, to}];
    // One connection between two places at a time: the system takes another port.
    if (mine.expired())
      mine = attempt;
    else
      attempt->from.port = 0;
  }
  if (attempt->from.port == 0) attempt->from.port = network_.ephemeral_port(host);
  attempt->to = to;
  attempt->begun = network_.agenda().now();
  attempt->done = std::move(done);
  send_syn(attempt);
}

void StreamNetwork::dial_at_home(ProcessNumber process, HostNumber host, std::uint16_t port,
                                 OnDone done) {
  const auto attempt = std::make_shared<Attempt>();
  attempt->host = host;
  attempt->process = process;
  attempt->from = Endpoint::v4({127, 0, 0, 1}, network_.ephemeral_port(host));
  attempt->to = Endpoint::v4({127, 0, 0, 1}, port);
  attempt->is_at_home = true;
  attempt->begun = network_.agenda().now();
  attempt->done = std::move(done);
  send_syn(attempt);
}

void StreamNetwork::fail(const std::shared_ptr<Attempt>& attempt, Duration after, std::string why) {
  Agenda& agenda = network_.agenda();
  agenda.add(agenda.now() + after, attempt->process, [attempt, why = std::move(why)] {
    if (attempt->done) std::exchange(attempt->done, nullptr)(Error{Errc::unreachable, why});
  });
}

void StreamNetwork::send_syn(const std::shared_ptr<Attempt>& attempt) {
  Agenda& agenda = network_.agenda();
  std::optional<Network::Route> route;
  std::optional<Duration> way;
  if (attempt->is_at_home) {
    route = Network::Route{attempt->host, attempt->to, attempt->from};
    if (network_.has_power(attempt->host)) way = home_latency;
  } else {
    route = network_.route(Transport::tcp, attempt->host, attempt->from, attempt->to);
    if (route && !network_.is_cut(attempt->host, route->host)
        && !network_.is_cut(route->host, attempt->host))
      way = network_.transit(attempt->host, route->host, handshake_packet);
  }
  if (way) {
    const auto listener = listeners_.find({route->host, route->arrives_at.port});
    if (listener == listeners_.end()) return fail(attempt, 2 * *way, "connection refused");
    agenda.add(agenda.now() + *way, listener->second.process,
               [this, attempt, found = *route] { on_syn(attempt, found); });
    // A listener that ends meanwhile never answers.
    agenda.add(attempt->begun + limits::dial_timeout, attempt->process, [attempt] {
      if (attempt->done)
        std::exchange(attempt->done, nullptr)(Error{Errc::unreachable, "connection timed out"});
    });
    return;
  }
  const TimePoint latest = attempt->begun + limits::dial_timeout;
  if (agenda.now() + attempt->pause >= latest)
    return fail(attempt, latest - agenda.now(), "connection timed out");
  agenda.add(agenda.now() + attempt->pause, attempt->process,
             [this, attempt] { send_syn(attempt); });
  attempt->pause *= 2;
}

std::shared_ptr<StreamNetwork::Attempt> StreamNetwork::counterpart(
    const Network::Route& route) const {
  const auto found = from_ports_.find({route.host, route.arrives_at.port, route.comes_from});
  const auto other = found == from_ports_.end() ? nullptr : found->second.lock();
  return other && other->done ? other : nullptr;
}

/// Simultaneous open [RFC 9293 §3.5]: nobody listens, and both have dialled.
void StreamNetwork::open_both(const std::shared_ptr<Attempt>& one,
                              const std::shared_ptr<Attempt>& other) {
  const auto connection = std::make_shared<Connection>(*this);
  const std::shared_ptr<Attempt> attempts[2] = {one, other};
  for (int i = 0; i < 2; ++i) {
    Side& side = connection->sides[i];
    side.host = attempts[i]->host;
    side.process = attempts[i]->process;
    side.local = attempts[i]->from;
    side.remote = attempts[i]->to;
    OnDone done = std::exchange(attempts[i]->done, nullptr);
    connection->at(
        i == 0 ? connection->latency() : Duration{}, i, [connection, i, done = std::move(done)] {
          std::unique_ptr<ByteStream> stream = std::make_unique<SimStream>(connection, i);
          done(std::move(stream));
        });
  }
}

void StreamNetwork::on_syn(const std::shared_ptr<Attempt>& attempt, const Network::Route& route) {
  if (!attempt->done) return;
  if (const auto other = counterpart(route)) return open_both(attempt, other);
  const auto listener = listeners_.find({route.host, route.arrives_at.port});
  if (listener == listeners_.end()) return fail(attempt, home_latency, "connection refused");
  const auto connection = std::make_shared<Connection>(*this);
  connection->is_at_home = attempt->is_at_home;
  Side& client = connection->sides[0];
  client.host = attempt->host;
  client.process = attempt->process;
  client.local = attempt->from;
  client.remote = attempt->to;
  Side& server = connection->sides[1];
  server.host = route.host;
  server.process = listener->second.process;
  server.local = route.arrives_at;
  server.remote = route.comes_from;
  connection->at(connection->latency(), 0, [attempt, connection] {
    if (!attempt->done) return connection->on_reset(0, {});  // it has given up
    std::unique_ptr<ByteStream> stream = std::make_unique<SimStream>(connection, 0);
    std::exchange(attempt->done, nullptr)(std::move(stream));
  });
  // Whoever ended while it dialled resets what comes to it.
  connection->at(2 * connection->latency(), 1, [connection] {
    const Side& dialler = connection->sides[0];
    const bool is_there = dialler.is_taken || connection->agenda().is_alive(dialler.process);
    if (!is_there || dialler.is_reset) connection->on_reset(1, "connection reset by peer");
  });
  listener->second.on_stream(std::make_unique<SimStream>(connection, 1));
}

}  // namespace starling::sim
