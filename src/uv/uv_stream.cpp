#include "src/uv/uv_stream.hpp"

#include <array>
#include <cerrno>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

// Reads of the shared buffer that one stream gets in a turn: half a megabyte. libuv would go on to
// four, which is 3 to 6 ms for everybody else where the bytes stay in new memory.
constexpr unsigned reads_per_turn = 4;
// Bytes given to the kernel in one go, for the same reason: a reader that keeps up takes many.
constexpr std::size_t written_at_once_max = 256U << 10U;
constexpr std::size_t views_per_write = 64;  // entries of one gathered write; the kernel takes 1024

/// 0, or the errno that the next call on the socket would meet.
int pending_error_of(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

/// What of a stream libuv and the loop point to.
///
///   open     -> flushing   close(), or the peer ended while there is output
///   flushing -> draining   everything is in the kernel, our end is shut: waits for the peer's end,
///   so
///                          that unread input does not make the kernel reset what is under way
///   any      -> ended      the handle is closed
class UvStream::Core final : public UvCore, public TurnOutput {
 public:
  Core(UvLoop& loop, const Endpoint& peer, StreamTraffic* traffic)
      : loop_(loop), traffic_(traffic), output_(&loop.buffers()), peer_(peer) {}
  ~Core() override { loop_.forget(*this); }

  /// 0, or an errno.
  int open(UniqueFd socket, bool nodelay) {
    // libuv's TCP handle serves any stream socket; the pipe handle has no other use for one.
    if (const int error = uv_tcp_init(loop_.native(), &tcp_); error != 0) return -error;
    own_handle(tcp_);
    if (const int error = uv_tcp_open(&tcp_, socket.get()); error != 0) {
      phase_ = Phase::ended;
      close_handle();
      return -error;
    }
    fd_ = socket.release();
    if (nodelay) uv_tcp_nodelay(&tcp_, 1);
    return 0;
  }

  void set_handler(Handler* handler) {
    handler_ = handler;
    update_reading();
  }
  OutputBuffer& output() { return output_; }
  [[nodiscard]] const Endpoint& peer() const { return peer_; }
  const Endpoint& local() {
    if (local_.port == 0 && phase_ != Phase::ended) local_ = local_endpoint_of(fd_);
    return local_;
  }

  void flush_soon() {
    if (!may_write()) {
      output_.clear();
      return;
    }
    if (is_writing()) return;  // on_written goes on with it
    if (output_.size() > limits::early_flush_size) pump();
    if (!output_.empty() && !is_writing()) loop_.flush_later(*this);
  }
  void flush_turn() override {
    if (!is_writing()) pump();
  }

  bool is_congested() {
    const bool congested = waiting() > limits::connection_output_max;
    if (congested) told_congested_ = true;
    return congested;
  }

  void pause(bool paused) {
    paused_ = paused;
    update_reading();
  }

  void close() {
    if (phase_ != Phase::open) return;
    local();
    phase_ = Phase::flushing;
    update_reading();
    limit_time();
    loop_.flush_later(*this);
  }

  /// The owner is gone.
  void release() {
    handler_ = nullptr;
    if (phase_ == Phase::open) end_with_reset();  // else what is left is sent in the background
  }

  void abandon() override {
    handler_ = nullptr;
    phase_ = Phase::ended;
    close_handle();
  }

 private:
  enum class Phase : std::uint8_t { open, flushing, draining, ended };

  /// Exists only while the socket does not take what we have.
  struct PendingWrite {
    uv_write_t request;
    OutputBuffer bytes;         // comes before output_
    std::size_t under_way = 0;  // of bytes, given to libuv
  };

  [[nodiscard]] bool may_write() const {
    return (phase_ == Phase::open || phase_ == Phase::flushing) && !write_broken_;
  }
  [[nodiscard]] bool is_writing() const { return pending_ && pending_->under_way > 0; }
  [[nodiscard]] std::size_t waiting() const {
    return output_.size() + (pending_ ? pending_->bytes.size() : 0);
  }
  std::shared_ptr<Core> self() { return std::static_pointer_cast<Core>(shared_from_this()); }

  // --- Reading ---
  void update_reading() {
    const bool wanted =
        phase_ == Phase::draining || (phase_ == Phase::open && handler_ != nullptr && !paused_);
    if (wanted == is_reading_ || !is_open()) return;
    is_reading_ = wanted;
    auto* stream = reinterpret_cast<uv_stream_t*>(&tcp_);
    if (!wanted) {
      uv_read_stop(stream);
      return;
    }
    const int error = uv_read_start(
        stream,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          auto& core = static_cast<Core&>(UvCore::of(handle));
          // Without a buffer libuv leaves the stream to the next turn (UV_ENOBUFS).
          const auto scratch =
              core.may_read_again() ? core.loop_.scratch() : std::span<std::uint8_t>();
          *buffer = uv_buf_init(reinterpret_cast<char*>(scratch.data()),
                                static_cast<unsigned>(scratch.size()));
        },
        [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
          static_cast<Core&>(UvCore::of(handle)).on_read(count, buffer->base);
        });
    if (error != 0) end_later(uv_strerror(error));
  }

  bool may_read_again() {
    if (std::exchange(read_in_turn_, loop_.turn()) != loop_.turn()) reads_ = 0;
    return reads_++ < reads_per_turn;
  }

  void on_read(ssize_t count, const char* bytes) {
    if (count > 0) {
      if (phase_ != Phase::open || handler_ == nullptr) return;  // draining
      if (traffic_ != nullptr) traffic_->received += count;
      handler_->on_bytes(
          {reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(count)});
      return;
    }
    if (count == 0 || count == UV_ENOBUFS) return;  // nothing there after all, or enough for now
    // libuv calls a reset that comes together with last bytes an end; the socket knows better.
    const int error = count == UV_EOF ? -pending_error_of(fd_) : static_cast<int>(count);
    if (error != 0) return end(uv_strerror(error));
    if (phase_ == Phase::open && waiting() > 0 && !write_broken_) return end_after_output();
    end(why_write_broke_);
  }

  // --- Writing ---
  /// Gives the kernel what it takes now and may get in this turn, and libuv a first part of the rest.
  void pump() {
    std::size_t left = written_at_once_max;
    while (may_write()) {
      OutputBuffer& front = pending_ && !pending_->bytes.empty() ? pending_->bytes : output_;
      if (front.empty()) break;
      if (left == 0) {
        wait_for_socket();
        break;
      }
      std::array<uv_buf_t, views_per_write> buffers{};
      std::size_t size = 0;
      const unsigned count = gather(front, buffers, left, size);
      const int written =
          uv_try_write(reinterpret_cast<uv_stream_t*>(&tcp_), buffers.data(), count);
      if (written < 0 && written != UV_EAGAIN) return on_write_error(written);
      const std::size_t sent = written < 0 ? 0 : static_cast<std::size_t>(written);
      on_sent(front, sent);
      left -= sent;
      if (sent < size) {
        wait_for_socket();
        break;
      }
    }
    if (!may_write()) output_.clear();
    if (pending_ && !is_writing() && pending_->bytes.empty()) pending_.reset();
    notice_congestion();
    if (phase_ == Phase::flushing && !is_writing()) on_all_sent();
  }

  void wait_for_socket() {
    if (!pending_) pending_ = std::make_unique<PendingWrite>();
    if (pending_->bytes.empty())
      pending_->bytes = std::exchange(output_, OutputBuffer{&loop_.buffers()});
    std::array<uv_buf_t, views_per_write> buffers{};
    const unsigned count =
        gather(pending_->bytes, buffers, limits::write_request_max, pending_->under_way);
    uv_req_set_data(reinterpret_cast<uv_req_t*>(&pending_->request), this);
    const int error = uv_write(
        &pending_->request, reinterpret_cast<uv_stream_t*>(&tcp_), buffers.data(), count,
        [](uv_write_t* request, int status) {
          auto* core = static_cast<Core*>(uv_req_get_data(reinterpret_cast<uv_req_t*>(request)));
          core->on_written(status);
        });
    if (error != 0) {
      pending_->under_way = 0;
      on_write_error(error);
    }
  }

  void on_written(int status) {
    const std::size_t sent = std::exchange(pending_->under_way, 0);
    if (phase_ == Phase::ended) return;
    if (status < 0) return on_write_error(status);
    on_sent(pending_->bytes, sent);
    pump();
  }

  void on_sent(OutputBuffer& from, std::size_t count) {
    from.consume(count);
    if (traffic_ != nullptr) traffic_->sent += static_cast<std::int64_t>(count);
  }

  static unsigned gather(const OutputBuffer& from, std::array<uv_buf_t, views_per_write>& to,
                         std::size_t size_max, std::size_t& size) {
    std::array<ByteView, views_per_write> views;
    const std::size_t count = from.gather(views);
    unsigned used = 0;
    size = 0;
    for (std::size_t i = 0; i < count && size < size_max; ++i) {
      const std::size_t part = std::min(views[i].size(), size_max - size);
      // libuv does not write to what it sends, its type only cannot say so.
      to[used++] = {const_cast<char*>(reinterpret_cast<const char*>(views[i].data())), part};
      size += part;
    }
    return used;
  }

  void on_write_error(int error) {
    output_.clear();
    if (pending_) pending_->bytes.clear();
    if (!is_reading_ || phase_ != Phase::open) return end_later(uv_strerror(error));
    // The peer may have said something before it went away: reading will reach the end by itself.
    write_broken_ = true;
    why_write_broke_ = uv_strerror(error);
    limit_time();
  }

  void notice_congestion() {
    if (waiting() > limits::connection_output_max) told_congested_ = true;
    if (!told_congested_ || waiting() >= limits::connection_output_max / 2) return;
    told_congested_ = false;
    loop_.at_turn_end([self = self()] {
      if (self->phase_ == Phase::open && self->handler_ != nullptr) self->handler_->on_writable();
    });
  }

  // --- Ending ---
  void on_all_sent() {
    phase_ = Phase::draining;
    if (peer_has_ended_) return end({});
    ::shutdown(fd_, SHUT_WR);
    update_reading();
    loop_.at_turn_end([self = self()] { self->tell_closed("closed here"); });
  }

  /// The peer has ended its side, and we still owe it something.
  void end_after_output() {
    phase_ = Phase::flushing;
    peer_has_ended_ = true;
    update_reading();
    limit_time();
    if (!is_writing()) loop_.flush_later(*this);
    tell_closed({});
  }

  void on_time_is_up() {
    wake_ = {};
    if (phase_ == Phase::draining || write_broken_) return end(why_write_broke_);
    const std::string unsent = std::to_string(waiting());
    end_with_reset("closed with " + unsent + " bytes unsent, the peer did not take them");
  }

  void limit_time() {
    if (wake_) return;
    wake_ = loop_.scheduler().wake_at(loop_.now() + loop_.close_flush_max(),
                                      [self = self()] { self->on_time_is_up(); });
  }

  void end_later(const char* why) {
    loop_.at_turn_end([self = self(), why] { self->end(why); });
  }

  void end_with_reset(const std::string& why = {}) {
    const linger now{1, 0};
    if (waiting() > 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    end(why);
  }

  void end(const std::string& why) {
    if (phase_ == Phase::ended) return;
    local();
    phase_ = Phase::ended;
    loop_.scheduler().cancel(std::exchange(wake_, {}));
    loop_.forget(*this);
    output_.clear();
    close_handle();
    tell_closed(why);
  }

  /// At most once, as the last thing: the handler may destroy the stream.
  void tell_closed(const std::string& why) {
    if (Handler* handler = std::exchange(handler_, nullptr)) handler->on_closed(why);
  }

  UvLoop& loop_;
  StreamTraffic* traffic_;
  uv_tcp_t tcp_{};
  int fd_ = -1;  // of tcp_
  Handler* handler_ = nullptr;
  OutputBuffer output_;
  std::unique_ptr<PendingWrite> pending_;
  Endpoint peer_;
  Endpoint local_;
  const char* why_write_broke_ = "";  // libuv's words
  WakeId wake_;
  std::uint32_t read_in_turn_ = 0;  // how often: reads_
  std::uint8_t reads_ = 0;
  Phase phase_ = Phase::open;
  bool paused_ = false;
  bool is_reading_ = false;
  bool told_congested_ = false;
  bool write_broken_ = false;
  bool peer_has_ended_ = false;
};

std::unique_ptr<UvStream> UvStream::adopt(UvLoop& loop, UniqueFd socket, const Endpoint& peer,
                                          StreamOptions options) {
  auto core = std::make_shared<Core>(loop, peer, options.traffic);
  if (core->open(std::move(socket), options.nodelay) != 0) return nullptr;
  return std::unique_ptr<UvStream>(new UvStream(std::move(core)));
}

UvStream::UvStream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
UvStream::~UvStream() {
  core_->release();
}

void UvStream::set_handler(Handler* handler) {
  core_->set_handler(handler);
}
OutputBuffer& UvStream::output() {
  return core_->output();
}
void UvStream::flush_soon() {
  core_->flush_soon();
}
bool UvStream::write_is_congested() const {
  return core_->is_congested();
}
void UvStream::pause_reading() {
  core_->pause(true);
}
void UvStream::resume_reading() {
  core_->pause(false);
}
void UvStream::close() {
  core_->close();
}
Endpoint UvStream::local_endpoint() const {
  return core_->local();
}
Endpoint UvStream::peer_endpoint() const {
  return core_->peer();
}

}  // namespace starling
