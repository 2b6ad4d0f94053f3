#include "src/uv/uv_multicast.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "src/uv/socket_address.hpp"
#include "src/uv/unique_fd.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"

namespace starling {
namespace {

template <class Value>
void set_option(int fd, int level, int name, const Value& value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0)
    throw std::system_error(errno, std::generic_category());
}

/// With the interface, as addresses of link-local scope need it.
SocketAddress scoped(const Endpoint& endpoint, unsigned interface) {
  SocketAddress address(endpoint);
  if (!endpoint.is_v4()) reinterpret_cast<sockaddr_in6*>(address.get())->sin6_scope_id = interface;
  return address;
}

UniqueFd open_socket(const Endpoint& bound, unsigned interface, bool shared) {
  const int family = bound.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw std::system_error(errno, std::generic_category());
  if (family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (shared) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const SocketAddress address = scoped(bound, interface);
  if (::bind(fd.get(), address.get(), address.size()) != 0)
    throw std::system_error(errno, std::generic_category());
  return fd;
}

/// Bound to the group, not to any address: what is sent to this host alone does not come in, from
/// wherever it is.
UniqueFd open_receiver(const Endpoint& group, const MulticastFace& face) {
  UniqueFd fd = open_socket(group, face.interface, true);
  if (group.is_v4()) {
    // Only what comes by this interface, not what other sockets of this host have joined for.
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, 0);
    ip_mreqn join{};
    std::memcpy(&join.imr_multiaddr, group.address.data() + 12, 4);
    join.imr_ifindex = static_cast<int>(face.interface);
    set_option(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, join);
  } else {
    ipv6_mreq join{};
    std::memcpy(&join.ipv6mr_multiaddr, group.address.data(), 16);
    join.ipv6mr_interface = face.interface;
    set_option(fd.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, join);
  }
  return fd;
}

/// Bound to the face's own address, which is where the others are to dial.
UniqueFd open_sender(const MulticastFace& face) {
  UniqueFd fd = open_socket(face.address, face.interface, false);
  const int interface = static_cast<int>(face.interface);
  if (face.address.is_v4()) {
    ip_mreqn out{};
    out.imr_ifindex = interface;
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, out);
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, 1);
    set_option(fd.get(), IPPROTO_IP, IP_MULTICAST_LOOP, 1);
  } else {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, interface);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
    set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
  }
  return fd;
}

}  // namespace

std::vector<MulticastFace> multicast_faces() {
  std::vector<MulticastFace> faces;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return faces;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    constexpr unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
    constexpr unsigned unwanted = IFF_LOOPBACK | IFF_POINTOPOINT;
    if (each->ifa_addr == nullptr || (each->ifa_flags & (wanted | unwanted)) != wanted) continue;
    const int family = each->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    MulticastFace face{::if_nametoindex(each->ifa_name), endpoint_of(*each->ifa_addr),
                       each->ifa_name};
    face.address.port = 0;
    if (face.interface != 0) faces.push_back(std::move(face));
  }
  ::freeifaddrs(all);
  std::sort(faces.begin(), faces.end());
  return faces;
}

struct UvMulticast::Receiver {
  OnDatagram handler;
};

/// Hears the group on one interface.
class UvMulticast::Core final : public UvCore {
 public:
  Core(UvLoop& loop, std::shared_ptr<const Receiver> receiver)
      : loop_(loop), receiver_(std::move(receiver)) {}

  void open(UniqueFd socket) {
    check(uv_udp_init(loop_.native(), &udp_));
    own_handle(udp_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&udp_));
    check(uv_udp_open(&udp_, socket.get()));
    static_cast<void>(socket.release());
    check(uv_udp_recv_start(
        &udp_,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          const auto scratch = static_cast<Core&>(UvCore::of(handle)).loop_.scratch();
          *buffer = uv_buf_init(reinterpret_cast<char*>(scratch.data()),
                                static_cast<unsigned>(scratch.size()));
        },
        [](uv_udp_t* handle, ssize_t count, const uv_buf_t* buffer, const sockaddr* from,
           unsigned flags) {
          if (count < 0 || from == nullptr || (flags & UV_UDP_PARTIAL) != 0) return;
          const auto receiver = static_cast<Core&>(UvCore::of(handle)).receiver_;
          if (!receiver->handler) return;
          receiver->handler(endpoint_of(*from),
                            {reinterpret_cast<const std::uint8_t*>(buffer->base),
                             static_cast<std::size_t>(count)});
        }));
  }

 private:
  void check(int error) {
    if (error == 0) return;
    close_handle();
    throw std::system_error(-error, std::generic_category());
  }

  UvLoop& loop_;
  std::shared_ptr<const Receiver> receiver_;
  uv_udp_t udp_{};
};

struct UvMulticast::Open {
  MulticastFace face;
  std::shared_ptr<Core> hearing;
  UniqueFd sending;
};

UvMulticast::UvMulticast(UvLoop& loop, const Endpoint& group_v4, const Endpoint& group_v6,
                         OnDatagram handler)
    : loop_(loop),
      group_v4_(group_v4),
      group_v6_(group_v6),
      receiver_(std::make_shared<Receiver>(Receiver{std::move(handler)})) {}

UvMulticast::~UvMulticast() {
  receiver_->handler = nullptr;
  for (const Open& open : open_) open.hearing->close_handle();
}

const Endpoint& UvMulticast::group_of(const MulticastFace& face) const {
  return face.address.is_v4() ? group_v4_ : group_v6_;
}

UvMulticast::Open UvMulticast::open(const MulticastFace& face) {
  Open open{face, std::make_shared<Core>(loop_, receiver_), open_sender(face)};
  open.hearing->open(open_receiver(group_of(face), face));
  return open;
}

std::vector<UvMulticast::Trouble> UvMulticast::set_faces(const std::vector<MulticastFace>& faces) {
  std::erase_if(open_, [&](const Open& open) {
    if (std::find(faces.begin(), faces.end(), open.face) != faces.end()) return false;
    open.hearing->close_handle();
    return true;
  });
  std::vector<Trouble> troubles;
  for (const MulticastFace& face : faces) {
    const bool is_open = std::any_of(open_.begin(), open_.end(),
                                     [&](const Open& open) { return open.face == face; });
    if (is_open || open_.size() >= faces_max) continue;
    try {
      open_.push_back(open(face));
    } catch (const std::system_error& error) {
      troubles.push_back({face, error_text(error.code().value())});
    }
  }
  return troubles;
}

std::size_t UvMulticast::send(ByteView bytes) {
  std::size_t taken = 0;
  for (const Open& open : open_) {
    const SocketAddress to = scoped(group_of(open.face), open.face.interface);
    const ssize_t sent =
        ::sendto(open.sending.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, to.get(), to.size());
    if (sent == static_cast<ssize_t>(bytes.size())) ++taken;
  }
  return taken;
}

}  // namespace starling
