#include "src/bench/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace starling::bench {
namespace {

constexpr std::size_t compact_from = 64U << 10U;  // bytes written of a buffer that is never empty
constexpr std::size_t views_per_write = 64;

}  // namespace

Connection::Connection(Poller& poller, const Target& target, std::uint64_t number, ByteView ticket,
                       Handler& handler)
    : poller_(poller), handler_(handler), socket_(begin_connect(target, number)) {
  if (target.tls) channel_ = target.tls->make_client(ticket);
  poller_.watch(socket_.get(), *this, true);
}

Connection::~Connection() {
  if (socket_) poller_.forget(socket_.get());
}

void Connection::on_ready(std::uint32_t events) {
  if (!socket_) return;  // closed by somebody else's turn
  if (is_connecting_) return finish_connecting();
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
  if ((events & EPOLLOUT) != 0) flush();
}

void Connection::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return lose(std::strerror(error));
  is_connecting_ = false;
  if (!channel_) {
    handler_.on_connected();
    return flush();
  }
  is_shaking_hands_ = true;
  if (const auto started = channel_->start(wire_); !started) return lose(started.error().what);
  flush();
}

void Connection::read() {
  const std::span<std::uint8_t> scratch = poller_.scratch();
  const ssize_t size = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) return lose(std::strerror(errno));
  if (size == 0) return lose("closed by the broker");
  poller_.count_read(static_cast<std::size_t>(size));
  poller_.refresh_now();  // all that one read brings has come now
  const ByteView bytes = scratch.first(static_cast<std::size_t>(size));
  if (channel_)
    decrypt(bytes);
  else
    handler_.on_bytes(bytes);
}

void Connection::decrypt(ByteView wire) {
  Bytes plain;
  const auto taken = channel_->on_wire_bytes(wire, plain, wire_);
  if (!taken) {
    write_wire();  // the alert that says why
    if (socket_) lose(taken.error().what);
    return;
  }
  if (is_shaking_hands_ && channel_->established()) {
    is_shaking_hands_ = false;
    handler_.on_connected();
  }
  if (!plain.empty() && socket_) handler_.on_bytes(plain);
  if (socket_ && channel_->peer_closed()) return lose("closed by the broker");
  if (socket_) flush();
}

void Connection::flush() {
  if (!socket_ || is_connecting_) return;
  if (channel_ && !is_shaking_hands_) encrypt();
  if (!socket_) return;
  if (channel_)
    write_wire();
  else
    write_plain();
  if (socket_) watch_output();
}

void Connection::encrypt() {
  if (out_.empty()) return;
  OutputBuffer plain;
  std::swap(plain.tail(), out_);
  if (const auto written = channel_->write_plain(plain, wire_); !written)
    lose(written.error().what);
}

void Connection::write_plain() {
  while (written_ < out_.size())
    if (!sent(::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL)))
      break;
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  } else if (written_ >= compact_from) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
}

void Connection::write_wire() {
  std::array<ByteView, views_per_write> views;
  std::array<iovec, views_per_write> pieces;  // NOLINT: filled before it is read
  while (!wire_.empty()) {
    const std::size_t count = wire_.gather(views);
    for (std::size_t i = 0; i < count; ++i)
      pieces[i] = {const_cast<std::uint8_t*>(views[i].data()), views[i].size()};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    if (!sent(::sendmsg(socket_.get(), &message, MSG_NOSIGNAL))) return;
  }
}

bool Connection::sent(ssize_t size) {
  if (size >= 0 && channel_) wire_.consume(static_cast<std::size_t>(size));
  if (size >= 0 && !channel_) written_ += static_cast<std::size_t>(size);
  if (size >= 0) return true;
  if (errno == EINTR) return true;
  // What the broker said before it went is still to be read: the end is found there.
  if (errno != EAGAIN && errno != EPIPE && errno != ECONNRESET) lose(std::strerror(errno));
  return false;
}

void Connection::watch_output() {
  const bool wanted = pending() > 0;
  if (wanted == watches_output_) return;
  watches_output_ = wanted;
  poller_.change(socket_.get(), *this, wanted);
}

void Connection::close() {
  if (!socket_) return;
  flush();
  if (!socket_) return;
  if (channel_) {
    channel_->close(wire_);
    write_wire();
  }
  if (!socket_) return;
  poller_.forget(socket_.get());
  socket_.reset();
}

void Connection::lose(const std::string& why) {
  poller_.forget(socket_.get());
  socket_.reset();
  handler_.on_lost(why);
}

}  // namespace starling::bench
