// "TLS" for tests: an envelope that is easy to see through. The client opens with 'H', every byte
// after that is turned over; the server answers 'h' to the opening and says good-bye with '.'.
#pragma once

#include <memory>
#include <utility>

#include "starling/port/channel.hpp"

namespace starling::test {

inline Bytes turned(ByteView bytes) {
  Bytes all;
  for (const std::uint8_t byte : bytes) all.push_back(static_cast<std::uint8_t>(~byte));
  return all;
}

class FakeChannel final : public SecureChannel {
 public:
  explicit FakeChannel(std::optional<TlsIdentity> identity) : identity_(std::move(identity)) {}

  Result<void> start(OutputBuffer&) override { return {}; }
  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) override {
    if (wire.empty()) return {};
    if (!established_) {
      if (wire[0] != 'H') {
        wire_out.append(as_bytes("alert"));
        return Error{Errc::malformed, "not our TLS"};
      }
      established_ = true;
      wire_out.append(as_bytes("h"));
      wire = wire.subspan(1);
    }
    append(plain_out, turned(wire));
    return {};
  }
  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) override {
    ByteView views[8];
    while (!plain.empty()) {
      const std::size_t count = plain.gather(views);
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) {
        wire_out.append(ByteView(turned(views[i])));
        size += views[i].size();
      }
      plain.consume(size);
    }
    return {};
  }
  void close(OutputBuffer& wire_out) override { wire_out.append(as_bytes(".")); }
  [[nodiscard]] bool established() const override { return established_; }
  [[nodiscard]] bool peer_closed() const override { return false; }
  [[nodiscard]] std::optional<TlsIdentity> identity() const override { return identity_; }
  [[nodiscard]] std::optional<NodeId> peer() const override { return std::nullopt; }
  [[nodiscard]] bool resumed() const override { return false; }
  [[nodiscard]] Result<Bytes> export_keying_material(std::string_view, ByteView,
                                                     std::size_t) const override {
    return Error{Errc::unsupported, "nothing is secret here"};
  }
  [[nodiscard]] Bytes session_ticket() override { return {}; }

 private:
  std::optional<TlsIdentity> identity_;
  bool established_ = false;
};

class FakeChannels final : public ServerChannels {
 public:
  std::unique_ptr<SecureChannel> make_server() override {
    return std::make_unique<FakeChannel>(identity);
  }
  std::optional<TlsIdentity> identity;
};

}  // namespace starling::test
