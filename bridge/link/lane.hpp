// The two ends of a lane: what may still be sent, and what has been granted. Limits are absolute
// numbers since the link began and never fall, so a credit frame that crosses others says the same
// thing whenever it arrives [MESH-5.2].
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "starling/publication.hpp"
#include "starling/result.hpp"

#include "bridge/link/topic_numbers.hpp"
#include "bridge/wire/frame.hpp"
#include "bridge/wire/write_frame.hpp"

namespace starling {

/// Our side of a lane on which we send.
class SendingLane {
 public:
  explicit SendingLane(wire::Lane lane) : lane_(lane) {}

  /// What the peer's hello grants; a lane it does not name gets nothing. `topic_numbers`: how many
  /// topics it remembers.
  void open(const wire::LaneWindow& window, std::size_t topic_numbers) {
    number_limit_ = window.messages;
    bytes_limit_ = window.bytes;
    topics_.open(topic_numbers);
  }
  [[nodiscard]] bool has_credit() const { return last_ < number_limit_ && bytes_ < bytes_limit_; }

  /// One message, under its name in the mesh and with the position of that in our hello.
  struct Message {
    const TopicName& topic;
    std::uint32_t mesh;
    QoS qos;
    std::uint8_t hops;
    std::optional<std::chrono::milliseconds> expires_in;
    const Publication& publication;  // the rest
  };
  /// Numbers the message and puts it into the batch, which may have to leave first; a large one
  /// leaves at once. Only with credit. Returns its number.
  std::uint64_t add(const Message& message, const std::optional<MessageId>& floor,
                    const NodeId& self, OutputBuffer& out);
  /// Writes the batch, if there is one.
  void flush(const std::optional<MessageId>& floor, const NodeId& self, OutputBuffer& out);

  /// Errors: protocol_error (a limit that falls).
  Result<void> on_credit(const wire::Credit& credit);
  /// Errors: protocol_error (a number that was not sent, or one that falls).
  Result<void> on_acknowledged(std::uint64_t up_to);
  [[nodiscard]] std::uint64_t under_way() const { return last_ - acknowledged_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  [[nodiscard]] bool fits_batch(const MessageId& id, std::size_t size) const;
  void make_room(std::size_t size);

  wire::Lane lane_;
  std::uint64_t last_ = 0;   // number of the latest message, in the batch or sent
  std::uint64_t bytes_ = 0;  // of all messages, in the batch or sent
  std::uint64_t number_limit_ = 0;
  std::uint64_t bytes_limit_ = 0;
  std::uint64_t acknowledged_ = 0;
  GivenTopicNumbers topics_;
  Bytes batch_;  // entries as they will stand in the frame
  std::size_t batch_count_ = 0;
  MessageId batch_first_;             // id of the first
  std::uint64_t batch_sequence_ = 0;  // of the last
};

/// Our side of a lane on which the peer sends: it may have `messages` and `bytes` in our hands at a
/// time.
class ReceivingLane {
 public:
  ReceivingLane(std::uint64_t messages, std::uint64_t bytes)
      : window_messages_(messages), window_bytes_(bytes), told_{messages, bytes} {}

  /// The next message. Errors: quota_exceeded (beyond what was granted).
  Result<void> on_message(std::size_t cost);
  /// Everything that has arrived has left our hands.
  void release_all() { release(last_); }
  /// Everything up to `number` has left our hands. Returns false if that is nothing new. Numbers
  /// that have not arrived abort.
  bool release(std::uint64_t number);
  /// New limits, when at least half of a window can be granted and nothing holds it back; counts as
  /// told.
  std::optional<wire::Credit> take_credit(wire::Lane lane);
  void hold(bool held) { held_ = held; }

  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] std::uint64_t released() const { return released_; }

 private:
  struct Limits {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };
  std::uint64_t window_messages_;
  std::uint64_t window_bytes_;
  Limits told_;
  bool held_ = false;
  std::uint64_t last_ = 0;            // number of the latest message
  std::uint64_t bytes_ = 0;           // of all that came
  std::uint64_t released_ = 0;        // number
  std::uint64_t released_bytes_ = 0;  // of all up to it
  // bytes_ as it was after each message that is not released: from first_after_ on.
  std::vector<std::uint64_t> bytes_after_;
  std::size_t first_after_ = 0;
};

}  // namespace starling
