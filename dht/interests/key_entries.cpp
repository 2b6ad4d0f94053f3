#include "dht/interests/key_entries.hpp"

#include <algorithm>
#include <utility>

#include "dht/keys/key_sketch.hpp"

namespace starling {

std::vector<PeerRecord> peers_wanting(const KeyEntries& entries, const TopicName& name,
                                      UnixSeconds today) {
  const auto is_newer = [](const PeerRecord& a, const PeerRecord& b) {
    return std::pair(a.epoch, a.sequence) > std::pair(b.epoch, b.sequence);
  };
  std::map<NodeId, const PeerRecord*> peers;
  for (const LiteralPrefix& prefix : prefixes_of(name)) {
    std::map<NodeId, const InterestRecord*> records;
    for (auto at = entries.lower_bound({prefix, {}});
         at != entries.end() && at->first.prefix == prefix; ++at) {
      for (const auto& [id, record] : at->second.records) {
        const InterestRecord*& newest = records[id];
        if (!newest || is_newer(record.peer, newest->peer)) newest = &record;
      }
    }
    for (const auto& [id, record] : records) {
      if (record->peer.expires_at < today) continue;
      const bool wants =
          std::any_of(record->interests.begin(), record->interests.end(),
                      [&](const Interest& interest) { return interest.filter.matches(name); });
      if (!wants) continue;
      const PeerRecord*& newest = peers[id];
      if (!newest || is_newer(record->peer, *newest)) newest = &record->peer;
    }
  }
  std::vector<PeerRecord> wanting;
  for (const auto& [id, peer] : peers) wanting.push_back(*peer);
  return wanting;
}

bool all_resolved(const KeyEntries& entries, const LiteralPrefix& prefix) {
  for (auto at = entries.lower_bound({prefix, {}});
       at != entries.end() && at->first.prefix == prefix; ++at)
    if (at->second.stage != KeyEntry::Stage::resolved) return false;
  return true;
}

double estimate_of(const KeyEntry& root, UnixSeconds today) {
  KeySketch sketch(root.key);
  for (const auto& [id, record] : root.records)
    if (record.peer.expires_at >= today) sketch.add(id);
  return sketch.estimate(today);
}

}  // namespace starling
