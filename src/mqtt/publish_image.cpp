#include "src/mqtt/publish_image.hpp"

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/mqtt/write_packet.hpp"

namespace starling::mqtt {

void PublishImage::encode(Publish plain, const SharedBytes& payload, ProtocolVersion version) {
  plain.payload = payload.view();
  plain.dup = false;
  if (plain.qos != QoS::at_most_once) plain.packet_id = 0xFFFF;  // any but 0: patched by append_to
  copied_.clear();
  payload_size_ = payload.size();
  const std::size_t size = encoded_size(plain, version);
  if (size > limits::packet_size_max) {
    head_ = {size - payload_size_, 0};
    shared_ = {};
    return;
  }
  head_ = write_publish_head(plain, version, copied_);
  const bool is_shared = payload_size_ >= OutputBuffer::share_from;
  shared_ = is_shared ? payload : SharedBytes{};
  if (!is_shared) append(copied_, payload.view());
}

void PublishImage::append_to(OutputBuffer& out, QoS qos, bool retain, bool dup,
                             std::uint16_t packet_id) const {
  const bool has_id = qos != QoS::at_most_once;
  STARLING_CHECK(!copied_.empty());
  STARLING_CHECK(has_id == (head_.packet_id_at != 0) && has_id == (packet_id != 0));
  STARLING_CHECK(has_id || !dup);
  Bytes& tail = out.tail();
  const std::size_t begin = tail.size();
  append(tail, copied_);
  tail[begin] = publish_first_byte(qos, retain, dup);
  if (has_id) {
    tail[begin + head_.packet_id_at] = static_cast<std::uint8_t>(packet_id >> 8U);
    tail[begin + head_.packet_id_at + 1] = static_cast<std::uint8_t>(packet_id);
  }
  if (!shared_.empty()) out.append(shared_);
}

}  // namespace starling::mqtt
