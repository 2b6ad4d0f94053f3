#include "src/uv/port_holder.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

namespace starling {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "0100007F:075B" of proc(5): words of 32 bits as they lie in memory, written as numbers of this
/// machine.
std::optional<Endpoint> parse_entry(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  const auto port = hexadecimal(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t word = 0; word < colon / 8; ++word) {
    const auto value = hexadecimal(text.substr(word * 8, 8));
    if (!value) return std::nullopt;
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&*value), 4,
                bytes.begin() + static_cast<std::ptrdiff_t>(word * 4));
  }
  const auto number = static_cast<std::uint16_t>(*port);
  if (colon == 8) return Endpoint::v4({bytes[0], bytes[1], bytes[2], bytes[3]}, number);
  Endpoint endpoint;
  endpoint.address = bytes;
  endpoint.port = number;
  return endpoint;
}

bool stands_in_the_way(const Endpoint& there, const Endpoint& wanted) {
  if (there.port != wanted.port) return false;
  return there.address == wanted.address || there.is_unspecified() || wanted.is_unspecified();
}

/// Links of /proc/PID/fd to the sockets of one table that stand in the way.
void collect_sockets(const char* table, std::string_view state_wanted, const Endpoint& wanted,
                     std::set<std::string>& sockets) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout
        >> inode;
    const auto there = parse_entry(local);
    if (state == state_wanted && there && stands_in_the_way(*there, wanted))
      sockets.insert("socket:[" + inode + "]");
  }
}

bool holds_any(const fs::path& process, const std::set<std::string>& sockets) {
  std::error_code error;
  for (fs::directory_iterator open(process / "fd", error), end; !error && open != end;
       open.increment(error)) {
    std::error_code gone;
    if (sockets.contains(fs::read_symlink(open->path(), gone).string())) return true;
  }
  return false;
}

}  // namespace

std::string holder_of(PortUse use, const Endpoint& at) {
  std::set<std::string> sockets;
  if (use == PortUse::udp) {
    constexpr std::string_view bound = "07";
    collect_sockets("/proc/net/udp", bound, at, sockets);
    collect_sockets("/proc/net/udp6", bound, at, sockets);
  } else {
    constexpr std::string_view listening = "0A";
    collect_sockets("/proc/net/tcp", listening, at, sockets);
    collect_sockets("/proc/net/tcp6", listening, at, sockets);
  }
  if (sockets.empty()) return {};
  std::error_code error;
  for (fs::directory_iterator all("/proc", error), end; !error && all != end;
       all.increment(error)) {
    const std::string process = all->path().filename().string();
    if (process.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_any(all->path(), sockets)) continue;
    std::ifstream file(all->path() / "comm");
    std::string name;
    std::getline(file, name);
    return name + " (pid " + process + ")";
  }
  return {};
}

}  // namespace starling
