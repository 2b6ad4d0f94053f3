#include "bridge/link/lane.hpp"

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

constexpr std::size_t batch_kept_max = 64;  // messages an empty batch keeps room for

}  // namespace

std::uint64_t SendingLane::add(const wire::OutgoingEntry& entry, std::size_t size) {
  STARLING_CHECK(has_credit());
  batch_.push_back(entry);
  batch_bytes_ += size;
  bytes_ += size;
  return ++last_;
}

bool SendingLane::is_batch_full_for(std::size_t size) const {
  return !batch_.empty()
         && (batch_bytes_ + size > limits::link_batch_bytes
             || batch_.size() == limits::frame_publications_max);
}

void SendingLane::flush(wire::Lane lane, const std::optional<MessageId>& floor, const NodeId& self,
                        OutputBuffer& out) {
  if (batch_.empty()) return;
  wire::write_publications(lane, last_ - batch_.size() + 1, floor, self, batch_, out);
  batch_.clear();
  if (batch_.capacity() > batch_kept_max) batch_ = {};  // a link that falls silent owns little
  batch_bytes_ = 0;
}

Result<void> SendingLane::on_credit(const wire::Credit& credit) {
  if (credit.number_limit < number_limit_ || credit.bytes_limit < bytes_limit_)
    return Error{Errc::protocol_error, "credit that was taken back [MESH-5.2-3]"};
  number_limit_ = credit.number_limit;
  bytes_limit_ = credit.bytes_limit;
  return {};
}

Result<void> SendingLane::on_acknowledged(std::uint64_t up_to) {
  if (up_to > last_ - batch_.size() || up_to < acknowledged_)
    return Error{Errc::protocol_error, "acknowledgement of " + std::to_string(up_to) + " after "
                                           + std::to_string(acknowledged_) + ", with "
                                           + std::to_string(last_ - batch_.size())
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
  const auto count = static_cast<std::ptrdiff_t>(number - released_);
  released_bytes_ = bytes_after_[static_cast<std::size_t>(count - 1)];
  bytes_after_.erase(bytes_after_.begin(), bytes_after_.begin() + count);
  released_ = number;
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
