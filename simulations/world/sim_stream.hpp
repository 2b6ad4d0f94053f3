// Streams of a simulated network: connections that carry bytes in order, as TCP does. Lost packets
// are sent again and delay what follows; while nothing passes, sending is tried again with growing
// pauses; a peer that is gone answers with a reset.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "starling/port/stream.hpp"

#include "simulations/world/network.hpp"

namespace starling::sim {

class SimStream;

/// All listeners and connections of a world.
class StreamNetwork {
 public:
  using OnStream = Listener::OnStream;
  using OnDone = Dialer::OnDone;
  /// Bytes leave on a connection between two different hosts.
  using OnSent = std::function<void(HostNumber from, HostNumber to, std::size_t size)>;

  explicit StreamNetwork(Network& network) : network_(network) {}

  void listen(HostNumber host, std::uint16_t port, ProcessNumber process, OnStream on_stream);
  void stop_listening(HostNumber host, std::uint16_t port);
  /// As Dialer::dial, by a process of `host`.
  void dial(HostNumber host, ProcessNumber process, const Endpoint& to, OnDone done) {
    dial_from(host, process, 0, to, std::move(done));
  }
  /// As Dialer::dial_from. Two that dial each other like that get one connection, as TCP has it.
  void dial_from(HostNumber host, ProcessNumber process, std::uint16_t local_port,
                 const Endpoint& to, OnDone done);
  /// From a device in the house of `host`: no router and no cut lies between them.
  void dial_at_home(ProcessNumber process, HostNumber host, std::uint16_t port, OnDone done);

  void set_on_sent(OnSent on_sent) { on_sent_ = std::move(on_sent); }
  [[nodiscard]] Network& network() { return network_; }

 private:
  friend class SimStream;
  struct Listening {
    ProcessNumber process;
    OnStream on_stream;
  };
  struct Attempt;
  struct Side;
  struct Connection;
  void send_syn(const std::shared_ptr<Attempt>& attempt);
  void on_syn(const std::shared_ptr<Attempt>& attempt, const Network::Route& route);
  /// Whoever dials from there to here at this moment.
  [[nodiscard]] std::shared_ptr<Attempt> counterpart(const Network::Route& route) const;
  void open_both(const std::shared_ptr<Attempt>& one, const std::shared_ptr<Attempt>& other);
  void fail(const std::shared_ptr<Attempt>& attempt, Duration after, std::string why);

  Network& network_;
  std::map<std::pair<HostNumber, std::uint16_t>, Listening> listeners_;
  /// Dials from a port of the caller's choice: (host, port, where to).
  std::map<std::tuple<HostNumber, std::uint16_t, Endpoint>, std::weak_ptr<Attempt>> from_ports_;
  OnSent on_sent_;
};

/// The ByteStream port of one end.
class SimStream final : public ByteStream {
 public:
  using Connection = StreamNetwork::Connection;
  SimStream(std::shared_ptr<Connection> connection, int side);
  ~SimStream() override;
  SimStream(const SimStream&) = delete;
  SimStream& operator=(const SimStream&) = delete;

  void set_handler(Handler* handler) override;
  OutputBuffer& output() override { return output_; }
  void flush_soon() override;
  [[nodiscard]] bool write_is_congested() const override;
  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override;
  void close() override;
  [[nodiscard]] Endpoint local_endpoint() const override;
  [[nodiscard]] Endpoint peer_endpoint() const override;

 private:
  friend class StreamNetwork;
  friend struct StreamNetwork::Connection;
  void flush();
  void take_arrived();
  void end(const std::string& why);
  void check_drained();

  std::shared_ptr<Connection> connection_;
  int side_;
  Handler* handler_ = nullptr;
  OutputBuffer output_;
  bool flush_asked_ = false;
  bool is_paused_ = false;
  bool is_closing_ = false;  // close() was called
  bool has_ended_ = false;   // on_closed has been called
  bool was_congested_ = false;
};

/// The Dialer port of one process.
class SimDialer final : public Dialer {
 public:
  SimDialer(StreamNetwork& streams, HostNumber host, ProcessNumber process)
      : streams_(streams), host_(host), process_(process) {}
  void dial(const Endpoint& to, OnDone done) override {
    streams_.dial(host_, process_, to, std::move(done));
  }
  void dial_from(std::uint16_t local_port, const Endpoint& to, OnDone done) override {
    streams_.dial_from(host_, process_, local_port, to, std::move(done));
  }

 private:
  StreamNetwork& streams_;
  HostNumber host_;
  ProcessNumber process_;
};

}  // namespace starling::sim
