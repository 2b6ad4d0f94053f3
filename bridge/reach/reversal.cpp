// The bounds of dial-me requests.
#include "bridge/reach/reversal.hpp"

#include <algorithm>

namespace starling {
namespace {

constexpr Duration rate_window = std::chrono::minutes{1};

}  // namespace

std::vector<NodeId> Reversal::ask(const NodeId& asked, const std::vector<NodeId>& helpers,
                                  TimePoint now) {
  if (helpers.empty()) return {};
  forget_old(now);
  if (asked_.contains(asked) || asked_.size() >= limits::dial_me_pairs_max) return {};
  asked_[asked] = now;
  const std::size_t count = std::min(helpers.size(), limits::dial_me_helpers_max);
  return {helpers.begin(), helpers.begin() + static_cast<std::ptrdiff_t>(count)};
}

bool Reversal::may_pass_on(const NodeId& asker, const NodeId& asked, TimePoint now) {
  return asker != asked && take(asker, {asker, asked}, now);
}

bool Reversal::may_follow(const NodeId& asker, const NodeId& helper, TimePoint now) {
  // A pair of the asker with itself never is one of may_pass_on's.
  return take(helper, {asker, asker}, now);
}

bool Reversal::take(const NodeId& source, const std::pair<NodeId, NodeId>& pair, TimePoint now) {
  forget_old(now);
  if (pairs_.contains(pair) || pairs_.size() >= limits::dial_me_pairs_max) return false;
  if (!rates_.contains(source) && rates_.size() >= limits::dial_me_pairs_max) return false;
  Rate& rate = rates_.try_emplace(source, Rate{now, 0}).first->second;
  if (rate.count >= limits::dial_me_per_minute) return false;
  ++rate.count;
  pairs_[pair] = now;
  return true;
}

void Reversal::forget_old(TimePoint now) {
  std::erase_if(asked_,
                [now](const auto& e) { return now - e.second >= limits::dial_me_interval; });
  std::erase_if(pairs_,
                [now](const auto& e) { return now - e.second >= limits::dial_me_interval; });
  std::erase_if(rates_,
                [now](const auto& e) { return now - e.second.window_begin >= rate_window; });
}

}  // namespace starling
