// Hearing and being heard in a local network.
#include "bridge/reach/lan_neighbours.hpp"

#include <algorithm>

namespace starling {
namespace {

using std::chrono::seconds;

// A neighbour that goes on being heard is told about again: its link may have ended meanwhile. Less
// than the interval of beacons, so that each of them counts.
constexpr auto told_again_after = seconds{20};

}  // namespace

LanNeighbours::LanNeighbours(const NodeId& own, std::uint16_t port,
                             std::vector<crypto::MeshKeys> meshes, Entropy& entropy)
    : own_(own),
      port_(port),
      meshes_(std::move(meshes)),
      entropy_(entropy),
      instance_(entropy.next_u64()) {
  // How many meshes a node is in is nobody's business either.
  for (std::size_t i = meshes_.size(); i < lan_tags_max; ++i) {
    decoys_.emplace_back();
    entropy_.fill(decoys_.back());
  }
}

// --- Being heard

void LanNeighbours::on_appearance(TimePoint now) {
  due_ = {now, now + seconds{1}, now + seconds{3}};
}

std::optional<TimePoint> LanNeighbours::next_deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.front();
}

std::optional<Bytes> LanNeighbours::take_beacon(TimePoint now, UnixSeconds unix_now) {
  if (due_.empty() || now < due_.front()) return std::nullopt;
  std::erase_if(due_, [now](TimePoint due) { return due <= now; });
  if (due_.empty()) due_.push_back(now + beacon_interval);
  last_sent_ = now;
  LanBeacon beacon{own_, port_, {}, instance_};
  const std::uint64_t hour = lan_hour(unix_now);
  const auto add = [&](const crypto::Key& key) {
    if (beacon.tags.size() < lan_tags_max) beacon.tags.push_back(lan_tag(key, beacon, hour));
  };
  for (const crypto::MeshKeys& mesh : meshes_) add(mesh.member);
  for (const crypto::Key& decoy : decoys_) add(decoy);
  std::sort(beacon.tags.begin(), beacon.tags.end());  // nor which of them are the decoys
  return write_lan_beacon(beacon);
}

// --- Hearing

LanNeighbours::Heard LanNeighbours::on_datagram(const Endpoint& from, ByteView bytes, TimePoint now,
                                                UnixSeconds unix_now) {
  Heard heard = judge(from, bytes, now, unix_now);
  ++counts_[static_cast<std::size_t>(heard.verdict)];
  if (heard.is_new && !due_.empty()) {
    // It has just begun to listen: others answer too, hence not all at once.
    const auto most = static_cast<std::uint64_t>(answer_delay_max.count());
    const Duration wait(static_cast<Duration::rep>(entropy_.below(most + 1)));
    const TimePoint when = std::max(now + wait, last_sent_ + answer_interval);
    if (due_.front() > when) due_.insert(due_.begin(), when);
  }
  return heard;
}

LanNeighbours::Heard LanNeighbours::judge(const Endpoint& from, ByteView bytes, TimePoint now,
                                          UnixSeconds unix_now) {
  Heard heard;
  if (is_flooded(from, now)) return heard;
  const auto beacon = read_lan_beacon(bytes);
  heard.verdict = Verdict::malformed;
  if (!beacon || !is_lan_address(from)) return heard;
  heard.verdict = Verdict::ours;
  if (beacon->node == own_) return heard;
  heard.verdict = Verdict::stranger;
  heard.meshes = shared_meshes(*beacon, unix_now);
  if (heard.meshes.empty()) return heard;

  heard.node = beacon->node;
  heard.endpoint = {from.address, beacon->port};
  Neighbour& neighbour = remember(heard.node, heard.endpoint, now);
  heard.is_new = !neighbour.told_at || neighbour.instance != beacon->instance;
  neighbour.instance = beacon->instance;
  neighbour.heard_at = now;
  heard.verdict = Verdict::again;
  if (!heard.is_new && now - *neighbour.told_at < told_again_after) return heard;
  neighbour.told_at = now;
  heard.verdict = Verdict::neighbour;
  return heard;
}

/// Counts in whole seconds. At most beacons_per_second sources can come into one of them.
bool LanNeighbours::is_flooded(const Endpoint& from, TimePoint now) {
  if (now - second_began_ >= seconds{1}) {
    second_began_ = now;
    seen_in_second_ = 0;
    sources_in_second_.clear();
  }
  if (seen_in_second_ >= beacons_per_second) return true;
  std::size_t& of_source = sources_in_second_[from.address];
  if (of_source >= beacons_per_source) return true;
  ++of_source;
  ++seen_in_second_;
  return false;
}

std::vector<std::size_t> LanNeighbours::shared_meshes(const LanBeacon& beacon,
                                                      UnixSeconds unix_now) const {
  std::vector<std::size_t> shared;
  const std::uint64_t hour = lan_hour(unix_now);
  for (std::size_t i = 0; i < meshes_.size(); ++i) {
    // The clocks of two nodes may lie apart, and be at the border of two hours.
    for (const std::uint64_t near : {hour, hour - 1, hour + 1}) {
      const LanTag tag = lan_tag(meshes_[i].member, beacon, near);
      if (std::find(beacon.tags.begin(), beacon.tags.end(), tag) == beacon.tags.end()) continue;
      shared.push_back(i);
      break;
    }
  }
  return shared;
}

/// A full table forgets who was heard longest ago.
LanNeighbours::Neighbour& LanNeighbours::remember(const NodeId& node, const Endpoint& endpoint,
                                                  TimePoint now) {
  std::erase_if(neighbours_,
                [now](const auto& entry) { return now - entry.second.heard_at > forgotten_after; });
  const std::pair key(node, endpoint);
  if (!neighbours_.contains(key) && neighbours_.size() >= neighbours_max) {
    neighbours_.erase(std::min_element(
        neighbours_.begin(), neighbours_.end(),
        [](const auto& a, const auto& b) { return a.second.heard_at < b.second.heard_at; }));
  }
  Neighbour& neighbour = neighbours_[key];
  neighbour.heard_at = now;
  return neighbour;
}

std::size_t LanNeighbours::size(TimePoint now) const {
  return static_cast<std::size_t>(std::count_if(
      neighbours_.begin(), neighbours_.end(),
      [now](const auto& entry) { return now - entry.second.heard_at <= forgotten_after; }));
}

}  // namespace starling
