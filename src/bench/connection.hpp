// Connection: a TCP connection to a broker, with or without TLS, that collects output until flush()
// and hands input on as it was read. Knows no MQTT.
#pragma once

#include <memory>
#include <string>

#include "starling/bytes.hpp"
#include "starling/output_buffer.hpp"
#include "starling/port/channel.hpp"

#include "src/bench/poller.hpp"
#include "src/bench/target.hpp"

namespace starling::bench {

class Connection final : Poller::Source {
 public:
  /// Called from within turns; must not destroy the connection.
  class Handler {
   public:
    Handler() = default;
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;
    /// TCP and TLS are there.
    virtual void on_connected() = 0;
    /// What one read has brought, in plain. Valid during the call.
    virtual void on_bytes(ByteView bytes) = 0;
    /// The connection is gone, and not by close(). `why`: "closed by the broker" and the like.
    virtual void on_lost(const std::string& why) = 0;

   protected:
    ~Handler() = default;
  };

  /// Begins to connect. `number`: see begin_connect(). `ticket`: of an earlier TLS session, or empty.
  Connection(Poller& poller, const Target& target, std::uint64_t number, ByteView ticket,
             Handler& handler);
  ~Connection();

  /// Output to append to.
  [[nodiscard]] Bytes& out() { return out_; }
  /// Bytes that the kernel has not taken yet.
  [[nodiscard]] std::size_t pending() const { return out_.size() - written_ + wire_.size(); }
  /// Sends what there is, as far as the kernel takes it; the rest follows when there is room.
  void flush();
  /// Sends what there is and ends: nobody is called any more.
  void close();
  [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }

  [[nodiscard]] bool resumed() const { return channel_ && channel_->resumed(); }
  /// For the next connection; empty without TLS, or if the broker gives none.
  [[nodiscard]] Bytes session_ticket() { return channel_ ? channel_->session_ticket() : Bytes{}; }

 private:
  void on_ready(std::uint32_t events) override;
  void finish_connecting();
  void read();
  void decrypt(ByteView wire);
  void encrypt();
  void write_plain();
  void write_wire();
  /// False: the kernel takes no more now, or the connection is gone.
  bool sent(ssize_t size);
  void watch_output();
  void lose(const std::string& why);

  Poller& poller_;
  Handler& handler_;
  UniqueFd socket_;
  std::unique_ptr<SecureChannel> channel_;
  Bytes out_;
  std::size_t written_ = 0;  // of out_
  OutputBuffer wire_;        // with TLS: what out_ has become
  bool is_connecting_ = true;
  bool is_shaking_hands_ = false;
  bool watches_output_ = true;
};

}  // namespace starling::bench
