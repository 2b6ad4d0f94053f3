#include "bridge/link/lane.hpp"

#include <algorithm>
#include <string>

#include "starling/check.hpp"
#include "starling/limits.hpp"
#include "starling/link_limits.hpp"

namespace starling {
bool SendingLane::fits_batch(const MessageId& id, std::size_t size) const {
  return batch_.size() + size <= limits::link_batch_small
         && batch_count_ < limits::frame_publications_max && id.sequence >= batch_sequence_
         && id.epoch == batch_first_.epoch && id.origin == batch_first_.origin;
}

std::uint64_t SendingLane::add(const Message& message, const std::optional<MessageId>& floor,
                               const NodeId& self, OutputBuffer& out) {
  STARLING_CHECK(has_credit());
  const Publication& publication = message.publication;
  const MessageId& id = publication.id;
  const GivenTopicNumbers::Given given = topics_.give(message.topic, message.mesh);
  wire::OutgoingEntry entry{.topic_number = given.number,
                            .topic_text = given.is_new ? message.topic.text() : std::string_view{},
                            .mesh = message.mesh,
                            .qos = message.qos,
                            .retain = publication.retain,
                            .hops = message.hops,
                            .step = 0,
                            .expires_in = message.expires_in,
                            .properties = publication.properties.get()};
  if (publication.payload.size() >= OutputBuffer::share_from) {
    flush(floor, self, out);
    bytes_ +=
        wire::write_single({lane_, last_ + 1, floor, id}, self, entry, publication.payload, out);
    return ++last_;
  }
  const std::size_t size_max = publication.payload.size() + entry.topic_text.size()
                               + wire::properties_size_max(entry.properties)
                               + wire::entry_overhead_max;
  if (batch_count_ > 0 && !fits_batch(id, size_max)) flush(floor, self, out);
  if (batch_count_ == 0) {
    batch_first_ = id;
  } else {
    entry.step = id.sequence - batch_sequence_;
  }
  make_room(size_max);
  batch_sequence_ = id.sequence;
  ++batch_count_;
  const std::size_t before = batch_.size();
  wire::write_entry(entry, publication.payload.view(), batch_);
  bytes_ += batch_.size() - before;
  return ++last_;
}

/// Little for a few messages; then at once as much as a batch may take, which is kept.
void SendingLane::make_room(std::size_t size) {
  constexpr std::size_t few = 8;
  const std::size_t needed = batch_.size() + size;
  if (needed <= batch_.capacity()) return;
  batch_.reserve(std::max(needed, batch_count_ < few ? 2 * needed : limits::link_batch_small));
}

void SendingLane::flush(const std::optional<MessageId>& floor, const NodeId& self,
                        OutputBuffer& out) {
  if (batch_count_ == 0) return;
  wire::write_batch({lane_, last_ - batch_count_ + 1, floor, batch_first_}, self, batch_count_,
                    batch_, out);
  batch_count_ = 0;
  batch_.clear();
  // A link that falls silent owns little; one that is busy does not grow its batch anew each turn.
  if (batch_.capacity() > limits::link_batch_small) batch_ = {};
}

Result<void> SendingLane::on_credit(const wire::Credit& credit) {
  if (credit.number_limit < number_limit_ || credit.bytes_limit < bytes_limit_)
    return Error{Errc::protocol_error, "credit that was taken back [MESH-5.2-3]"};
  number_limit_ = credit.number_limit;
  bytes_limit_ = credit.bytes_limit;
  return {};
}

Result<void> SendingLane::on_acknowledged(std::uint64_t up_to) {
  if (up_to > last_ - batch_count_ || up_to < acknowledged_)
    return Error{Errc::protocol_error, "acknowledgement of " + std::to_string(up_to) + " after "
                                           + std::to_string(acknowledged_) + ", with "
                                           + std::to_string(last_ - batch_count_)
                                           + " sent [MESH-5.3-3]"};
  acknowledged_ = up_to;
  return {};
}

Result<void> ReceivingLane::on_message(std::size_t cost) {
  if (last_ >= told_.number || bytes_ >= told_.bytes)
    return Error{Errc::quota_exceeded, "a publication beyond the credit of its lane [MESH-5.2-2]"};
  ++last_;
  bytes_ += cost;
  bytes_after_.push_back(bytes_);
  return {};
}

bool ReceivingLane::release(std::uint64_t number) {
  STARLING_CHECK(number <= last_);
  if (number <= released_) return false;
  first_after_ += static_cast<std::size_t>(number - released_);
  released_bytes_ = bytes_after_[first_after_ - 1];
  released_ = number;
  // Once they are half of the list, each is moved once at most.
  if (2 * first_after_ >= bytes_after_.size()) {
    bytes_after_.erase(bytes_after_.begin(),
                       bytes_after_.begin() + static_cast<std::ptrdiff_t>(first_after_));
    first_after_ = 0;
  }
  return true;
}

std::optional<wire::Credit> ReceivingLane::take_credit(wire::Lane lane) {
  const Limits due{released_ + window_messages_, released_bytes_ + window_bytes_};
  const bool is_worth_a_frame = 2 * (due.number - told_.number) >= window_messages_
                                || 2 * (due.bytes - told_.bytes) >= window_bytes_;
  if (held_ || !is_worth_a_frame) return std::nullopt;
  told_ = due;
  return wire::Credit{lane, due.number, due.bytes};
}

}  // namespace starling
