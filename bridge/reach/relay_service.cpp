// Reservations, circuits, and who may send how much when.
#include "bridge/reach/relay_service.hpp"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

constexpr auto idle_max = std::chrono::minutes{1};  // ends say something every two seconds
constexpr double burst_s = 1;                       // of a rate that may be saved up
constexpr double newcomers_share = 1.0 / 8;
// Credit is passed on in steps of this size, or whatever is wanted if that is less.
constexpr std::uint64_t step_min = 16U << 10U;

double seconds_between(TimePoint a, TimePoint b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

// --- Places

wire::RelayReserved RelayService::reserve(const NodeId& peer, bool wanted) {
  if (!wanted) {
    reservations_.erase(peer);
    return {false, "given back"};
  }
  if (!is_open_) return {false, "this node does not relay"};
  if (!reservations_.contains(peer) && reservations_.size() >= bounds_.reservations_max)
    return {false, "all places are taken"};
  reservations_[peer] = 1;
  return {true, ""};
}

// --- Circuits

std::size_t RelayService::circuits_of(const NodeId& peer) const {
  return static_cast<std::size_t>(
      std::count_if(circuits_.begin(), circuits_.end(), [&](const auto& entry) {
        return entry.second.ends[0].peer == peer || entry.second.ends[1].peer == peer;
      }));
}

void RelayService::refuse(LinkId from, std::uint32_t channel, std::string why) {
  sender_.send(from, wire::RelayClose{channel, std::move(why)});
}

void RelayService::on_open(const Neighbour& from, const Neighbour& to, const wire::RelayOpen& frame,
                           TimePoint now) {
  if (!is_open_) return refuse(from.link, frame.channel, "this node does not relay");
  // Who asked for a place gets one; others, as long as half of them are free.
  const std::size_t room =
      reservations_.contains(to.peer) ? bounds_.circuits_max : bounds_.circuits_max / 2;
  if (circuits_.size() >= room)
    return refuse(from.link, frame.channel, "the relay carries as many links as it can");
  if (circuits_of(from.peer) >= bounds_.peer_circuits_max
      || circuits_of(to.peer) >= bounds_.peer_circuits_max)
    return refuse(from.link, frame.channel, "the relay carries enough links for one node");
  const bool is_odd = frame.channel % 2 == 1;
  if (is_odd != from.we_dialled || places_.contains({from.link, frame.channel}))
    return refuse(from.link, frame.channel, "a channel number that is not to be used");

  std::uint32_t& next = next_channel_.try_emplace(to.link, to.we_dialled ? 0U : 1U).first->second;
  // Even and odd numbers of a link belong to its two ends; ours are shared with our own channels,
  // which count from below, so circuits count from the middle.
  const std::uint32_t channel = 0x80000000U | next;
  next = (next + 2) & 0x7FFFFFFFU;
  const std::uint64_t id = ++last_circuit_;
  Circuit& circuit = circuits_[id];
  circuit.ends[0] = {from.peer, from.link, frame.channel, 0, 0, 0};
  circuit.ends[1] = {to.peer, to.link, channel, 0, 0, frame.window};
  circuit.last_used = now;
  places_[{from.link, frame.channel}] = {id, 0};
  places_[{to.link, channel}] = {id, 1};
  fill(now);
  End& callee = circuit.ends[1];
  callee.told = std::min<std::uint64_t>(frame.window, step_min);
  if (!sender_.send(to.link, wire::RelayOpen{channel, to.peer, from.peer, callee.told}))
    close(id, "the other end has gone");
}

const RelayService::Place* RelayService::place(LinkId link, std::uint32_t channel) const {
  const auto found = places_.find({link, channel});
  return found == places_.end() ? nullptr : &found->second;
}

RelayService::Outcome RelayService::on_opened(LinkId link, const wire::RelayOpened& frame,
                                              TimePoint now) {
  const Place* at = place(link, frame.channel);
  if (at == nullptr) return {};
  Circuit& circuit = circuits_.at(at->circuit);
  if (at->end != 1 || std::exchange(circuit.opened, true)) return {true, false};
  End& caller = circuit.ends[0];
  caller.other_takes = frame.window;
  caller.told = std::min<std::uint64_t>(frame.window, step_min);
  circuit.last_used = now;
  sender_.send(caller.link, wire::RelayOpened{caller.channel, caller.told});
  for (std::size_t end = 0; end < circuit.ends.size(); ++end) grant(circuit, end, tokens_, now);
  return {true, true};
}

RelayService::Outcome RelayService::on_data(LinkId link, wire::RelayData&& frame, TimePoint now) {
  const Place* at = place(link, frame.channel);
  if (at == nullptr) return {};
  const std::uint64_t id = at->circuit;
  Circuit& circuit = circuits_.at(id);
  End& from = circuit.ends[static_cast<std::size_t>(at->end)];
  const End& to = circuit.ends[static_cast<std::size_t>(1 - at->end)];
  const std::size_t size = frame.data.size();
  from.sent += size;
  if (from.sent > from.told) {
    close(id, "one end sent more than it was allowed to");
    return {true, false};
  }
  bytes_carried_ += size;
  ledger_.on_relayed_for(from.peer, size, now);
  ledger_.on_relayed_for(to.peer, size, now);
  circuit.last_used = now;
  sender_.send(to.link, wire::RelayData{to.channel, std::move(frame.data)});
  return {true, true};
}

RelayService::Outcome RelayService::on_credit(LinkId link, const wire::RelayCredit& frame,
                                              TimePoint now) {
  const Place* at = place(link, frame.channel);
  if (at == nullptr) return {};
  Circuit& circuit = circuits_.at(at->circuit);
  const auto other = static_cast<std::size_t>(1 - at->end);
  End& sender = circuit.ends[other];
  if (frame.limit < sender.other_takes) return {true, false};
  sender.other_takes = frame.limit;
  fill(now);
  if (waiting_ == 0 && grant(circuit, other, tokens_, now) == 0) return {true, true};
  waiting_ = std::max<std::size_t>(waiting_, 1);
  return {true, true};
}

RelayService::Outcome RelayService::on_close(LinkId link, const wire::RelayClose& frame) {
  const Place* at = place(link, frame.channel);
  if (at == nullptr) return {};
  close(at->circuit, frame.why, at->end);
  return {true, true};
}

void RelayService::close(std::uint64_t circuit, const std::string& why,
                         std::optional<int> but_not) {
  const auto found = circuits_.find(circuit);
  if (found == circuits_.end()) return;
  const std::array<End, 2> ends = found->second.ends;
  for (const End& end : ends) places_.erase({end.link, end.channel});
  circuits_.erase(found);
  for (int i = 0; i < 2; ++i) {
    const End& end = ends[static_cast<std::size_t>(i)];
    if (but_not != i) sender_.send(end.link, wire::RelayClose{end.channel, why});
  }
}

void RelayService::on_link_lost(LinkId link) {
  next_channel_.erase(link);
  std::vector<std::uint64_t> lost;
  for (const auto& [id, circuit] : circuits_) {
    if (circuit.ends[0].link == link || circuit.ends[1].link == link) lost.push_back(id);
  }
  for (const std::uint64_t id : lost) close(id, "the link of the other end has ended");
}

void RelayService::end_idle(TimePoint now) {
  std::vector<std::uint64_t> idle;
  for (const auto& [id, circuit] : circuits_) {
    if (now - circuit.last_used >= idle_max) idle.push_back(id);
  }
  for (const std::uint64_t id : idle) close(id, "nothing has passed for a minute");
  std::erase_if(rates_, [&](const auto& entry) { return circuits_of(entry.first) == 0; });
}

// --- Rates

void RelayService::fill(TimePoint now) {
  const double most = bounds_.bytes_per_s * burst_s;
  if (!filled_) tokens_ = most;
  if (filled_)
    tokens_ = std::min(most, tokens_ + bounds_.bytes_per_s * seconds_between(*filled_, now));
  filled_ = now;
}

RelayService::Rate& RelayService::rate_of(const NodeId& peer, TimePoint now) {
  const auto [at, is_new] = rates_.try_emplace(peer);
  Rate& rate = at->second;
  const double most = bounds_.peer_bytes_per_s * burst_s;
  const auto hour_most = static_cast<double>(bounds_.peer_bytes_per_hour);
  if (is_new) {
    rate = {most, hour_most, now};
  } else {
    const double s = seconds_between(rate.filled, now);
    rate.tokens = std::min(most, rate.tokens + bounds_.peer_bytes_per_s * s);
    rate.hour_tokens = std::min(hour_most, rate.hour_tokens + hour_most / 3'600 * s);
    rate.filled = now;
  }
  return rate;
}

std::uint64_t RelayService::wanted(const End& end) {
  return end.other_takes > end.told ? end.other_takes - end.told : 0;
}

std::uint64_t RelayService::grant(Circuit& circuit, std::size_t at, double share_max,
                                  TimePoint now) {
  End& end = circuit.ends[at];
  const std::uint64_t want = wanted(end);
  if (want == 0) return 0;
  // Whoever gives credit and does not read would make us keep what comes for it.
  if (sender_.is_congested(circuit.ends[1 - at].link)) return want;
  Rate& rate = rate_of(end.peer, now);
  const double room = std::min({share_max, tokens_, rate.tokens, rate.hour_tokens});
  const auto take = std::min<std::uint64_t>(want, room > 0 ? static_cast<std::uint64_t>(room) : 0);
  if (take < std::min(want, step_min)) return want;
  end.told += take;
  tokens_ -= static_cast<double>(take);
  rate.tokens -= static_cast<double>(take);
  rate.hour_tokens -= static_cast<double>(take);
  sender_.send(end.link, wire::RelayCredit{end.channel, end.told});
  return want - take;
}

void RelayService::on_tick(TimePoint now) {
  fill(now);
  struct Hungry {
    Circuit* circuit;
    std::size_t at;
    [[nodiscard]] const End& end() const { return circuit->ends[at]; }
  };
  std::array<std::vector<Hungry>, 3> hungry;  // by rank
  for (auto& [id, circuit] : circuits_) {
    if (!circuit.opened) continue;
    for (std::size_t at = 0; at < circuit.ends.size(); ++at) {
      const End& end = circuit.ends[at];
      if (wanted(end) == 0) continue;
      hungry[static_cast<std::size_t>(ledger_.rank(end.peer))].push_back({&circuit, at});
    }
  }
  const auto serve = [&](std::vector<Hungry>& ends, double budget) {
    // Who has been served least goes first: circuits are kept in the order of their making.
    std::stable_sort(ends.begin(), ends.end(),
                     [](const Hungry& a, const Hungry& b) { return a.end().told < b.end().told; });
    std::size_t left = ends.size();
    for (const Hungry& one : ends) {
      const double before = tokens_;
      grant(*one.circuit, one.at, std::max<double>(budget / static_cast<double>(left), step_min),
            now);
      budget -= before - tokens_;
      --left;
    }
  };
  serve(hungry[static_cast<std::size_t>(RelayRank::newcomer)], tokens_ * newcomers_share);
  serve(hungry[static_cast<std::size_t>(RelayRank::gives)], tokens_);
  serve(hungry[static_cast<std::size_t>(RelayRank::takes)], tokens_);
  serve(hungry[static_cast<std::size_t>(RelayRank::newcomer)], tokens_);
  waiting_ = 0;
  for (const auto& ends : hungry) {
    waiting_ += static_cast<std::size_t>(std::count_if(
        ends.begin(), ends.end(), [](const Hungry& one) { return wanted(one.end()) > 0; }));
  }
}

}  // namespace starling
