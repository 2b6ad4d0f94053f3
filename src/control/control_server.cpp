#include "src/control/control_server.hpp"

#include <utility>

#include "src/control/control_limits.hpp"

namespace starling::control {

/// Reads lines, and asks for the next answer when the one before has been given and the socket has
/// room: a peer that asks much and reads nothing fills no memory.
class ControlServer::Connection final : private ByteStream::Handler {
 public:
  Connection(ControlServer& server, std::uint64_t id, std::unique_ptr<ByteStream> stream)
      : server_(server), id_(id), stream_(std::move(stream)) {
    stream_->set_handler(this);
    wait_for_request();
  }
  ~Connection() override { server_.scheduler_.cancel(wake_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void answer(std::string document) {
    if (!asking_ || closing_) return;
    asking_ = false;
    send(std::move(document));
    wait_for_request();
    work();
  }

 private:
  void on_bytes(ByteView bytes) override {
    if (closing_) return;
    unread_.append(as_text(bytes));
    work();
  }
  void on_writable() override { work(); }
  /// Destroys the connection.
  void on_closed(const std::string& /*why*/) override { server_.connections_.erase(id_); }

  void work() {
    // An answer that comes from inside the handler goes on with this loop.
    if (working_) return;
    working_ = true;
    while (!asking_ && !closing_ && !stream_->write_is_congested() && take_line()) {
    }
    working_ = false;
    if (!closing_ && unread_.size() > request_bytes_max)
      refuse("a request has at most " + std::to_string(request_bytes_max) + " bytes");
  }

  /// False: there is no whole line.
  bool take_line() {
    const std::size_t end = unread_.find('\n');
    if (end == std::string::npos || end > request_bytes_max) return false;
    const auto request = parse_request(std::string_view(unread_).substr(0, end));
    unread_.erase(0, end + 1);
    if (!request) {
      send(error_document(request.error().what));
      wait_for_request();
      return true;
    }
    asking_ = true;
    server_.scheduler_.cancel(std::exchange(wake_, {}));
    server_.handler_(*request, server_.reply_for(id_));
    return true;
  }

  void send(std::string line) {
    line.push_back('\n');
    stream_->output().append(as_bytes(line));
    stream_->flush_soon();
  }

  void refuse(const std::string& why) {
    send(error_document(why));
    close();
  }

  void close() {
    closing_ = true;
    unread_.clear();
    server_.scheduler_.cancel(std::exchange(wake_, {}));
    stream_->close();
  }

  /// From now on the other side is waited for; not while it waits for us.
  void wait_for_request() {
    server_.scheduler_.cancel(wake_);
    wake_ = server_.scheduler_.wake_at(server_.scheduler_.now() + idle_max, [this] {
      wake_ = {};
      close();
    });
  }

  ControlServer& server_;
  std::uint64_t id_;
  std::unique_ptr<ByteStream> stream_;
  std::string unread_;
  WakeId wake_;
  bool asking_ = false;   // the handler has a request
  bool working_ = false;  // work() is running
  bool closing_ = false;
};

ControlServer::ControlServer(Scheduler& scheduler, Handler handler)
    : scheduler_(scheduler),
      handler_(std::move(handler)),
      self_(std::make_shared<ControlServer*>(this)) {}
ControlServer::~ControlServer() = default;

void ControlServer::add(std::unique_ptr<ByteStream> stream) {
  if (connections_.size() >= connections_max) {
    const std::string full =
        error_document("too many ask at once: at most " + std::to_string(connections_max)) + "\n";
    stream->output().append(as_bytes(full));
    stream->flush_soon();
    stream->close();  // what is left is sent without it
    return;
  }
  const std::uint64_t id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, std::move(stream)));
}

ControlServer::Reply ControlServer::reply_for(std::uint64_t connection) {
  return [alive = std::weak_ptr(self_), connection](std::string document) {
    const auto server = alive.lock();
    if (!server) return;
    const auto found = (*server)->connections_.find(connection);
    if (found != (*server)->connections_.end()) found->second->answer(std::move(document));
  };
}

}  // namespace starling::control
