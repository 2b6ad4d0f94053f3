#include "src/websocket/websocket_layer.hpp"

#include "starling/check.hpp"

#include "src/websocket/http_upgrade.hpp"
#include "src/websocket/websocket_frames.hpp"

namespace starling {

WebSocketLayer::WebSocketLayer(const std::vector<std::string>& origins)
    : upgrade_(std::make_unique<HttpUpgrade>(origins)) {}

WebSocketLayer::~WebSocketLayer() = default;

Result<void> WebSocketLayer::on_wire_bytes(ByteView wire, Bytes& plain_out,
                                           OutputBuffer& wire_out) {
  if (upgrade_) {
    const auto answer = upgrade_->read(wire);
    if (!answer) return {};
    wire_out.append(as_bytes(answer->response));
    if (answer->refusal) return *answer->refusal;
    upgrade_.reset();
    frames_ = std::make_unique<WebSocketFrames>();
  }
  if (!frames_) return {};
  return frames_->read(wire, plain_out, wire_out);
}

Result<void> WebSocketLayer::write_plain(OutputBuffer& plain, OutputBuffer& wire_out) {
  STARLING_CHECK(frames_ != nullptr);
  frames_->write(plain, wire_out);
  return {};
}

void WebSocketLayer::close(OutputBuffer& wire_out) {
  if (frames_) frames_->close(wire_out);
}

bool WebSocketLayer::peer_closed() const {
  return frames_ && frames_->close_received();
}

}  // namespace starling
