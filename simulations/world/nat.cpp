#include "simulations/world/nat.hpp"

#include <algorithm>

namespace starling::sim {

std::optional<NatKind> nat_kind_of(std::string_view text) {
  if (text == "full-cone") return NatKind::full_cone;
  if (text == "restricted") return NatKind::restricted;
  if (text == "port-restricted") return NatKind::port_restricted;
  if (text == "symmetric") return NatKind::symmetric;
  return std::nullopt;
}

Nat::Nat(const NatSettings& settings, const Endpoint& outside)
    : settings_(settings), outside_(outside) {}

void Nat::set_outside(const Endpoint& outside) {
  outside_ = outside;
  by_port_.clear();
  by_inside_.clear();
}

bool Nat::is_over(Transport transport, const Mapping& mapping, TimePoint now) const {
  if (mapping.is_permanent) return false;
  return now - mapping.used
         > (transport == Transport::udp ? settings_.udp_timeout : settings_.tcp_timeout);
}

/// What of a remote end decides whether it may answer.
Endpoint Nat::remembered(const Endpoint& remote) const {
  Endpoint kept = remote;
  if (settings_.kind == NatKind::restricted) kept.port = 0;
  return kept;
}

/// The inside port where it is free, as most routers do, except for symmetric ones.
std::uint16_t Nat::take_port(Transport transport, const Endpoint& inside) {
  if (settings_.kind != NatKind::symmetric && !by_port_.contains({transport, inside.port}))
    return inside.port;
  do {
    next_port_ =
        next_port_ == 65'535 ? std::uint16_t{20'000} : static_cast<std::uint16_t>(next_port_ + 1);
  } while (by_port_.contains({transport, next_port_}));
  return next_port_;
}

void Nat::make_room() {
  if (by_port_.size() < settings_.mappings_max) return;
  auto oldest = by_port_.end();
  for (auto at = by_port_.begin(); at != by_port_.end(); ++at) {
    if (at->second.is_permanent) continue;
    if (oldest == by_port_.end() || at->second.used < oldest->second.used) oldest = at;
  }
  if (oldest == by_port_.end()) return;
  by_inside_.erase(oldest->second.key);
  by_port_.erase(oldest);
}

Endpoint Nat::outward(Transport transport, const Endpoint& inside, const Endpoint& to,
                      TimePoint now) {
  const InsideKey key{transport, inside, settings_.kind == NatKind::symmetric ? to : Endpoint{}};
  auto known = by_inside_.find(key);
  if (known != by_inside_.end()) {
    const auto mapping = by_port_.find({transport, known->second});
    if (is_over(transport, mapping->second, now)) {
      by_port_.erase(mapping);
      by_inside_.erase(known);
      known = by_inside_.end();
    }
  }
  if (known == by_inside_.end()) {
    make_room();
    const std::uint16_t port = take_port(transport, inside);
    by_port_[{transport, port}] = Mapping{key, inside, now, false, {}};
    known = by_inside_.emplace(key, port).first;
  }
  Mapping& mapping = by_port_.at({transport, known->second});
  mapping.used = now;
  if (settings_.kind != NatKind::full_cone) mapping.sent_to[remembered(to)] = now;
  Endpoint seen = outside_;
  seen.port = known->second;
  return seen;
}

std::optional<Endpoint> Nat::inward(Transport transport, std::uint16_t port, const Endpoint& from,
                                    TimePoint now) {
  const auto found = by_port_.find({transport, port});
  if (found == by_port_.end() || is_over(transport, found->second, now)) return std::nullopt;
  const Mapping& mapping = found->second;
  if (mapping.is_permanent || settings_.kind == NatKind::full_cone) return mapping.inside;
  const auto sent = mapping.sent_to.find(remembered(from));
  if (sent == mapping.sent_to.end()) return std::nullopt;
  const Duration patience =
      transport == Transport::udp ? settings_.udp_timeout : settings_.tcp_timeout;
  if (now - sent->second > patience) return std::nullopt;
  return mapping.inside;
}

bool Nat::map_port(Transport transport, std::uint16_t outside_port, const Endpoint& inside) {
  const InsideKey key{transport, inside, Endpoint{}};
  const auto taken = by_port_.find({transport, outside_port});
  if (taken != by_port_.end() && taken->second.inside != inside) return false;
  if (taken != by_port_.end()) by_inside_.erase(taken->second.key);
  if (const auto other = by_inside_.find(key); other != by_inside_.end())
    by_port_.erase({transport, other->second});
  by_port_[{transport, outside_port}] = Mapping{key, inside, {}, true, {}};
  by_inside_[key] = outside_port;
  return true;
}

void Nat::unmap_port(Transport transport, std::uint16_t outside_port) {
  const auto found = by_port_.find({transport, outside_port});
  if (found == by_port_.end()) return;
  by_inside_.erase(found->second.key);
  by_port_.erase(found);
}

}  // namespace starling::sim
