#include "src/app/reachability.hpp"

#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh.hpp"
#include "src/app/mesh_adapters.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

using config::NatChoice;

std::string text_of(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const Endpoint& endpoint : endpoints)
    text += (text.empty() ? "" : " ") + endpoint.address_text();
  return text;
}

/// NAT-PMP first: where nobody speaks it, that is known sooner.
std::vector<GatewayProtocol> protocols_of(NatChoice nat) {
  if (nat == NatChoice::upnp) return {GatewayProtocol::upnp};
  if (nat == NatChoice::nat_pmp) return {GatewayProtocol::nat_pmp};
  return {GatewayProtocol::nat_pmp, GatewayProtocol::upnp};
}

}  // namespace

std::optional<std::string> why_no_mapping(const Surroundings& here) {
  if (here.nat == NatChoice::off) return "no router is asked: nat = \"off\" under [dht]";
  // Routers map IPv4; an IPv6 address needs no mapping.
  if (here.bound.is_loopback() || (!here.bound.is_v4() && !here.bound.is_unspecified()))
    return "no router is asked: this node does not listen on an IPv4 address that one could "
           "forward to";
  const auto is_public = [](const Endpoint& own) { return own.is_v4() && own.is_global(); };
  if (std::ranges::any_of(here.local, is_public))
    return "no router is asked: this host has a public IPv4 address of its own";
  const auto is_inner = [](const Endpoint& own) { return own.is_v4() && own.is_private(); };
  if (std::ranges::none_of(here.local, is_inner))
    return "no router is asked: this host has no IPv4 address at the moment";
  if (here.nat != NatChoice::automatic) return std::nullopt;
  if (here.waits_for_bootstrap)
    return "no router is asked yet: where the bootstrap addresses are is not known";
  if (here.world != World::global)
    return "no router is asked: the bootstrap addresses are in this network too "
           "(nat = \"upnp\" or \"natpmp\" asks all the same)";
  return std::nullopt;
}

Reachability::Reachability(Parts parts, Surroundings here, std::uint16_t port)
    : parts_(parts),
      here_(std::move(here)),
      port_(port),
      gateway_(parts.loop, "/proc/self/exe"),  // also when the file has been replaced since
      mapper_(protocols_of(here_.nat), gateway_, parts.loop.scheduler(), parts.entropy, parts.log) {
  here_.local = reachable_at(here_.bound, port_);
}

void Reachability::start() {
  review();
  // Who listens at one address is reached there or nowhere.
  if (!here_.bound.is_unspecified()) return;
  watch_.emplace(parts_.loop, [this] { on_interfaces(); });
  if (!watch_->is_open()) {
    parts_.log.warn("interfaces_unwatched",
                    {{"text",
                      "the system does not tell when addresses change (AF_NETLINK is not allowed "
                      "here): after a change this node must be restarted"}});
  }
  on_interfaces();  // what has changed before the watch was there
}

void Reachability::on_interfaces() {
  if (is_ending_) return;
  std::vector<Endpoint> local = reachable_at(here_.bound, port_);
  if (local == here_.local) return;
  here_.local = std::move(local);
  parts_.log.info("interfaces_changed", {{"addresses", text_of(here_.local)}});
  parts_.mesh.set_local_endpoints(here_.local);
  if (is_kept_) mapper_.refresh();
  review();
}

void Reachability::on_bootstrap(const std::vector<Endpoint>& addresses) {
  OwnAddresses judge;
  judge.set_bootstrap(addresses);
  here_.world = judge.world();
  here_.waits_for_bootstrap = false;
  review();
}

void Reachability::review() {
  if (is_ending_ || is_releasing_) return;
  why_not_ = why_no_mapping(here_);
  if (!why_not_ && !is_kept_) {
    is_kept_ = true;
    mapper_.keep(port_, [this](const PortMapping& mapping) { on_mapping(mapping); });
    news_.emplace(parts_.loop, [this] { mapper_.refresh(); });
  } else if (why_not_ && is_kept_) {
    is_kept_ = false;
    is_releasing_ = true;
    news_.reset();
    parts_.log.info("port_mapping_not_needed", {{"text", *why_not_}});
    parts_.mesh.set_mapped_endpoints({});
    mapper_.release([this] {
      is_releasing_ = false;
      review();
    });
  }
}

void Reachability::on_mapping(const PortMapping& mapping) {
  std::vector<Endpoint> mapped;
  if (mapping.state == PortMapping::State::mapped) mapped.push_back(mapping.external);
  parts_.mesh.set_mapped_endpoints(std::move(mapped));
}

void Reachability::release(std::function<void()> done) {
  is_ending_ = true;
  news_.reset();
  // While one is under way its own bound holds, and nothing is left to give back but that.
  if (is_releasing_ || !is_kept_) return done();
  mapper_.release(std::move(done));
}

control::PortMappingStatus Reachability::port_mapping() const {
  const PortMapping& mapping = mapper_.mapping();
  control::PortMappingStatus status;
  status.asked = is_kept_;
  if (!is_kept_) {
    status.said = why_not_.value_or("");
    return status;
  }
  const std::string to = mapping.by + ": " + mapping.external.to_text() + " leads to port "
                         + std::to_string(port_) + " of this host, TCP and UDP";
  switch (mapping.state) {
    case PortMapping::State::mapped:
      status.external = mapping.external;
      status.said = to + (mapping.why.empty() ? "" : " (" + mapping.why + ")");
      break;
    case PortMapping::State::not_public:
      status.said = to + ", but " + mapping.why;
      break;
    case PortMapping::State::asking:
      status.said = "the router is being asked to forward port " + std::to_string(port_);
      break;
    case PortMapping::State::refused:
    case PortMapping::State::no_router:
    case PortMapping::State::off:
      status.said = mapping.why;
      break;
  }
  return status;
}

}  // namespace starling
