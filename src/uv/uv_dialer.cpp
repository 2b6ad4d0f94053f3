#include "src/uv/uv_dialer.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_stream.hpp"

namespace starling {

/// One connection in the making: a non-blocking connect() and a uv_poll that says when it is over.
class UvDialer::Attempt final : public UvCore {
 public:
  Attempt(UvLoop& loop, const Endpoint& to, OnDone done, std::weak_ptr<Attempts> all)
      : loop_(loop), to_(to), done_(std::move(done)), all_(std::move(all)) {}

  void start(Duration timeout, std::uint16_t local_port) {
    int error = local_port == 0 ? EADDRINUSE : connect_from(local_port);
    // The port may be taken, or its last connection there not be forgotten yet.
    if (error == EADDRINUSE || error == EADDRNOTAVAIL) error = connect_from(0);
    if (error != 0) return fail_later(error_text(error));
    error = uv_poll_init_socket(loop_.native(), &poll_, socket_.get());
    if (error != 0) return fail_later(error_text(-error));
    own_handle(poll_);
    uv_poll_start(&poll_, UV_WRITABLE, [](uv_poll_t* handle, int, int) {
      static_cast<Attempt&>(UvCore::of(handle)).on_connected();
    });
    wake_ = loop_.scheduler().wake_at(loop_.now() + timeout, [self = self(), timeout] {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
      self->wake_ = {};
      self->finish(self->refusal("no answer within " + std::to_string(ms) + " ms"));
    });
  }

  /// Nobody wants to know any more.
  void forget() {
    done_ = nullptr;
    leave();
  }
  void abandon() override { close_handle(); }

 private:
  std::shared_ptr<Attempt> self() { return std::static_pointer_cast<Attempt>(shared_from_this()); }

  /// 0: under way.
  int connect_from(std::uint16_t local_port) {
    const int family = to_.is_v4() ? AF_INET : AF_INET6;
    socket_.reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return errno;
    if (local_port != 0) {
      const int on = 1;
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
      Endpoint here = to_.is_v4() ? Endpoint::v4({0, 0, 0, 0}, 0) : Endpoint{};
      here.port = local_port;
      const SocketAddress from{here};
      if (::bind(socket_.get(), from.get(), from.size()) != 0) return errno;
    }
    const SocketAddress address{to_};
    const int done = ::connect(socket_.get(), address.get(), address.size());
    return done == 0 || errno == EINPROGRESS ? 0 : errno;
  }

  void on_connected() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    finish(error == 0 ? Result<std::unique_ptr<ByteStream>>{std::unique_ptr<ByteStream>{}}
                      : refusal(error_text(error)));
  }

  Error refusal(const std::string& why) const {
    return {Errc::unreachable, "cannot connect to " + to_.to_text() + ": " + why};
  }
  void fail_later(const std::string& why) {
    loop_.at_turn_end([self = self(), why] { self->finish(self->refusal(why)); });
  }

  /// A result that holds no stream yet is one to be made from the socket.
  void finish(Result<std::unique_ptr<ByteStream>> result) {
    const auto keep = shared_from_this();
    UniqueFd socket = std::move(socket_);
    leave();  // the stream can have the descriptor only after the poll handle has let it go
    if (!done_) return;
    if (result.ok()) {
      std::unique_ptr<ByteStream> stream = UvStream::adopt(loop_, std::move(socket), to_);
      if (stream)
        result = std::move(stream);
      else
        result = refusal("the event loop refused the socket");
    }
    std::exchange(done_, nullptr)(std::move(result));
  }

  void leave() {
    close_handle();
    socket_.reset();
    loop_.scheduler().cancel(std::exchange(wake_, {}));
    if (const auto all = all_.lock()) all->erase(self());
  }

  UvLoop& loop_;
  Endpoint to_;
  OnDone done_;
  std::weak_ptr<Attempts> all_;
  UniqueFd socket_;
  uv_poll_t poll_{};
  WakeId wake_;
};

UvDialer::UvDialer(UvLoop& loop) : UvDialer(loop, limits::dial_timeout) {}

UvDialer::UvDialer(UvLoop& loop, Duration timeout)
    : loop_(loop), timeout_(timeout), attempts_(std::make_shared<Attempts>()) {}

UvDialer::~UvDialer() {
  const Attempts left = std::exchange(*attempts_, {});
  for (const auto& attempt : left) attempt->forget();
}

void UvDialer::dial_from(std::uint16_t local_port, const Endpoint& to, OnDone done) {
  const auto attempt = std::make_shared<Attempt>(loop_, to, std::move(done), attempts_);
  attempts_->insert(attempt);
  attempt->start(timeout_, local_port);
}

}  // namespace starling
