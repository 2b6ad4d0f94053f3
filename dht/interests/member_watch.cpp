#include "dht/interests/member_watch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <set>
#include <utility>

#include "starling/limits.hpp"

#include "dht/interests/peer_finder.hpp"
#include "dht/records/member_record.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Duration, 3> first_rereads = {5s, 20s, 60s};  // after start()
constexpr Duration no_token_pause = 1s;
constexpr Duration rare_reread = 30min;
constexpr Duration review_after = 1s;  // of news: what comes together is looked at together
constexpr std::size_t dialable_enough = 8;
constexpr std::size_t members_max = 1'024;
// A small mesh may be estimated this much too large; whether it is small shows the counting then.
constexpr double small_estimate_max = 1.5 * limits::small_mesh_members_max;

}  // namespace

MemberWatch::MemberWatch(const PeerFinderSettings& settings, Rendezvous& rendezvous,
                         Scheduler& scheduler, LookupPacer& pacer, OnMember on_member)
    : settings_(settings),
      rendezvous_(rendezvous),
      scheduler_(scheduler),
      pacer_(pacer),
      on_member_(std::move(on_member)),
      signatures_(shared_or_own(settings.signatures)) {}

MemberWatch::~MemberWatch() {
  stop();
}

void MemberWatch::start() {
  if (is_running_) return;
  is_running_ = true;
  readings_ = 0;
  started_at_ = scheduler_.now();
  read();
}

void MemberWatch::stop() {
  is_running_ = false;
  scheduler_.cancel(std::exchange(wake_, {}));
  root_reading_.reset();
  shard_reading_.reset();
  stop_listening();
}

void MemberWatch::seek() {
  if (!is_running_ || !listening_.empty() || root_reading_) return;
  if (scheduler_.now() - read_at_ >= limits::members_reread) read();
}

// --- Reading now and then

void MemberWatch::read() {
  const TimePoint now = scheduler_.now();
  if (!pacer_.try_take(now)) return arm(now + no_token_pause);
  ++readings_;
  read_at_ = now;
  root_reading_ = std::make_unique<KeyReading>(
      member_key(settings_.mesh), settings_.mesh, rendezvous_, scheduler_, *signatures_,
      [this](const VerifiedEnvelope& envelope) { on_record({}, envelope); },
      [this](const KeySketch& root) { on_read(root); });
}

void MemberWatch::on_read(const KeySketch& root) {
  root_reading_.reset();
  const double all = root.estimate(scheduler_.unix_now());
  estimate_ = static_cast<std::size_t>(std::lround(all));
  if (!settings_.open_mesh && all <= small_estimate_max) {
    listen_to({});
    return review();
  }
  if (all > static_cast<double>(root_keep)) {
    // Those at the root are the same few for everybody. One shard more, and links are spread.
    const Shard shard = shard_of(root.root(), settings_.own, shard_level(all));
    shard_reading_ = std::make_unique<KeyReading>(
        member_key(settings_.mesh, shard), settings_.mesh, rendezvous_, scheduler_, *signatures_,
        [this, shard](const VerifiedEnvelope& envelope) { on_record(shard, envelope); },
        [this](const KeySketch&) { shard_reading_.reset(); });
  }
  read_later();
}

void MemberWatch::read_later() {
  const TimePoint now = scheduler_.now();
  if (readings_ <= first_rereads.size() && dialable() < dialable_enough)
    return arm(std::max(now, started_at_ + first_rereads[readings_ - 1]));
  arm(now + (dialable() < dialable_enough ? Duration(limits::members_reread) : rare_reread));
}

// --- Listening, in a small mesh

void MemberWatch::listen_to(Shard shard) {
  if (listening_.contains(shard)) return;
  listening_[shard] = rendezvous_.listen(member_key(settings_.mesh, shard),
                                         [this, shard](ByteView value, bool expired) {
                                           if (!expired) on_value(shard, value);
                                           return true;
                                         });
}

void MemberWatch::stop_listening() {
  for (const auto& [shard, handle] : std::exchange(listening_, {}))
    if (handle) rendezvous_.cancel_listen(handle);
}

void MemberWatch::on_value(Shard shard, ByteView value) {
  const auto envelope = verify_envelope(value, member_key(settings_.mesh, shard),
                                        scheduler_.unix_now(), *signatures_);
  if (envelope) on_record(shard, *envelope);
}

/// Opens the shards in which somebody may stand, and closes the others; a mesh that has grown is
/// listened to no longer.
void MemberWatch::review() {
  const UnixSeconds today = scheduler_.unix_now();
  std::erase_if(members_, [&](const auto& member) { return member.second.expires_at < today; });
  const DhtKey root_key = member_key(settings_.mesh);
  KeySketch root(root_key);
  std::set<std::uint8_t> levels;
  for (const auto& [id, member] : members_) {
    if (member.shard == Shard{})
      root.add(id);
    else
      levels.insert(member.shard.level);
  }
  root.add(settings_.own);
  const double all = std::max(root.estimate(today), static_cast<double>(members_.size() + 1));
  estimate_ = static_cast<std::size_t>(std::lround(all));
  if (all > small_estimate_max) {
    stop_listening();
    return arm(scheduler_.now() + rare_reread);
  }
  const auto shards = shards_to_read(all, levels, limits::small_mesh_members_max);
  for (const Shard shard : shards) listen_to(shard);
  std::erase_if(listening_, [&](const auto& entry) {
    const auto& [shard, handle] = entry;
    if (shard == Shard{} || std::find(shards.begin(), shards.end(), shard) != shards.end())
      return false;
    rendezvous_.cancel_listen(handle);
    return true;
  });
  arm(scheduler_.now() + limits::members_reread);
}

// --- What comes

void MemberWatch::on_record(Shard shard, const VerifiedEnvelope& envelope) {
  if (envelope.node() == settings_.own) return;
  const auto peer = read_member_record(envelope, settings_.mesh);
  if (!peer || newest_.note(envelope, scheduler_.unix_now()) != Freshness::newer) return;
  const auto [at, is_new] = members_.try_emplace(peer->id);
  if (is_new && members_.size() > members_max) {
    members_.erase(at);
  } else {
    // It may have moved, and what stands at the old place is seen for some minutes yet.
    if (!is_new && at->second.stamp > envelope.stamp()) return;
    at->second = {envelope.stamp(), peer->expires_at, !peer->endpoints.empty(), shard};
    if (is_new && !listening_.empty()) arm(scheduler_.now() + review_after);
  }
  on_member_(*peer);
}

std::size_t MemberWatch::dialable() const {
  const UnixSeconds today = scheduler_.unix_now();
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [&](const auto& member) {
        return member.second.is_dialable && member.second.expires_at >= today;
      }));
}

void MemberWatch::arm(TimePoint when) {
  scheduler_.cancel(wake_);
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    on_timer();
  });
}

void MemberWatch::on_timer() {
  if (!listening_.empty()) return review();
  read();
}

}  // namespace starling
