// ControlServer: the connections of the control socket. One line is a request, one line its answer;
// a connection may ask again, and is heard one request at a time. Sans-I/O: streams come from
// whoever listens, the time from a scheduler.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "src/control/control_request.hpp"

namespace starling::control {

class ControlServer {
 public:
  /// Takes the answer, one line of JSON without its end. To be called once, now or later; nothing
  /// happens if who asked, or the server, has gone meanwhile.
  using Reply = std::function<void(std::string)>;
  using Handler = std::function<void(const ControlRequest&, Reply)>;

  /// The scheduler outlives it.
  ControlServer(Scheduler& scheduler, Handler handler);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Somebody has connected. Beyond connections_max they are told so and closed.
  void add(std::unique_ptr<ByteStream> stream);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  class Connection;

  [[nodiscard]] Reply reply_for(std::uint64_t connection);

  Scheduler& scheduler_;
  Handler handler_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::shared_ptr<ControlServer*> self_;  // for replies that outlive the server
};

}  // namespace starling::control
