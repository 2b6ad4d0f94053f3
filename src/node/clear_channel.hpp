// ClearChannel: a channel that changes nothing and proves nothing, for places that want one where
// there is no encryption. (Plain MQTT does without any channel: see ClientConnection.)
#pragma once

#include "starling/port/channel.hpp"

namespace starling {

class ClearChannel final : public SecureChannel {
 public:
  Result<void> start(OutputBuffer& wire_out) override;
  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) override;
  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) override;
  void close(OutputBuffer& wire_out) override;
  [[nodiscard]] bool established() const override { return true; }
  /// There is no good-bye but the stream's own end.
  [[nodiscard]] bool peer_closed() const override { return false; }
  [[nodiscard]] std::optional<NodeId> peer() const override { return std::nullopt; }
  [[nodiscard]] bool resumed() const override { return false; }
  /// Errors: unsupported, always: nothing is secret here.
  [[nodiscard]] Result<Bytes> export_keying_material(std::string_view label, ByteView context,
                                                     std::size_t size) const override;
  [[nodiscard]] Bytes session_ticket() override { return {}; }
};

}  // namespace starling
