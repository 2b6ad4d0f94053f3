#include "src/uv/port_holder.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>

namespace starling {
namespace {

namespace fs = std::filesystem;

/// Inodes of the sockets that listen at `port`, of one table: proc(5).
void collect_listeners(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr std::string_view listening = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout
        >> inode;
    const std::size_t colon = local.rfind(':');
    if (state != listening || colon == std::string::npos) continue;
    unsigned found = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
    if (found == port) inodes.insert("socket:[" + inode + "]");
  }
}

bool holds_any(const fs::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (fs::directory_iterator open(process / "fd", error), end; !error && open != end;
       open.increment(error)) {
    std::error_code gone;
    if (inodes.contains(fs::read_symlink(open->path(), gone).string())) return true;
  }
  return false;
}

}  // namespace

std::string holder_of_tcp_port(std::uint16_t port) {
  std::set<std::string> inodes;
  collect_listeners("/proc/net/tcp", port, inodes);
  collect_listeners("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return {};
  std::error_code error;
  for (fs::directory_iterator all("/proc", error), end; !error && all != end;
       all.increment(error)) {
    const std::string process = all->path().filename().string();
    if (process.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_any(all->path(), inodes)) continue;
    std::ifstream file(all->path() / "comm");
    std::string name;
    std::getline(file, name);
    return name + " (pid " + process + ")";
  }
  return {};
}

}  // namespace starling
