// Publisher: a client that sends messages from one prepared packet, patched in place, and keeps count
// of what the broker owes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/bench/client.hpp"
#include "src/bench/stamp.hpp"

namespace starling::bench {

class Publisher : public Client {
 public:
  struct Plan {
    std::string prefix;  ///< topics are prefix + "/" + the stream's digits + suffix
    std::string suffix;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    std::uint64_t size = 0;           ///< bytes of payload
    std::uint32_t unacked_max = 100;  ///< QoS 1 and 2 messages under way; the broker may want fewer
    std::uint16_t tag = 0;            ///< of stamps
    std::uint32_t number = 0;         ///< who it is to the listener
  };
  class Listener {
   public:
    /// A QoS 1 or 2 message is done. `sent_at`: the time of its stamp.
    virtual void on_acknowledged(Publisher& publisher, TimePoint sent_at) = 0;

   protected:
    ~Listener() = default;
  };

  Publisher(Stage& stage, const Target& target, const std::string& id, Plan plan,
            Listener* listener);

  /// May another message be put out now? Else: when an acknowledgement has come, or the connection
  /// has written some of its output.
  [[nodiscard]] bool has_room();
  /// Puts out message `number` of `stream`, as sent at `time`. Only if has_room(); connection()->flush()
  /// sends it.
  void publish(std::uint32_t stream, std::uint32_t number, TimePoint time);
  /// Like publish(), with another tag and outside of any numbering.
  void publish_probe(std::uint32_t stream, std::uint16_t tag);

  [[nodiscard]] std::uint32_t number() const { return plan_.number; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t unacknowledged() const { return unacked_; }
  [[nodiscard]] bool has_acknowledgements() const { return plan_.qos != QoS::at_most_once; }
  /// The kernel takes no more: what is put out waits.
  [[nodiscard]] bool is_congested();

 private:
  void on_ack(const mqtt::Frame& frame) override;
  void finish(std::uint16_t packet_id);
  void put(std::uint32_t stream, const Stamp& stamp, TimePoint time);
  void prepare_image();
  void prepare_ids();
  void take_id(std::uint8_t* to, TimePoint time);

  Plan plan_;
  Listener* listener_;
  Bytes image_;
  std::size_t digits_at_ = 0;
  std::size_t id_at_ = 0;
  std::size_t payload_at_ = 0;
  // By packet id: when its message was sent; free where it is `free_id`.
  std::vector<TimePoint> sent_at_;
  std::uint16_t next_id_ = 1;
  std::uint32_t unacked_ = 0;
  std::uint32_t unacked_max_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
};

}  // namespace starling::bench
