#include "src/uv/uv_listener.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_stream.hpp"

namespace starling {

/// One listening socket. It is watched by uv_poll, not uv_listen: libuv accepts and drops
/// connections when descriptors run out, and cannot be told to rest.
class UvListener::Core final : public UvCore {
 public:
  Core(UvLoop& loop, UniqueFd socket, std::shared_ptr<const OnStream> on_stream, LogSink* log)
      : loop_(loop), socket_(std::move(socket)), on_stream_(std::move(on_stream)), log_(log) {}

  void open() {
    const int error = uv_poll_init_socket(loop_.native(), &poll_, socket_.get());
    if (error != 0)
      throw std::runtime_error("cannot watch a listening socket: " + error_text(-error));
    own_handle(poll_);
    watch();
  }

  void close() {
    close_handle();
    loop_.scheduler().cancel(std::exchange(wake_, {}));
    socket_.reset();
  }
  void abandon() override { close_handle(); }

  [[nodiscard]] Endpoint local_endpoint() const { return local_endpoint_of(socket_.get()); }

 private:
  void watch() {
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      static_cast<Core&>(UvCore::of(handle)).accept_some();
    });
  }

  void accept_some() {
    // The listener may be destroyed by whoever it calls; this core lives until its close callback.
    for (int i = 0; i < limits::accepts_per_turn && is_open(); ++i) {
      SocketAddress peer;
      UniqueFd socket{
          ::accept4(socket_.get(), peer.get(), peer.size_in_out(), SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (is_lack_of_means(errno)) return rest(errno);
        continue;  // this connection has failed before we took it
      }
      was_resting_ = false;
      auto stream = UvStream::adopt(loop_, std::move(socket), peer.endpoint());
      if (stream) (*on_stream_)(std::move(stream));
    }
  }

  static bool is_lack_of_means(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
  }

  void rest(int error) {
    if (!std::exchange(was_resting_, true) && log_ != nullptr) {
      log_->warn("accept_paused",
                 {{"listener", local_endpoint().to_text()}, {"why", error_text(error)}});
    }
    uv_poll_stop(&poll_);
    wake_ = loop_.scheduler().wake_at(loop_.now() + limits::accept_pause, [this] {
      wake_ = {};
      watch();
    });
  }

  UvLoop& loop_;
  UniqueFd socket_;
  std::shared_ptr<const OnStream> on_stream_;
  LogSink* log_;
  uv_poll_t poll_{};
  WakeId wake_;
  bool was_resting_ = false;  // nothing has been accepted since the last rest
};

UvListener::UvListener(UvLoop& loop, const Endpoint& at, OnStream on_stream, LogSink* log)
    : UvListener(loop, bind_port(at, PortUse::tcp).tcp, std::move(on_stream), log) {}

UvListener::UvListener(UvLoop& loop, BoundSockets sockets, OnStream on_stream, LogSink* log) {
  const auto shared = std::make_shared<const OnStream>(std::move(on_stream));
  const auto add = [&](UniqueFd socket, std::shared_ptr<Core>& core) {
    if (!socket) return;
    core = std::make_shared<Core>(loop, std::move(socket), shared, log);
    core->open();
  };
  add(std::move(sockets.v6), v6_);
  add(std::move(sockets.v4), v4_);
}

UvListener::~UvListener() {
  if (v4_) v4_->close();
  if (v6_) v6_->close();
}

Endpoint UvListener::local_endpoint() const {
  if (v6_) return v6_->local_endpoint();
  return v4_ ? v4_->local_endpoint() : Endpoint{};
}

}  // namespace starling
