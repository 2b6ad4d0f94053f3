// What the tests of src/uv share: a loop that never runs longer than the guard allows, and a
// handler that remembers what a stream told it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>

#include "src/uv/uv_dialer.hpp"
#include "src/uv/uv_listener.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_stream.hpp"

namespace starling::test {

inline const Endpoint loopback_v4 = Endpoint::v4({127, 0, 0, 1}, 0);
inline const Endpoint loopback_v6 = *Endpoint::parse("[::1]:1");

/// How a port's holder is named that is this very program: "unit_uv (pid 812)".
inline std::string ourselves() {
  std::ifstream file("/proc/self/comm");
  std::string name;
  std::getline(file, name);
  return name + " (pid " + std::to_string(::getpid()) + ")";
}

inline Endpoint with_port(Endpoint endpoint, std::uint16_t port) {
  endpoint.port = port;
  return endpoint;
}

struct LoopFixture {
  UvLoop loop;

  /// Runs until somebody calls loop.stop(). The guard is there for tests that would hang.
  void run() {
    bool late = false;
    const WakeId guard = loop.scheduler().wake_at(loop.now() + std::chrono::seconds(20), [&] {
      late = true;
      loop.stop();
    });
    loop.run();
    loop.scheduler().cancel(guard);
    BOOST_REQUIRE_MESSAGE(!late, "the loop was still waiting when the guard ran out");
  }
  /// Runs until `done`, which is asked after every turn.
  void run_until(const std::function<bool()>& done) {
    std::function<void()> ask = [&] {
      if (done()) return loop.stop();
      loop.scheduler().wake_at(loop.now() + std::chrono::milliseconds(1), ask);
    };
    ask();
    run();
  }
};

struct Recorder : ByteStream::Handler {
  explicit Recorder(std::unique_ptr<ByteStream> stream_) : stream(std::move(stream_)) {
    stream->set_handler(this);
  }

  void on_bytes(ByteView bytes) override {
    received += as_text(bytes);
    if (when_bytes) when_bytes();
  }
  void on_writable() override {
    ++writable;
    if (when_writable) when_writable();
  }
  void on_closed(const std::string& reason) override {
    ++closed;
    why = reason;
    if (when_closed) when_closed();
  }
  void send(std::string_view text) {
    stream->output().append(as_bytes(text));
    stream->flush_soon();
  }

  std::unique_ptr<ByteStream> stream;
  std::string received;
  std::string why;
  int writable = 0;
  int closed = 0;
  std::function<void()> when_bytes;
  std::function<void()> when_writable;
  std::function<void()> when_closed;
};

/// Two ends of one connection over loopback.
struct PairFixture : LoopFixture {
  PairFixture() {
    UvListener listener(loop, loopback_v4, [this](std::unique_ptr<ByteStream> stream) {
      server = std::make_unique<Recorder>(std::move(stream));
      if (client) loop.stop();
    });
    UvDialer dialer(loop);
    dialer.dial(listener.local_endpoint(), [this](Result<std::unique_ptr<ByteStream>> result) {
      BOOST_REQUIRE(result.ok());
      client = std::make_unique<Recorder>(std::move(*result));
      if (server) loop.stop();
    });
    run();
  }

  std::unique_ptr<Recorder> client;
  std::unique_ptr<Recorder> server;
};

}  // namespace starling::test
