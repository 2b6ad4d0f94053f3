#include "src/portmap/router_news.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>

#include "src/uv/bound_port.hpp"
#include "src/uv/uv_datagram.hpp"

namespace starling {
namespace {

constexpr std::uint16_t news_port = 5350;

/// Other programs of this host listen here too. False: they cannot.
bool share(int fd) {
  const int yes = 1;
  return ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0;
}

/// Bound to the group of all hosts, of which every host is a member: nothing else comes in here.
UniqueFd open_socket() {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in all_hosts{};
  all_hosts.sin_family = AF_INET;
  all_hosts.sin_port = htons(news_port);
  all_hosts.sin_addr.s_addr = htonl(INADDR_ALLHOSTS_GROUP);
  if (fd
      && (!share(fd.get())
          || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&all_hosts), sizeof all_hosts)
                 != 0))
    fd.reset();
  return fd;
}

}  // namespace

bool is_router_news(const Endpoint& from, ByteView datagram) {
  constexpr std::size_t nat_pmp_bytes = 12;
  constexpr std::size_t pcp_bytes = 24;
  constexpr std::uint8_t announcement = 128;  // the answer to an operation 0 that nobody asked for
  if (!from.is_v4() || !from.is_private() || datagram.size() < nat_pmp_bytes) return false;
  if (datagram[1] != announcement) return false;
  return datagram[0] == 0 || (datagram[0] == 2 && datagram.size() >= pcp_bytes);
}

RouterNews::RouterNews(UvLoop& loop, std::function<void()> on_news) : on_news_(std::move(on_news)) {
  UniqueFd fd = open_socket();
  if (!fd) return;
  const UniqueFd same(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  BoundSockets sockets;
  sockets.v4 = std::move(fd);
  try {
    datagram_ = std::make_unique<UvDatagram>(loop, std::move(sockets));
  } catch (const std::runtime_error&) {
    return;  // a convenience, no reason to end
  }
  share(same.get());  // UvDatagram keeps its port for itself; this one is everybody's
  datagram_->set_handler([this](const Endpoint& from, ByteView bytes) {
    if (is_router_news(from, bytes)) on_news_();
  });
}

RouterNews::~RouterNews() = default;

}  // namespace starling
