// UvStream: the ByteStream port on a TCP or Unix socket. Output is collected during a turn and leaves in
// one gathered write at its end; input is read into the loop's shared buffer. An idle stream owns
// no buffer.
#pragma once

#include <memory>

#include "starling/port/stream.hpp"

#include "src/uv/stream_options.hpp"
#include "src/uv/unique_fd.hpp"

namespace starling {

class UvLoop;

/// Reading begins with set_handler(). on_closed() and on_writable() come from the loop, never from
/// inside a call of this class.
///
/// How a stream ends: the peer ends it (on_closed with an empty reason; what is still to be sent is
/// sent for up to limits::close_flush_max in the background), the connection breaks (the system's
/// words), close() has sent everything ("closed here"), or close() could not within
/// limits::close_flush_max (says so).
/// A stream that is destroyed after close() still sends what is left, within the same time.
class UvStream final : public ByteStream {
 public:
  /// Takes a connected socket. Refused (nullptr) only if the kernel refuses the descriptor.
  /// A Unix socket has a zero `peer`.
  static std::unique_ptr<UvStream> adopt(UvLoop& loop, UniqueFd socket, const Endpoint& peer,
                                         StreamOptions options = {});
  ~UvStream() override;

  void set_handler(Handler* handler) override;
  OutputBuffer& output() override;
  void flush_soon() override;
  [[nodiscard]] bool write_is_congested() const override;
  void pause_reading() override;
  void resume_reading() override;
  void close() override;
  [[nodiscard]] Endpoint local_endpoint() const override;
  [[nodiscard]] Endpoint peer_endpoint() const override;

 private:
  class Core;
  explicit UvStream(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
};

}  // namespace starling
