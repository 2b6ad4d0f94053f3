// RelayedStream: one end of a channel that another member carries, as a ByteStream. TLS runs over it
// end to end, so the member sees ciphertext only. Bytes leave as far as the other end (and the
// relay between) has given credit.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

namespace starling {

/// How a channel's frames leave; the mesh's side of a stream.
class ChannelCarrier {
 public:
  virtual ~ChannelCarrier() = default;
  /// At most wire::relay_data_max bytes. False: the carrying link is gone.
  virtual bool send_data(Bytes data) = 0;
  virtual void send_credit(std::uint64_t limit) = 0;
  /// The last word: the channel is forgotten.
  virtual void send_close(std::string why) = 0;
};

class RelayedStream final : public ByteStream {
 public:
  /// Bytes the other end may send before it hears more from us.
  static constexpr std::size_t window = 64U << 10U;

  /// `relay`: where the carrying member is, for those who ask for the peer's address. `carrier` and
  /// `scheduler` outlive the stream's use; the carrier is told by send_close() that it is over.
  RelayedStream(std::unique_ptr<ChannelCarrier> carrier, const Endpoint& own, const Endpoint& relay,
                Scheduler& scheduler);
  ~RelayedStream() override;
  RelayedStream(const RelayedStream&) = delete;
  RelayedStream& operator=(const RelayedStream&) = delete;

  // --- From the carrying link. False: the other end, or the relay, has broken the rules.
  /// The other end is there and takes so many bytes.
  bool on_credit(std::uint64_t limit);
  bool on_data(Bytes data);
  /// The channel has ended. `why`: empty for an orderly end.
  void on_ended(const std::string& why);

  // --- ByteStream
  void set_handler(Handler* handler) override { handler_ = handler; }
  OutputBuffer& output() override { return output_; }
  void flush_soon() override;
  [[nodiscard]] bool write_is_congested() const override;
  void pause_reading() override { is_paused_ = true; }
  void resume_reading() override;
  void close() override;
  [[nodiscard]] Endpoint local_endpoint() const override { return own_; }
  [[nodiscard]] Endpoint peer_endpoint() const override { return relay_; }

 private:
  void later(void (RelayedStream::*what)());
  void flush();
  void hand_on();
  void say_closed();
  void grant();

  std::unique_ptr<ChannelCarrier> carrier_;  // null: the channel is over
  Endpoint own_;
  Endpoint relay_;
  Scheduler& scheduler_;
  Handler* handler_ = nullptr;
  OutputBuffer output_;
  std::deque<Bytes> arrived_;     // not handed on
  std::uint64_t sent_ = 0;        // bytes since the beginning
  std::uint64_t send_limit_ = 0;  // of them
  std::uint64_t received_ = 0;
  std::uint64_t handed_on_ = 0;
  std::uint64_t granted_ = window;
  std::string why_ended_;
  WakeId farewell_;
  bool is_paused_ = false;
  bool is_closing_ = false;
  bool has_ended_ = false;  // the other end has
  bool told_closed_ = false;
  bool flush_asked_ = false;
  bool was_congested_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace starling
