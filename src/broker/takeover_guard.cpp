#include "src/broker/takeover_guard.hpp"

#include <algorithm>
#include <utility>

namespace starling {

bool TakeoverGuard::is_quick(const Contest& contest, TimePoint now) {
  return contest.count == contest.changes.size()
         && now - contest.changes[contest.next] < limits::takeover_window;
}

TakeoverGuard::Admission TakeoverGuard::on_connect(std::string_view client_id, bool takes_over,
                                                   TimePoint now) {
  auto at = contests_.find(client_id);
  if (at == contests_.end()) {
    if (!takes_over) return {now, false};
    if (contests_.size() >= limits::takeovers_watched_max) forget_calm(now);
    if (contests_.size() >= limits::takeovers_watched_max) return {now, false};
    at = contests_.emplace(std::string(client_id), Contest{}).first;
  }
  Contest& contest = at->second;
  if (!is_quick(contest, now)) {
    contest.is_delayed = false;
    if (!takes_over) return {now, false};
  } else if (const TimePoint due = contest.latest + limits::takeover_pace; due > now) {
    return {due, !std::exchange(contest.is_delayed, true)};
  }
  contest.changes[contest.next] = now;
  contest.next = (contest.next + 1) % contest.changes.size();
  contest.count = std::min(contest.count + 1, contest.changes.size());
  contest.latest = now;
  return {now, false};
}

// A walk through all of them, so at most once per window.
void TakeoverGuard::forget_calm(TimePoint now) {
  if (now - swept_at_ < limits::takeover_window && swept_at_ != TimePoint{}) return;
  swept_at_ = now;
  std::erase_if(contests_, [now](const auto& entry) {
    return now - entry.second.latest >= limits::takeover_window;
  });
}

}  // namespace starling
