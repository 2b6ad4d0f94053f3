// WebSocketFrames: what follows the upgrade [RFC 6455 §5-7], server side. libwslay takes frames
// apart and unmasks them; here is what they mean.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/output_buffer.hpp"
#include "starling/result.hpp"

struct wslay_frame_context;
struct wslay_frame_iocb;

namespace starling {

class WebSocketFrames {
 public:
  WebSocketFrames();
  ~WebSocketFrames();
  WebSocketFrames(const WebSocketFrames&) = delete;
  WebSocketFrames& operator=(const WebSocketFrames&) = delete;

  /// Appends the contents of binary messages to `plain_out` as they come, pongs and close frames to
  /// `wire_out`. After an error, or once closed, nothing is read any more.
  Result<void> read(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out);
  /// Consumes all of `plain`, whole MQTT packets, one message each: clients must not rely on that
  /// [MQTT-6.0.0-4], and some do. Dropped after a close frame of ours.
  void write(OutputBuffer& plain, OutputBuffer& wire_out);
  void close(OutputBuffer& wire_out);

  [[nodiscard]] bool close_received() const { return close_received_; }

 private:
  struct Free {
    void operator()(wslay_frame_context* context) const;
  };

  Result<void> take(const wslay_frame_iocb& part, Bytes& plain_out);
  Result<void> begin_frame(const wslay_frame_iocb& part);
  Result<void> on_control_frame(std::uint8_t opcode);
  Result<void> on_close_frame();
  /// Sends a close frame with this status [RFC 6455 §7.4.1].
  Error fail(std::uint16_t status, Errc code, std::string_view why);
  void send_close(ByteView body);
  /// One part of a frame with `frame_size` bytes in all; the first part brings the header along.
  void send(std::uint8_t opcode, std::size_t frame_size, ByteView part);

  std::unique_ptr<wslay_frame_context, Free> context_;
  ByteView input_;                  // during read(): what wslay has not fetched yet
  OutputBuffer* output_ = nullptr;  // during a call
  std::uint64_t frame_left_ = 0;    // bytes of the frame under way
  std::uint64_t message_size_ = 0;
  Bytes control_;  // of the control frame under way, <= 125 bytes
  bool in_frame_ = false;
  bool in_message_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
};

}  // namespace starling
