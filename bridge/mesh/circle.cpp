// One mesh and its announcements.
#include "bridge/mesh/circle.hpp"

#include <utility>

namespace starling {

Circle::Circle(MeshIndex index, const MeshConfig& config, const crypto::SigningKey& identity,
               std::uint64_t epoch, const CirclePorts& ports)
    : index_(index),
      name_(config.name),
      open_(config.open),
      keys_(config.keys),
      handler_(ports.handler),
      announced_(config.rules),
      announcer_(AnnouncerSettings{identity, epoch, config.keys, config.open, ports.signatures},
                 ports.rendezvous, ports.scheduler, ports.entropy, ports.log),
      finder_(InterestFinderSettings{identity.node_id(), config.keys, limits::listened_keys_max,
                                     config.open, ports.signatures},
              ports.rendezvous, ports.scheduler, ports.pacer, *this),
      peer_finder_(
          PeerFinderSettings{identity.node_id(), config.keys, config.open, ports.signatures},
          ports.rendezvous, ports.scheduler, ports.pacer, *this),
      inbox_(InboxSettings{identity, epoch, config.keys, ports.signatures}, ports.rendezvous,
             ports.scheduler, *this) {}

void Circle::start(const std::vector<Endpoint>& endpoints) {
  announcer_.set_reach(endpoints);
  peer_finder_.watch_members();
}

void Circle::set_reach(const std::vector<Endpoint>& endpoints, const std::vector<Via>& vias) {
  announcer_.set_reach(endpoints, vias);
}

void Circle::on_local_change(const InterestChange& change) {
  for (InterestChange& crossing : announced_.on_local_change(change)) {
    announcer_.on_interest_change(crossing);
    changes_.push_back(std::move(crossing));
  }
}

std::vector<InterestChange> Circle::take_changes() {
  return std::exchange(changes_, {});
}

}  // namespace starling
