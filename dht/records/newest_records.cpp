#include "dht/records/newest_records.hpp"

#include <algorithm>

namespace starling {
namespace {

Freshness compare(RecordStamp seen, RecordStamp known) {
  if (seen == known) return Freshness::same;
  return seen > known ? Freshness::newer : Freshness::older;
}

}  // namespace

Freshness NewestRecords::judge(const VerifiedEnvelope& envelope) const {
  const auto found = newest_.find({envelope.node(), envelope.key()});
  if (found == newest_.end()) return Freshness::newer;
  return compare(envelope.stamp(), found->second.stamp);
}

Freshness NewestRecords::note(const VerifiedEnvelope& envelope, UnixSeconds now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) forget_first();

  const Place place{envelope.node(), envelope.key()};
  const auto found = newest_.find(place);
  if (found == newest_.end()) {
    if (newest_.size() >= count_max_) forget_first();
    newest_.emplace(place, Entry{envelope.stamp(), envelope.expires_at()});
    by_end_.emplace(envelope.expires_at(), place);
    return Freshness::newer;
  }
  Entry& entry = found->second;
  const Freshness freshness = compare(envelope.stamp(), entry.stamp);
  if (freshness == Freshness::newer) entry.stamp = envelope.stamp();
  // As long as any record of the place can still pass for valid, whichever it is.
  if (envelope.expires_at() > entry.kept_until) {
    by_end_.erase({entry.kept_until, place});
    entry.kept_until = envelope.expires_at();
    by_end_.emplace(entry.kept_until, place);
  }
  return freshness;
}

void NewestRecords::forget_first() {
  newest_.erase(by_end_.begin()->second);
  by_end_.erase(by_end_.begin());
}

}  // namespace starling
