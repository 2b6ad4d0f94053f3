// How answers of testers become a verdict.
#include "bridge/reach/dial_tests.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace starling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t testers_per_round = 2;
constexpr std::size_t answers_max = 8;     // remembered per address
constexpr auto answer_time = seconds{12};  // a dial takes 5 s at most, a handshake a moment
constexpr auto ask_twice_after = seconds{5};
constexpr auto other_network_after = seconds{2};
constexpr auto retest_dialable = minutes{30};
constexpr auto retest_failed_min = minutes{1};
constexpr auto retest_failed_max = minutes{15};

}  // namespace

void DialTests::set_candidates(const std::vector<Endpoint>& endpoints, TimePoint now) {
  const std::set<Endpoint> wanted(endpoints.begin(), endpoints.end());
  changed_ = changed_ || std::erase_if(candidates_, [&](const auto& entry) {
                           return !wanted.contains(entry.first);
                         }) > 0;
  for (const Endpoint& endpoint : wanted) {
    if (candidates_.try_emplace(endpoint).second) candidates_[endpoint].due = now;
  }
}

std::vector<DialTest> DialTests::due(const std::vector<Tester>& testers, TimePoint now) {
  std::vector<DialTest> tests;
  for (auto& [endpoint, candidate] : candidates_) {
    if (now < candidate.due || !candidate.pending.empty() || testers.empty()) continue;
    // Those who have not been asked come first, and those of other networks than the ones chosen.
    std::vector<Tester> order = testers;
    std::stable_sort(order.begin(), order.end(), [&](const Tester& a, const Tester& b) {
      return candidate.answers.count(a.peer) < candidate.answers.count(b.peer);
    });
    std::vector<Tester> chosen{order.front()};
    for (const Tester& tester : order) {
      if (chosen.size() < testers_per_round && tester.network != chosen.front().network)
        chosen.push_back(tester);
    }
    for (const Tester& tester : order) {
      const bool is_chosen = std::any_of(chosen.begin(), chosen.end(), [&](const Tester& other) {
        return other.peer == tester.peer;
      });
      if (chosen.size() < testers_per_round && !is_chosen) chosen.push_back(tester);
    }
    begin_round(candidate, now);
    candidate.round_open = true;
    for (const Tester& tester : chosen) {
      Pending pending;
      entropy_.fill(pending.nonce);
      pending.network = tester.network;
      pending.since = now;
      candidate.pending[tester.peer] = pending;
      tests.push_back({tester.peer, pending.nonce, endpoint});
    }
  }
  return tests;
}

void DialTests::begin_round(Candidate& candidate, TimePoint now) const {
  if (candidate.verdict == DialVerdict::dialable) {
    candidate.due = now + retest_dialable;
    return;
  }
  const Duration pause = retest_failed_min * (1U << std::min(candidate.rounds_failed, 4U));
  candidate.due = now + std::min<Duration>(pause, retest_failed_max);
}

bool DialTests::on_dialled(const NodeId& tester, const wire::DialNonce& nonce, TimePoint now) {
  for (auto& [endpoint, candidate] : candidates_) {
    const auto pending = candidate.pending.find(tester);
    if (pending == candidate.pending.end() || pending->second.nonce != nonce) continue;
    candidate.answers[tester] = {true, pending->second.network, now, {}};
    candidate.pending.erase(pending);
    return true;
  }
  return false;
}

void DialTests::on_failed(const NodeId& tester, const wire::DialNonce& nonce, std::string why,
                          TimePoint now) {
  for (auto& [endpoint, candidate] : candidates_) {
    const auto pending = candidate.pending.find(tester);
    if (pending == candidate.pending.end() || pending->second.nonce != nonce) continue;
    candidate.answers[tester] = {false, pending->second.network, now, why};
    candidate.pending.erase(pending);
    candidate.why = std::move(why);
    return;
  }
}

void DialTests::on_tester_lost(const NodeId& tester, TimePoint now) {
  for (auto& [endpoint, candidate] : candidates_) {
    if (candidate.pending.erase(tester) == 0 || !candidate.pending.empty()) continue;
    candidate.due = std::min(candidate.due, now);
  }
}

bool DialTests::review(const std::vector<Tester>& testers, TimePoint now) {
  for (auto& [endpoint, candidate] : candidates_) {
    for (auto pending = candidate.pending.begin(); pending != candidate.pending.end();) {
      if (now - pending->second.since < answer_time) {
        ++pending;
        continue;
      }
      candidate.why = "no answer";
      candidate.answers[pending->first] = {false, pending->second.network, now, candidate.why};
      pending = candidate.pending.erase(pending);
    }
    while (candidate.answers.size() > answers_max) {
      candidate.answers.erase(
          std::min_element(candidate.answers.begin(), candidate.answers.end(),
                           [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    }
    judge(candidate, testers, now);
  }
  return std::exchange(changed_, false);
}

void DialTests::judge(Candidate& candidate, const std::vector<Tester>& testers, TimePoint now) {
  std::set<std::uint64_t> networks;
  for (const Tester& tester : testers) networks.insert(tester.network);
  std::set<std::uint64_t> dialled_from;
  std::size_t dialled = 0;
  std::size_t failed = 0;
  for (const auto& [peer, answer] : candidate.answers) {
    networks.insert(answer.network);
    if (answer.dialled) {
      dialled_from.insert(answer.network);
      ++dialled;
    } else {
      ++failed;
    }
  }
  const bool is_refuted = failed > dialled;
  const bool is_proved =
      dialled > 0 && dialled_from.size() >= std::min<std::size_t>(2, networks.size());
  const bool has_round_ended = candidate.pending.empty();
  if (has_round_ended && std::exchange(candidate.round_open, false))
    candidate.rounds_failed = is_refuted ? candidate.rounds_failed + 1 : 0;
  DialVerdict verdict = candidate.verdict;
  if (is_proved && !is_refuted) {
    verdict = DialVerdict::dialable;
  } else if (has_round_ended && is_refuted && (failed >= 2 || candidate.rounds_failed >= 2)) {
    verdict = DialVerdict::undialable;  // one voice must say it twice
  }
  if (has_round_ended && verdict == DialVerdict::untested && dialled > 0) {
    // It may lack only somebody of another network, who has come since.
    candidate.due = std::min<TimePoint>(candidate.due, now + other_network_after);
  } else if (has_round_ended && is_refuted && candidate.rounds_failed == 1) {
    candidate.due = std::min<TimePoint>(candidate.due, now + ask_twice_after);
  }
  if (verdict == candidate.verdict) return;
  candidate.verdict = verdict;
  changed_ = true;
}

TimePoint DialTests::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [endpoint, candidate] : candidates_) {
    if (candidate.pending.empty()) next = std::min(next, candidate.due);
    for (const auto& [tester, pending] : candidate.pending)
      next = std::min<TimePoint>(next, pending.since + answer_time);
  }
  return next;
}

DialVerdict DialTests::verdict(const Endpoint& endpoint) const {
  const auto found = candidates_.find(endpoint);
  return found == candidates_.end() ? DialVerdict::untested : found->second.verdict;
}

bool DialTests::is_testing(const Endpoint& endpoint) const {
  const auto found = candidates_.find(endpoint);
  return found != candidates_.end() && !found->second.pending.empty();
}

std::string DialTests::why(const Endpoint& endpoint) const {
  const auto found = candidates_.find(endpoint);
  return found == candidates_.end() ? std::string{} : found->second.why;
}

}  // namespace starling
