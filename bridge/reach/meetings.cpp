// The three steps of a meeting: propose, accept, now.
#include "bridge/reach/meetings.hpp"

#include <algorithm>

namespace starling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t meetings_max = 512;
constexpr auto step_time = seconds{5};  // an answer that takes longer says little about the time
constexpr auto propose_pause_min = seconds{10};
constexpr auto propose_pause_max = minutes{10};
constexpr auto dial_time = seconds{6};
constexpr auto accept_pause = seconds{5};  // between two meetings with one peer that it proposes

}  // namespace

void Meetings::make_room(TimePoint now) {
  if (peers_.size() < meetings_max) return;
  std::erase_if(peers_, [now](const auto& entry) {
    return now >= entry.second.not_before && now - entry.second.since > step_time;
  });
  if (peers_.size() >= meetings_max) peers_.erase(peers_.begin());
}

bool Meetings::may_propose(const NodeId& peer, TimePoint now) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() || now >= found->second.not_before;
}

void Meetings::on_proposed(const NodeId& peer, TimePoint now) {
  make_room(now);
  Entry& entry = peers_[peer];
  entry.stage = Stage::proposed;
  entry.since = now;
  const Duration pause = propose_pause_min * (1U << std::min(entry.proposals, 6U));
  entry.not_before = now + std::min<Duration>(pause, propose_pause_max);
  ++entry.proposals;
}

Meetings::Next Meetings::on_step(const wire::Meet& step, TimePoint now) {
  make_room(now);
  Entry& entry = peers_[step.from];
  const bool is_fresh = now - entry.since <= step_time;
  switch (step.step) {
    case wire::Meet::Step::propose:
      // Of two proposals that cross, the one of the smaller NodeId holds.
      if (entry.stage == Stage::proposed && is_fresh && own_ < step.from) return {};
      if (entry.accepted_before && now - entry.last_accepted < accept_pause) return {};
      if (now < entry.dials_until) return {};
      entry.stage = Stage::accepted;
      entry.since = entry.last_accepted = now;
      entry.accepted_before = true;
      entry.theirs = step.endpoint;
      // Two meetings at a time would take each other's connections.
      entry.not_before = std::max<TimePoint>(entry.not_before, now + propose_pause_min);
      return {Next::Act::accept, step.endpoint, {}};
    case wire::Meet::Step::accept: {
      if (entry.stage != Stage::proposed || !is_fresh) return {};
      entry.stage = Stage::idle;
      entry.dials_until = now + dial_time;
      return {Next::Act::say_now, step.endpoint, (now - entry.since) / 2};
    }
    case wire::Meet::Step::now:
      if (entry.stage != Stage::accepted || !is_fresh) return {};
      entry.stage = Stage::idle;
      entry.dials_until = now + dial_time;
      return {Next::Act::begin, entry.theirs, {}};
  }
  return {};
}

}  // namespace starling
