#include "src/websocket/websocket_frames.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <wslay/wslay.h>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::uint16_t normal_closure = 1000;
constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t unsupported_data = 1003;
constexpr std::uint16_t message_too_big = 1009;

bool is_control(std::uint8_t opcode) {
  return (opcode & 0x08U) != 0;
}

/// What may stand in a close frame: 1004 to 1006 and 1015 must not [RFC 6455 §7.4].
bool is_close_status(unsigned status) {
  return (status >= 1000 && status <= 1014 && (status < 1004 || status > 1006))
         || (status >= 3000 && status <= 4999);
}

/// Bytes of the MQTT packet `plain` begins with [MQTT-2.2.3]; all of them if it holds no more.
std::size_t first_packet_size(const OutputBuffer& plain) {
  std::array<ByteView, 8> views;
  const std::size_t count = plain.gather(views);
  std::size_t position = 0;
  std::size_t body = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::uint8_t byte : views[i]) {
      if (position > 0) body |= (byte & std::size_t{0x7F}) << (7 * (position - 1));
      ++position;
      if (position > 1 && (byte & 0x80U) == 0) return std::min(position + body, plain.size());
      if (position == 5) return plain.size();
    }
  }
  return plain.size();
}

std::array<std::uint8_t, 2> body_of(std::uint16_t status) {
  return {static_cast<std::uint8_t>(status >> 8U), static_cast<std::uint8_t>(status)};
}

}  // namespace

void WebSocketFrames::Free::operator()(wslay_frame_context* context) const {
  wslay_frame_context_free(context);
}

WebSocketFrames::WebSocketFrames() {
  wslay_frame_callbacks callbacks{};
  callbacks.recv_callback = [](std::uint8_t* to, std::size_t size, int, void* self) -> ssize_t {
    ByteView& input = static_cast<WebSocketFrames*>(self)->input_;
    const std::size_t count = std::min(size, input.size());
    if (count == 0) return -1;  // to wslay: nothing there now
    std::memcpy(to, input.data(), count);
    input = input.subspan(count);
    return static_cast<ssize_t>(count);
  };
  callbacks.send_callback = [](const std::uint8_t* from, std::size_t size, int,
                               void* self) -> ssize_t {
    static_cast<WebSocketFrames*>(self)->output_->append(ByteView{from, size});
    return static_cast<ssize_t>(size);
  };
  wslay_frame_context* context = nullptr;
  if (wslay_frame_context_init(&context, &callbacks, this) != 0) throw std::bad_alloc();
  context_.reset(context);
}

WebSocketFrames::~WebSocketFrames() = default;

// --- In

Result<void> WebSocketFrames::read(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) {
  input_ = wire;
  output_ = &wire_out;
  while (!close_received_ && !close_sent_) {
    wslay_frame_iocb part{};
    const ssize_t size = wslay_frame_recv(context_.get(), &part);
    if (size == WSLAY_ERR_WANT_READ) break;
    if (size < 0) return fail(protocol_error, Errc::malformed, "a frame that breaks the rules");
    if (auto taken = take(part, plain_out); !taken) return taken;
  }
  input_ = {};
  return {};
}

Result<void> WebSocketFrames::take(const wslay_frame_iocb& part, Bytes& plain_out) {
  if (!in_frame_) {
    if (auto begun = begin_frame(part); !begun) return begun;
    in_frame_ = true;
    frame_left_ = part.payload_length;
  }
  const ByteView bytes{part.data, part.data_length};
  frame_left_ -= bytes.size();
  append(is_control(part.opcode) ? control_ : plain_out, bytes);
  if (frame_left_ > 0) return {};

  in_frame_ = false;
  if (is_control(part.opcode)) return on_control_frame(part.opcode);
  if (part.fin != 0) in_message_ = false;
  return {};
}

Result<void> WebSocketFrames::begin_frame(const wslay_frame_iocb& part) {
  if (part.rsv != 0)
    return fail(protocol_error, Errc::malformed, "a reserved bit is set, no extension was agreed");
  if (part.mask == 0)
    return fail(protocol_error, Errc::malformed, "a client's frame without a mask");
  switch (part.opcode) {
    case WSLAY_CONTINUATION_FRAME:
      if (!in_message_)
        return fail(protocol_error, Errc::protocol_error, "a continuation of nothing");
      break;
    case WSLAY_TEXT_FRAME:
      return fail(unsupported_data, Errc::protocol_error,
                  "a text frame [MQTT-6.0.0-1] [MQTT5-6.0.0-1]");
    case WSLAY_BINARY_FRAME:
      if (in_message_)
        return fail(protocol_error, Errc::protocol_error, "a message inside a message");
      in_message_ = true;
      message_size_ = 0;
      break;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
      control_.clear();
      return {};
    default:
      return fail(protocol_error, Errc::malformed, "an unknown kind of frame");
  }
  if (part.payload_length > limits::websocket_message_max - message_size_)
    return fail(message_too_big, Errc::too_large, "a message that is too large");
  message_size_ += part.payload_length;
  return {};
}

Result<void> WebSocketFrames::on_control_frame(std::uint8_t opcode) {
  if (opcode == WSLAY_CONNECTION_CLOSE) return on_close_frame();
  if (opcode == WSLAY_PING) send(WSLAY_PONG, control_.size(), control_);
  return {};
}

Result<void> WebSocketFrames::on_close_frame() {
  if (control_.size() == 1)
    return fail(protocol_error, Errc::malformed, "a close frame with half a status");
  if (control_.size() >= 2
      && !is_close_status(static_cast<unsigned>(control_[0]) << 8U | control_[1]))
    return fail(protocol_error, Errc::malformed, "a close frame with a status that must not be");
  close_received_ = true;
  send_close(ByteView(control_).first(std::min<std::size_t>(control_.size(), 2)));
  return {};
}

// --- Out

void WebSocketFrames::write(OutputBuffer& plain, OutputBuffer& wire_out) {
  output_ = &wire_out;
  if (close_sent_) return plain.clear();
  std::array<ByteView, 16> views;
  while (!plain.empty()) {
    const std::size_t size = first_packet_size(plain);
    std::size_t left = size;
    while (left > 0) {
      const std::size_t count = plain.gather(views);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count && left > 0; ++i) {
        const ByteView part = views[i].first(std::min(views[i].size(), left));
        send(WSLAY_BINARY_FRAME, size, part);
        left -= part.size();
        taken += part.size();
      }
      plain.consume(taken);
    }
  }
}

void WebSocketFrames::close(OutputBuffer& wire_out) {
  output_ = &wire_out;
  send_close(body_of(normal_closure));
}

Error WebSocketFrames::fail(std::uint16_t status, Errc code, std::string_view why) {
  send_close(body_of(status));
  return {code, "WebSocket: " + std::string(why)};
}

void WebSocketFrames::send_close(ByteView body) {
  if (std::exchange(close_sent_, true)) return;
  send(WSLAY_CONNECTION_CLOSE, body.size(), body);
}

void WebSocketFrames::send(std::uint8_t opcode, std::size_t frame_size, ByteView part) {
  wslay_frame_iocb frame{};
  frame.fin = 1;
  frame.opcode = opcode;
  frame.payload_length = frame_size;
  frame.data = part.data();
  frame.data_length = part.size();
  // Our callback takes everything, so a frame never stays half sent.
  const ssize_t sent = wslay_frame_send(context_.get(), &frame);
  STARLING_CHECK(sent == static_cast<ssize_t>(part.size()));
}

}  // namespace starling
