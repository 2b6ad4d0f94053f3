// How the addresses of a node are ranked.
#include "bridge/reach/own_addresses.hpp"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

void add_once(std::vector<Endpoint>& to, const Endpoint& endpoint, std::size_t count_max) {
  if (to.size() >= count_max || endpoint.port == 0) return;
  if (std::find(to.begin(), to.end(), endpoint) == to.end()) to.push_back(endpoint);
}

World world_of(const Endpoint& endpoint) {
  if (endpoint.is_loopback()) return World::loopback;
  if (endpoint.is_private()) return World::private_network;
  return World::global;
}

}  // namespace

std::uint64_t network_of(const Endpoint& endpoint) {
  const auto& a = endpoint.address;
  if (endpoint.is_v4()) return std::uint64_t{a[12]} << 8U | a[13];
  return 1ULL << 63U | std::uint64_t{a[0]} << 24U | std::uint64_t{a[1]} << 16U
         | std::uint64_t{a[2]} << 8U | a[3];
}

void OwnAddresses::set_configured(std::vector<Endpoint> endpoints) {
  configured_ = std::move(endpoints);
}

void OwnAddresses::set_local(std::vector<Endpoint> endpoints) {
  std::erase_if(endpoints, [](const Endpoint& e) { return e.is_unspecified() || e.port == 0; });
  local_ = std::move(endpoints);
}

void OwnAddresses::set_mapped(std::vector<Endpoint> endpoints) {
  std::erase_if(endpoints, [](const Endpoint& e) { return !e.is_global() || e.port == 0; });
  mapped_ = std::move(endpoints);
}

void OwnAddresses::set_bootstrap(const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) return;
  World widest = World::loopback;
  for (const Endpoint& endpoint : endpoints) widest = std::min(widest, world_of(endpoint));
  world_ = widest;
}

void OwnAddresses::on_observed(const NodeId& peer, const Endpoint& seen_from,
                               const Endpoint& observed, TimePoint now) {
  if (!observed.is_global() || mesh_port_ == 0) return;
  Endpoint key = observed;
  key.port = mesh_port_;  // the port seen is that of an outgoing connection
  const auto known = observed_.find(key);
  if (known == observed_.end() && observed_.size() >= limits::observed_addresses_max) {
    const auto oldest = std::min_element(
        observed_.begin(), observed_.end(),
        [](const auto& a, const auto& b) { return a.second.last < b.second.last; });
    observed_.erase(oldest);
  }
  // One voice per peer: who sees us elsewhere now no longer vouches for the place before.
  for (auto& [endpoint, observation] : observed_) {
    if (endpoint != key && endpoint.is_v4() == key.is_v4()) observation.networks.erase(peer);
  }
  Observation& observation = observed_[key];
  observation.last = now;
  if (observation.networks.size() < limits::observers_max || observation.networks.contains(peer)) {
    observation.networks[peer] = network_of(seen_from);
  }
  std::erase_if(observed_, [](const auto& entry) { return entry.second.networks.empty(); });
}

void OwnAddresses::expire(TimePoint now) {
  std::erase_if(observed_, [now](const auto& entry) {
    return now - entry.second.last > limits::observation_lifetime;
  });
}

bool OwnAddresses::is_trusted(const Observation& observation) const {
  std::uint64_t first_network = 0;
  bool first = true;
  bool several_anywhere = false;
  for (const auto& [endpoint, other] : observed_) {
    for (const auto& [peer, network] : other.networks) {
      if (first) first_network = network;
      several_anywhere = several_anywhere || network != first_network;
      first = false;
    }
  }
  if (!several_anywhere) return true;
  return std::any_of(observation.networks.begin(), observation.networks.end(), [&](const auto& a) {
    return a.second != observation.networks.begin()->second;
  });
}

std::vector<OwnAddresses::Candidate> OwnAddresses::candidates() const {
  std::vector<Candidate> list;
  const auto add = [&](const Endpoint& endpoint, AddressSource source, bool is_tested) {
    if (list.size() >= limits::record_endpoints_max || endpoint.port == 0) return;
    const bool is_there = std::any_of(list.begin(), list.end(), [&](const Candidate& candidate) {
      return candidate.endpoint == endpoint;
    });
    if (!is_there) list.push_back({endpoint, source, is_tested});
  };
  if (!configured_.empty()) {
    for (const Endpoint& endpoint : configured_) add(endpoint, AddressSource::configured, false);
    return list;
  }
  if (world_ != World::global) {
    // In a loopback world only loopback reaches the others for certain; in a private one loopback
    // reaches nobody.
    for (const Endpoint& endpoint : local_) {
      if (world_of(endpoint) == world_) add(endpoint, AddressSource::interface, false);
    }
    return list;
  }
  for (const Endpoint& endpoint : local_) {
    if (endpoint.is_global() && !endpoint.is_v4()) add(endpoint, AddressSource::interface, true);
  }
  for (const Endpoint& endpoint : local_) {
    if (endpoint.is_global() && endpoint.is_v4()) add(endpoint, AddressSource::interface, true);
  }
  for (const Endpoint& endpoint : mapped_) add(endpoint, AddressSource::mapped, true);
  for (const auto& [endpoint, observation] : observed_) {
    if (is_trusted(observation)) add(endpoint, AddressSource::observed, true);
  }
  return list;
}

bool OwnAddresses::may_announce(const Candidate& candidate, DialVerdict verdict, bool alone) {
  if (!candidate.is_tested || verdict == DialVerdict::dialable) return true;
  if (verdict == DialVerdict::undialable || candidate.source == AddressSource::observed)
    return false;
  return alone || (candidate.source == AddressSource::interface && candidate.endpoint.is_v4());
}

std::vector<Endpoint> OwnAddresses::announced(const DialTests& tests, bool alone) const {
  std::vector<Endpoint> list;
  for (const Candidate& candidate : candidates()) {
    if (may_announce(candidate, tests.verdict(candidate.endpoint), alone))
      list.push_back(candidate.endpoint);
  }
  return list;
}

std::vector<Endpoint> OwnAddresses::told_to_neighbour(std::vector<Endpoint> announced) const {
  for (const Endpoint& endpoint : local_) {
    if (endpoint.is_private()) add_once(announced, endpoint, limits::told_endpoints_max);
  }
  return announced;
}

bool OwnAddresses::is_of_interface(const Endpoint& endpoint) const {
  return std::any_of(local_.begin(), local_.end(),
                     [&](const Endpoint& local) { return local.address == endpoint.address; });
}

}  // namespace starling
