#include "src/uv/accept_socket.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"
#include "src/uv/uv_stream.hpp"

namespace starling {
namespace {

bool is_lack_of_means(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

AcceptSocket::AcceptSocket(UvLoop& loop, UniqueFd socket, std::string name,
                           std::shared_ptr<const OnStream> on_stream, LogSink* log,
                           StreamOptions options)
    : loop_(loop),
      socket_(std::move(socket)),
      name_(std::move(name)),
      on_stream_(std::move(on_stream)),
      log_(log),
      options_(options) {}

void AcceptSocket::open() {
  const int error = uv_poll_init_socket(loop_.native(), &poll_, socket_.get());
  if (error != 0)
    throw std::runtime_error("cannot watch a listening socket: " + error_text(-error));
  own_handle(poll_);
  watch();
}

void AcceptSocket::close() {
  close_handle();
  loop_.scheduler().cancel(std::exchange(wake_, {}));
  socket_.reset();
}

void AcceptSocket::watch() {
  uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<AcceptSocket&>(UvCore::of(handle)).accept_some();
  });
}

void AcceptSocket::accept_some() {
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
    auto stream = UvStream::adopt(loop_, std::move(socket), peer.endpoint(), options_);
    if (stream) (*on_stream_)(std::move(stream));
  }
}

void AcceptSocket::rest(int error) {
  // Where clients come and go at the edge of the shortage there is a rest after every few of them.
  const bool is_news = !std::exchange(was_resting_, true) && loop_.now() >= quiet_until_;
  if (is_news && log_ != nullptr) {
    log_->warn("accept_paused", {{"listener", name_}, {"why", error_text(error)}});
    quiet_until_ = loop_.now() + limits::accept_pause_said_every;
  }
  uv_poll_stop(&poll_);
  wake_ = loop_.scheduler().wake_at(loop_.now() + limits::accept_pause, [this] {
    wake_ = {};
    watch();
  });
}

}  // namespace starling
