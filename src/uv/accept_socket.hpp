// AcceptSocket: one listening socket, TCP or Unix, watched by the loop. Inside this room only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <uv.h>

#include "starling/port/log.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

#include "src/uv/stream_options.hpp"
#include "src/uv/unique_fd.hpp"
#include "src/uv/uv_core.hpp"

namespace starling {

class UvLoop;

/// Watched by uv_poll, not uv_listen: libuv accepts and drops connections when descriptors run out,
/// and cannot be told to rest.
class AcceptSocket final : public UvCore {
 public:
  using OnStream = Listener::OnStream;

  /// `name`: for the log.
  AcceptSocket(UvLoop& loop, UniqueFd socket, std::string name,
               std::shared_ptr<const OnStream> on_stream, LogSink* log, StreamOptions options);

  /// Throws std::runtime_error.
  void open();
  /// Nobody is called any more.
  void close();
  void abandon() override { close_handle(); }

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  void watch();
  void accept_some();
  void rest(int error);

  UvLoop& loop_;
  UniqueFd socket_;
  std::string name_;
  std::shared_ptr<const OnStream> on_stream_;
  LogSink* log_;
  StreamOptions options_;
  uv_poll_t poll_{};
  WakeId wake_;
  bool was_resting_ = false;  // nothing has been accepted since the last rest
  TimePoint quiet_until_{};   // no word about rests before
};

}  // namespace starling
