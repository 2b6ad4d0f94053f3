// What the tests of the simulator's parts share: an agenda, a network and streams without any node.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simulations/world/network.hpp"
#include "simulations/world/sim_stream.hpp"

namespace starling::sim::test {

using namespace std::chrono_literals;

struct Parts {
  Agenda agenda{1};
  Network network{agenda, 1};
  StreamNetwork streams{network};

  void run_for(Duration span) {
    const TimePoint until = agenda.now() + span;
    agenda.end_turn();
    while (agenda.run_next(until)) {
    }
  }
  [[nodiscard]] Duration passed() const { return agenda.now() - Agenda::beginning; }
  HostNumber add_host(SiteNumber site = internet, const std::string& region = "world",
                      const Line& line = {}) {
    return network.add_host(site, network.region(region), {}, line);
  }
};

/// A program on a host that sends datagrams and remembers those that come.
class Program {
 public:
  struct Heard {
    Endpoint from;
    std::string text;
    Duration at;
  };
  static constexpr std::uint16_t port = 5'000;

  Program(Parts& parts, HostNumber host)
      : parts_(parts),
        scheduler_(parts.agenda, host),
        socket_(parts.network, host, port, scheduler_.process()) {
    socket_.set_handler([this](const Endpoint& from, ByteView bytes) {
      heard.push_back({from, std::string(as_text(bytes)), parts_.passed()});
      if (answers) socket_.send(from, as_bytes("answer"));
    });
  }
  void send(const Endpoint& to, std::string_view text = "hello") {
    socket_.send(to, as_bytes(text));
  }
  [[nodiscard]] Endpoint endpoint() const { return *socket_.local_v4(); }
  [[nodiscard]] HostNumber host() const { return scheduler_.host(); }
  [[nodiscard]] SimScheduler& scheduler() { return scheduler_; }

  std::vector<Heard> heard;
  bool answers = false;

 private:
  Parts& parts_;
  SimScheduler scheduler_;
  SimDatagram socket_;
};

/// One end of a connection, and what was heard from it.
class End final : public ByteStream::Handler {
 public:
  explicit End(std::unique_ptr<ByteStream> made) : stream(std::move(made)) {
    stream->set_handler(this);
  }
  void on_bytes(ByteView bytes) override {
    text += as_text(bytes);
    if (on_heard) on_heard();
  }
  void on_writable() override { ++writable; }
  void on_closed(const std::string& why) override { closed.push_back(why); }
  void write(std::string_view what) {
    stream->output().append(as_bytes(what));
    stream->flush_soon();
  }

  std::unique_ptr<ByteStream> stream;
  std::string text;
  int writable = 0;
  std::vector<std::string> closed;
  std::function<void()> on_heard;
};

/// A program that listens on `port`, and one that dials.
struct Connected {
  static constexpr std::uint16_t port = 1'883;

  Connected(Parts& of, HostNumber client_host, HostNumber server_host)
      : parts(of),
        client_side(std::make_unique<SimScheduler>(of.agenda, client_host)),
        server_side(std::make_unique<SimScheduler>(of.agenda, server_host)) {
    parts.streams.listen(server_host, port, server_side->process(),
                         [this](std::unique_ptr<ByteStream> stream) {
                           server = std::make_unique<End>(std::move(stream));
                         });
  }
  ~Connected() { parts.streams.stop_listening(server_side->host(), port); }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

  void dial() { dial_at(parts.network.address(server_side->host())); }
  void dial_at(Endpoint at) {
    at.port = port;
    parts.streams.dial(client_side->host(), client_side->process(), at, on_done());
  }
  Dialer::OnDone on_done() {
    return [this](Result<std::unique_ptr<ByteStream>> made) {
      ++dials_done;
      dialled_at = parts.passed();
      if (made)
        client = std::make_unique<End>(std::move(made).value());
      else
        error = made.error().what;
    };
  }
  /// Dialled and there.
  Connected& up() {
    dial();
    parts.run_for(5s);
    return *this;
  }

  Parts& parts;
  std::unique_ptr<SimScheduler> client_side;
  std::unique_ptr<SimScheduler> server_side;
  std::unique_ptr<End> client;
  std::unique_ptr<End> server;
  int dials_done = 0;
  Duration dialled_at{};
  std::string error;
};

}  // namespace starling::sim::test
