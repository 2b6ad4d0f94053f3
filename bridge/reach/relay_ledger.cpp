// Accounts fade: what was given a week ago says little.
#include "bridge/reach/relay_ledger.hpp"

#include <algorithm>

namespace starling {
namespace {

constexpr std::size_t accounts_max = 4'096;
constexpr auto half_life = std::chrono::hours{24};
constexpr std::uint64_t newcomer_bytes = 1U << 20U;

}  // namespace

RelayLedger::Entry& RelayLedger::entry(const NodeId& peer, TimePoint now) {
  const auto found = accounts_.find(peer);
  if (found == accounts_.end() && accounts_.size() >= accounts_max) {
    accounts_.erase(std::min_element(
        accounts_.begin(), accounts_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  const auto [at, is_new] = accounts_.try_emplace(peer);
  Entry& entry = at->second;
  if (is_new) entry.halved = now;
  while (now - entry.halved >= half_life) {
    entry.account.for_them /= 2;
    entry.account.for_us /= 2;
    entry.halved += half_life;
  }
  entry.used = now;
  return entry;
}

void RelayLedger::on_relayed_for(const NodeId& peer, std::uint64_t bytes, TimePoint now) {
  entry(peer, now).account.for_them += bytes;
}

void RelayLedger::on_relayed_by(const NodeId& peer, std::uint64_t bytes, TimePoint now) {
  entry(peer, now).account.for_us += bytes;
}

RelayLedger::Account RelayLedger::account(const NodeId& peer) const {
  const auto found = accounts_.find(peer);
  return found == accounts_.end() ? Account{} : found->second.account;
}

RelayRank RelayLedger::rank(const NodeId& peer) const {
  const Account about = account(peer);
  if (about.for_us > 0 && about.for_us >= about.for_them / 2) return RelayRank::gives;
  return about.for_them < newcomer_bytes ? RelayRank::newcomer : RelayRank::takes;
}

}  // namespace starling
