#include "src/websocket/proxy_header.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace starling {
namespace {

constexpr std::string_view text_signature = "PROXY ";
constexpr std::string_view binary_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t fixed_size = 16;  // signature, version and command, family, length
constexpr std::size_t ipv4_size = 12;   // two addresses, two ports
constexpr std::size_t ipv6_size = 36;

Error malformed(std::string_view what) {
  return {Errc::malformed, "PROXY header: " + std::string(what)};
}

/// Cuts the text at every single space.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto space = line.find(' ');
    words.push_back(line.substr(0, space));
    if (space == std::string_view::npos) return words;
    line = line.substr(space + 1);
  }
}

/// Decimal, no leading zeros, 0 to 65535.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

/// `v6`: which kind it must be.
std::optional<Endpoint> address_of(std::string_view text, bool v6) {
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
    return std::nullopt;
  const std::string port = ":1";
  auto endpoint =
      Endpoint::parse(v6 ? "[" + std::string(text) + "]" + port : std::string(text) + port);
  if (!endpoint || (!v6 && !endpoint->is_v4())) return std::nullopt;
  return endpoint;
}

}  // namespace

Result<bool> ProxyHeader::read(ByteView& bytes) {
  if (bytes.empty()) return false;
  if (version_ == Version::undecided) {
    const bool is_binary = bytes[0] == static_cast<std::uint8_t>(binary_signature[0]);
    version_ = is_binary ? Version::binary : Version::text;
    wanted_ = is_binary ? fixed_size : line_max;
  }
  return version_ == Version::binary ? read_binary(bytes) : read_text(bytes);
}

// --- Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 5000 1883\r\n"

Result<bool> ProxyHeader::read_text(ByteView& bytes) {
  while (!bytes.empty()) {
    const std::uint8_t byte = bytes[0];
    bytes = bytes.subspan(1);
    if (kept_size_ < text_signature.size()
        && byte != static_cast<std::uint8_t>(text_signature[kept_size_]))
      return malformed("the connection does not begin with one");
    kept_[kept_size_++] = byte;
    if (byte == '\n') {
      if (auto parsed = parse_line(); !parsed) return parsed.error();
      return true;
    }
    if (kept_size_ == line_max) return malformed("a line of version 1 that does not end");
  }
  return false;
}

Result<void> ProxyHeader::parse_line() {
  std::string_view line = as_text(kept());
  if (line.size() < 2 || line[line.size() - 2] != '\r')
    return malformed("a line of version 1 without its CR");
  line.remove_suffix(2);
  const auto words = words_of(line);
  // What stands behind UNKNOWN is to be ignored.
  if (words.size() >= 2 && words[1] == "UNKNOWN") return {};
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6"))
    return malformed("a line of version 1 that is not \"PROXY TCP4|TCP6 from to port port\"");
  const bool v6 = words[1] == "TCP6";
  auto from = address_of(words[2], v6);
  const auto to = address_of(words[3], v6);
  const auto from_port = port_of(words[4]);
  const auto to_port = port_of(words[5]);
  if (!from || !to) return malformed("an address of version 1 that is none of its family");
  if (!from_port || !to_port) return malformed("a port of version 1 that is none");
  from->port = *from_port;
  source_ = from;
  return {};
}

// --- Version 2

Result<bool> ProxyHeader::read_binary(ByteView& bytes) {
  while (kept_size_ < wanted_ && !bytes.empty()) {
    const std::uint8_t byte = bytes[0];
    bytes = bytes.subspan(1);
    if (kept_size_ < binary_signature.size()
        && byte != static_cast<std::uint8_t>(binary_signature[kept_size_]))
      return malformed("the connection does not begin with one");
    kept_[kept_size_++] = byte;
    if (kept_size_ == fixed_size && !fixed_part_read_)
      if (auto parsed = parse_fixed_part(); !parsed) return parsed.error();
  }
  if (kept_size_ < wanted_) return false;
  const std::size_t skipped = std::min(skip_, bytes.size());
  bytes = bytes.subspan(skipped);
  skip_ -= skipped;
  if (skip_ > 0) return false;
  parse_addresses();
  return true;
}

Result<void> ProxyHeader::parse_fixed_part() {
  fixed_part_read_ = true;
  const unsigned version = kept_[12] >> 4U;
  const unsigned command = kept_[12] & 0x0FU;
  const unsigned family = kept_[13] >> 4U;
  const unsigned transport = kept_[13] & 0x0FU;
  const std::size_t length = static_cast<std::size_t>(kept_[14]) << 8U | kept_[15];
  if (version != 2) return Error{Errc::unsupported, "PROXY header: neither version 1 nor 2"};
  if (command > 1) return Error{Errc::unsupported, "PROXY header: an unknown command"};
  if (family > 3 || transport > 2)
    return Error{Errc::unsupported, "PROXY header: an unknown family or transport"};

  // LOCAL, families without an IP address, and what is not a stream: the connection speaks for
  // itself.
  std::size_t addresses = 0;
  if (command == 1 && transport == 1 && family == 1) addresses = ipv4_size;
  if (command == 1 && transport == 1 && family == 2) addresses = ipv6_size;
  if (length < addresses) return malformed("version 2 is too short for its addresses");
  wanted_ = fixed_size + addresses;
  skip_ = length - addresses;
  return {};
}

void ProxyHeader::parse_addresses() {
  const ByteView addresses = kept().subspan(fixed_size);
  if (addresses.empty()) return;
  ByteReader reader(addresses);
  Endpoint from;
  if (addresses.size() == ipv4_size) {
    std::array<std::uint8_t, 4> v4{};
    const ByteView bytes = reader.read_bytes(v4.size());
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    reader.read_bytes(v4.size());  // the proxy's own
    from = Endpoint::v4(v4, reader.read_u16());
  } else {
    const ByteView bytes = reader.read_bytes(from.address.size());
    std::copy(bytes.begin(), bytes.end(), from.address.begin());
    reader.read_bytes(from.address.size());
    from.port = reader.read_u16();
  }
  source_ = from;
}

}  // namespace starling
