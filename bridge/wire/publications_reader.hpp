// PublicationsReader: walks the body of a publications frame message by message, in place. The way
// of every message over a link: it allocates nothing but payloads, properties and new topics.
#pragma once

#include <cstddef>
#include <cstdint>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

#include "bridge/wire/frame.hpp"
#include "bridge/wire/msgpack_reader.hpp"

namespace starling::wire {

class PublicationsReader {
 public:
  /// `body` outlives the reader, and is of a frame whose type is `publications`.
  explicit PublicationsReader(ByteView body);

  [[nodiscard]] const PublicationsHead& head() const { return head_; }
  /// Entries that the frame claims to hold, and has bytes for.
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Reads the next message into `entry`, all fields of it. False at the end, and at the first
  /// trouble, which finish() tells.
  bool next(PublicationEntry& entry);

  /// After next() has returned false. Errors: those of read_frame().
  Result<void> finish();

 private:
  void read_topic(TopicMention& topic);

  MsgpackReader in_;
  PublicationsHead head_;
  std::size_t count_ = 0;
  std::size_t left_ = 0;
};

}  // namespace starling::wire
