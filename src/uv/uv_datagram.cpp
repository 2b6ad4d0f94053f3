#include "src/uv/uv_datagram.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"

namespace starling {

struct UvDatagram::Receiver {
  std::shared_ptr<const OnDatagram> handler;  // shared, so that it may replace itself while it runs
};

/// One UDP socket.
class UvDatagram::Core final : public UvCore {
 public:
  Core(UvLoop& loop, std::shared_ptr<const Receiver> receiver)
      : loop_(loop), receiver_(std::move(receiver)) {}

  void open(UniqueFd socket) {
    check(uv_udp_init(loop_.native(), &udp_));
    own_handle(udp_);
    check(uv_udp_open(&udp_, socket.get()));
    fd_ = socket.release();
    // libuv lets others share the port with this option; nobody shall.
    const int no = 0;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &no, sizeof no);
    // Bursts of replies come faster than turns; the kernel cuts this down to what it allows.
    const int size = static_cast<int>(limits::datagram_buffer);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    local_ = local_endpoint_of(fd_);
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
          static_cast<Core&>(UvCore::of(handle))
              .on_datagram(*from, {reinterpret_cast<const std::uint8_t*>(buffer->base),
                                   static_cast<std::size_t>(count)});
        }));
  }

  int send(const Endpoint& to, ByteView bytes) {
    const SocketAddress address{to};
    const uv_buf_t buffer = {const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
                             bytes.size()};
    const int sent = uv_udp_try_send(&udp_, &buffer, 1, address.get());
    return sent < 0 ? -sent : 0;
  }

  [[nodiscard]] const Endpoint& local() const { return local_; }

 private:
  void check(int error) {
    if (error == 0) return;
    close_handle();
    throw std::runtime_error("cannot use a UDP socket: " + error_text(-error));
  }

  void on_datagram(const sockaddr& from, ByteView bytes) {
    const auto receiver = receiver_;
    const auto handler = receiver->handler;
    if (handler && *handler) (*handler)(endpoint_of(from), bytes);
  }

  UvLoop& loop_;
  std::shared_ptr<const Receiver> receiver_;
  uv_udp_t udp_{};
  int fd_ = -1;  // of udp_
  Endpoint local_;
};

UvDatagram::UvDatagram(UvLoop& loop, const Endpoint& at)
    : UvDatagram(loop, bind_port(at, PortUse::udp).udp) {}

UvDatagram::UvDatagram(UvLoop& loop, BoundSockets sockets)
    : receiver_(std::make_shared<Receiver>()) {
  const auto add = [&](UniqueFd socket, std::shared_ptr<Core>& core) {
    if (!socket) return;
    core = std::make_shared<Core>(loop, receiver_);
    core->open(std::move(socket));
  };
  add(std::move(sockets.v4), v4_);
  add(std::move(sockets.v6), v6_);
}

UvDatagram::~UvDatagram() {
  receiver_->handler = nullptr;
  if (v4_) v4_->close_handle();
  if (v6_) v6_->close_handle();
}

void UvDatagram::set_handler(OnDatagram handler) {
  receiver_->handler = std::make_shared<const OnDatagram>(std::move(handler));
}

int UvDatagram::send(const Endpoint& to, ByteView bytes) {
  const auto& core = to.is_v4() ? v4_ : v6_;
  return core ? core->send(to, bytes) : ENETUNREACH;
}

std::optional<Endpoint> UvDatagram::local_v4() const {
  if (!v4_) return std::nullopt;
  return v4_->local();
}

std::optional<Endpoint> UvDatagram::local_v6() const {
  if (!v6_) return std::nullopt;
  return v6_->local();
}

}  // namespace starling
