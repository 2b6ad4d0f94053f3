// Reads packets and writes them again, for codecs of other hands to compare with: one line in, one line out.
//   in:  <version 3|4|5> <c|s: who sends it> <the packet in hex>
//   out: "ok <the same packet, written by us, in hex>", "no <reason code in hex> <what>", "part" (not whole)
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "starling/bytes.hpp"

#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"

using namespace starling;

namespace {

constexpr std::size_t packet_size_max = 1'000'000;  // bytes; above what the tests make

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string refusal(const mqtt::PacketError& error) {
  char code[8];
  std::snprintf(code, sizeof code, "%02x", static_cast<unsigned>(error.reason));
  return std::string("no ") + code + " " + error.what;
}

/// The packet's answer line.
std::string answer(const Bytes& bytes, mqtt::ReadContext context) {
  std::string line = "part";
  mqtt::FrameReader frames(packet_size_max);
  const auto read = frames.read(bytes, [&](const mqtt::Frame& frame) {
    const auto packet = mqtt::read_packet(frame, context);
    if (!packet) {
      line = refusal(packet.error());
      return mqtt::Reading::stop;
    }
    mqtt::ProtocolVersion version = context.version;
    if (const auto* connect = std::get_if<mqtt::Connect>(&*packet)) version = connect->version;
    Bytes again;
    mqtt::write(*packet, version, again);
    line = again.size() == mqtt::encoded_size(*packet, version) ? "ok " : "wrong size ";
    for (const std::uint8_t byte : again) {
      constexpr char digits[] = "0123456789abcdef";
      line += {digits[byte >> 4U], digits[byte & 15U]};
    }
    return mqtt::Reading::stop;
  });
  return read ? line : refusal(read.error());
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    int version = 5;
    char sender = 'c';
    std::string hex;
    words >> version >> sender >> hex;
    const mqtt::ReadContext context{static_cast<mqtt::ProtocolVersion>(version),
                                    sender == 's' ? mqtt::Sender::server : mqtt::Sender::client};
    std::cout << answer(from_hex(hex), context) << "\n";
  }
}
