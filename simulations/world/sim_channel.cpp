#include "simulations/world/sim_channel.hpp"

#include <algorithm>

#include "src/crypto/hash.hpp"

namespace starling::sim {
namespace {

// Bytes of the flights, as measured with Ed25519 certificates: ClientHello; ServerHello to
// Finished; the client's certificate to Finished. With a ticket there are no certificates.
constexpr std::size_t hello_size = 320;
constexpr std::size_t server_flight_size = 900;
constexpr std::size_t server_resumed_size = 260;
constexpr std::size_t client_flight_size = 700;
constexpr std::size_t client_resumed_size = 80;
constexpr std::size_t head_size = 65;  // resumed?, NodeId, random
static_assert(head_size <= client_resumed_size);

class SimChannel final : public SecureChannel {
 public:
  SimChannel(const NodeId& own, Random& random, bool is_client, bool has_ticket)
      : own_(own), is_client_(is_client), resumes_(has_ticket) {
    random.fill(own_random_);
  }

  Result<void> start(OutputBuffer& wire_out) override {
    if (is_client_) send_flight(wire_out, hello_size);
    return {};
  }

  Result<void> on_wire_bytes(ByteView wire, Bytes& plain_out, OutputBuffer& wire_out) override {
    while (!established_ && !wire.empty()) {
      const std::size_t size = expected();
      const std::size_t part = std::min(size - flight_.size(), wire.size());
      append(flight_, wire.first(part));
      wire = wire.subspan(part);
      if (flight_.size() < size) return {};
      if (auto read = on_flight(wire_out); !read) return read;
      flight_.clear();
    }
    append(plain_out, wire);
    return {};
  }

  Result<void> write_plain(OutputBuffer& plain, OutputBuffer& wire_out) override {
    ByteView views[16];
    while (!plain.empty()) {
      const std::size_t count = plain.gather(views);
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) {
        wire_out.append(views[i]);
        size += views[i].size();
      }
      plain.consume(size);
    }
    return {};
  }

  void close(OutputBuffer&) override {}
  [[nodiscard]] bool established() const override { return established_; }
  [[nodiscard]] bool peer_closed() const override { return false; }
  [[nodiscard]] std::optional<NodeId> peer() const override { return peer_; }
  [[nodiscard]] bool resumed() const override { return resumes_; }

  [[nodiscard]] Result<Bytes> export_keying_material(std::string_view label, ByteView context,
                                                     std::size_t size) const override {
    Bytes text;
    append(text, as_bytes(label));
    append(text, is_client_ ? own_random_ : peer_random_);
    append(text, is_client_ ? peer_random_ : own_random_);
    append(text, context);
    Bytes material;
    while (material.size() < size) {
      const auto block = crypto::sha256(text);
      append(material, block);
      append(text, block);
    }
    material.resize(size);
    return material;
  }

  [[nodiscard]] Bytes session_ticket() override {
    if (!is_client_ || !peer_) return {};
    return {peer_->bytes.begin(), peer_->bytes.end()};
  }

 private:
  // What is read next. The server answers as it is asked: with or without certificates.
  [[nodiscard]] std::size_t expected() const {
    if (is_client_) return resumes_ ? server_resumed_size : server_flight_size;
    if (!has_answered_) return hello_size;
    return resumes_ ? client_resumed_size : client_flight_size;
  }

  void send_flight(OutputBuffer& out, std::size_t size) {
    Bytes flight;
    flight.reserve(size);
    flight.push_back(resumes_ ? 1 : 0);
    append(flight, own_.bytes);
    append(flight, own_random_);
    flight.resize(size);
    out.append(flight);
  }

  Result<void> on_flight(OutputBuffer& out) {
    ByteReader reader(flight_);
    const bool resumes = reader.read_u8() != 0;
    NodeId claimed;
    const ByteView id = reader.read_bytes(claimed.bytes.size());
    std::copy(id.begin(), id.end(), claimed.bytes.begin());
    const ByteView random = reader.read_bytes(peer_random_.size());
    std::copy(random.begin(), random.end(), peer_random_.begin());
    if (is_client_) {
      peer_ = claimed;
      established_ = true;
      send_flight(out, resumes_ ? client_resumed_size : client_flight_size);
    } else if (!has_answered_) {
      resumes_ = resumes;
      has_answered_ = true;
      send_flight(out, resumes_ ? server_resumed_size : server_flight_size);
    } else {
      peer_ = claimed;
      established_ = true;
    }
    return {};
  }

  NodeId own_;
  bool is_client_;
  bool resumes_;
  bool has_answered_ = false;
  bool established_ = false;
  std::array<std::uint8_t, 32> own_random_{};
  std::array<std::uint8_t, 32> peer_random_{};
  std::optional<NodeId> peer_;
  Bytes flight_;
};

}  // namespace

std::unique_ptr<SecureChannel> SimLinkChannels::make_client(ByteView ticket) {
  return std::make_unique<SimChannel>(own_, random_, true, !ticket.empty());
}
std::unique_ptr<SecureChannel> SimLinkChannels::make_server() {
  return std::make_unique<SimChannel>(own_, random_, false, false);
}

}  // namespace starling::sim
