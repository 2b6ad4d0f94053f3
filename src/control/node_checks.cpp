#include "src/control/node_checks.hpp"

#include <algorithm>

#include "src/control/text.hpp"

namespace starling::control {
namespace {

using namespace std::chrono_literals;

constexpr auto joining_time = 20s;       // for bootstrap addresses to answer
constexpr auto linking_time = 60s;       // for members that are up to be found and linked
constexpr std::size_t examples_max = 3;  // named in one line

Finding skipped(const char* check, std::string evidence) {
  return {check, Verdict::skipped, std::move(evidence), {}, {}};
}
Finding fine(const char* check, std::string evidence) {
  return {check, Verdict::ok, std::move(evidence), {}, {}};
}

/// Everything that is announced is private or loopback: no router stands between the nodes.
bool is_private_world(const MeshStatus& mesh) {
  return !mesh.announced.empty() && std::ranges::none_of(mesh.announced, &Endpoint::is_global);
}

bool is_dialable(const AddressStatus& address) {
  return address.dialability == Dialability::dialable;
}

/// Peers elsewhere that have dialled us of their own accord.
std::vector<std::string> callers(const MeshStatus& mesh) {
  std::vector<std::string> names;
  for (const PeerStatus& peer : mesh.peers)
    if (peer.path == PathKind::dialled_us && peer.remote && peer.remote->is_global())
      names.push_back(peer.id.to_short_text());
  return names;
}

bool is_reached(const MeshStatus& mesh) {
  return std::ranges::any_of(mesh.addresses, is_dialable) || !callers(mesh).empty();
}

bool is_public_here(const AddressStatus& address) {
  return address.source == AddressSource::interface && address.endpoint.is_v4()
         && address.endpoint.is_global();
}

std::string port_text(const NodeStatus& status) {
  return "TCP and UDP port " + std::to_string(status.mesh_port);
}

/// "a, b, c and 4 more"
std::string some_of(const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), examples_max); ++i)
    text += (i == 0 ? "" : ", ") + all[i];
  if (all.size() > examples_max)
    text += " and " + std::to_string(all.size() - examples_max) + " more";
  return text;
}

std::string texts_of(const std::vector<const AddressStatus*>& addresses) {
  std::vector<std::string> texts;
  texts.reserve(addresses.size());
  for (const AddressStatus* address : addresses) texts.push_back(address->endpoint.to_text());
  return some_of(texts);
}

template <class Wanted>
std::vector<const AddressStatus*> addresses_that(const MeshStatus& mesh, Wanted wanted) {
  std::vector<const AddressStatus*> found;
  for (const AddressStatus& address : mesh.addresses)
    if (wanted(address)) found.push_back(&address);
  return found;
}

std::string first_why(const std::vector<const AddressStatus*>& addresses) {
  for (const AddressStatus* address : addresses)
    if (!address->why.empty()) return address->why;
  return {};
}

const char* const no_mesh = "this node is in no mesh";
const char* const private_world = "a mesh of private addresses: no router stands in between";

}  // namespace

Finding check_daemon(const NodeStatus& status) {
  return fine("daemon", "node " + status.id.to_short_text() + " (" + status.name + "), process "
                            + std::to_string(status.process) + ", up "
                            + duration_text(status.uptime) + ", "
                            + counted(status.clients.connected, "client"));
}

Finding check_config(const NodeStatus& status) {
  if (status.config_warnings.empty())
    return fine("config", status.config_file.empty() ? "no configuration file was read"
                                                     : "as in " + status.config_file);
  const std::size_t more = status.config_warnings.size() - 1;
  return {
      "config",
      Verdict::warning,
      status.config_warnings.front() + (more > 0 ? " (and " + std::to_string(more) + " more)" : ""),
      {},
      "all of it stands in the log where it begins, and in that of every reload"};
}

Finding check_listeners(const NodeStatus& status) {
  if (status.listeners.empty())
    return {"listeners",
            Verdict::problem,
            "nobody is listened to: there is no listener",
            {},
            "add a [[listener]] to the configuration"};
  std::vector<std::string> texts;
  for (const OpenListener& listener : status.listeners)
    texts.push_back(listener.at + " (" + listener.protocol + ")");
  const bool local = std::ranges::all_of(status.listeners, &OpenListener::for_this_host_only);
  return fine("listeners",
              some_of(texts) + (local ? "; only programs of this host can connect" : ""));
}

Finding check_auth(const NodeStatus& status) {
  std::vector<std::string> open;
  for (const OpenListener& listener : status.listeners)
    if (listener.without_password && !listener.for_this_host_only) open.push_back(listener.at);
  if (open.empty()) return fine("auth", "nobody comes in from elsewhere without a password or key");
  return {"auth", Verdict::warning,
          some_of(open) + ": whoever gets there comes in without a password",
          "everything in that network may read and publish what the rules leave to strangers",
          "name a [auth] password_file, and set allow_anonymous = false"};
}

Finding check_nat_mapping(const NodeStatus& status) {
  constexpr const char* check = "nat-mapping";
  if (!status.mesh) return skipped(check, no_mesh);
  const MeshStatus& mesh = *status.mesh;
  if (is_private_world(mesh)) return skipped(check, private_world);
  const std::string said = status.port_mapping ? status.port_mapping->said : "";
  const std::string behind = said.empty() ? "" : "; " + said;
  if (status.port_mapping && status.port_mapping->external)
    return fine(check, said.empty()
                           ? "the router forwards " + status.port_mapping->external->to_text()
                           : said);
  if (std::ranges::any_of(mesh.addresses, is_public_here))
    return fine(check, "this host has a public IPv4 address of its own: nothing is translated");
  switch (mesh.nat_mapping) {
    case NatMapping::none:
      return fine(check, "peers see this node at an address of its own: nothing is translated");
    case NatMapping::endpoint_independent:
      return fine(
          check, "the router shows this node at one place whoever looks, so others can be met there"
                     + behind);
    case NatMapping::endpoint_dependent:
      break;
    case NatMapping::unknown:
      return skipped(
          check, "not known yet: fewer than two peers have told where they see this node" + behind);
  }
  if (is_reached(mesh))
    return fine(
        check, "the router shows this node elsewhere to each peer, but it can be dialled" + behind);
  return {check, Verdict::warning,
          "the router shows this node elsewhere to each peer (\"symmetric\" NAT): peers behind such"
          " routers need a relay",
          said.empty() ? "nobody can know in advance where to meet this node" : said,
          "switch on UPnP or NAT-PMP in the router, or forward " + port_text(status)
              + " to this host, or use IPv6"};
}

Finding check_port_open(const NodeStatus& status) {
  constexpr const char* check = "port-open";
  if (!status.mesh) return skipped(check, no_mesh);
  const MeshStatus& mesh = *status.mesh;
  if (is_private_world(mesh)) return skipped(check, private_world);
  if (const auto open = addresses_that(mesh, is_dialable); !open.empty())
    return fine(check, "peers have dialled " + texts_of(open));
  if (const auto names = callers(mesh); !names.empty())
    return fine(check, some_of(names) + (names.size() == 1 ? " has" : " have")
                           + " dialled this node of " + (names.size() == 1 ? "its" : "their")
                           + " own accord");
  const auto testing = addresses_that(
      mesh, [](const auto& address) { return address.dialability == Dialability::testing; });
  if (!testing.empty())
    return skipped(check, "peers were asked just now to dial " + texts_of(testing));
  const auto closed = addresses_that(
      mesh, [](const auto& address) { return address.dialability == Dialability::undialable; });
  if (closed.empty())
    return skipped(check, mesh.links == 0 ? "not tested: there is no peer yet who could dial back"
                                          : "not tested yet by any peer");
  Finding finding{
      check, Verdict::warning, "peers could not dial " + texts_of(closed), first_why(closed), {}};
  if (mesh.links == 0) finding.verdict = Verdict::problem;
  if (finding.why.empty() && status.port_mapping) finding.why = status.port_mapping->said;
  finding.fix = "forward " + port_text(status)
                + " in the router to this host, or switch on UPnP or NAT-PMP there; without it"
                  " others are asked to dial back, or a relay carries the links";
  return finding;
}

Finding check_ipv6(const NodeStatus& status) {
  constexpr const char* check = "ipv6";
  if (!status.mesh) return skipped(check, no_mesh);
  const MeshStatus& mesh = *status.mesh;
  if (is_private_world(mesh)) return skipped(check, private_world);
  const auto all = addresses_that(mesh, [](const auto& address) {
    return !address.endpoint.is_v4() && address.endpoint.is_global();
  });
  if (all.empty())
    return fine(check,
                "no global IPv6 address here; IPv4 is enough, but IPv6 needs no router's help");
  const auto open = addresses_that(
      mesh, [](const auto& address) { return !address.endpoint.is_v4() && is_dialable(address); });
  if (!open.empty()) return fine(check, "peers have dialled " + texts_of(open));
  const bool refused = std::ranges::any_of(
      all, [](const auto* address) { return address->dialability == Dialability::undialable; });
  if (!refused) return fine(check, texts_of(all) + ", not tested yet");
  return {check, Verdict::warning, "peers could not dial " + texts_of(all), first_why(all),
          "let " + port_text(status) + " to this host through the router's IPv6 firewall"};
}

Finding check_dht(const NodeStatus& status) {
  constexpr const char* check = "dht";
  if (!status.dht) return skipped(check, "neither a mesh nor a bootstrap address is configured");
  const DhtNodeStatus& dht = *status.dht;
  std::vector<std::string> seen;
  for (const Endpoint& endpoint : dht.observed) seen.push_back(endpoint.address_text());
  if (dht.good_nodes > 0)
    return fine(check, counted(dht.good_nodes, "good node") + ", "
                           + counted(dht.dubious_nodes, "doubtful one")
                           + (seen.empty() ? "" : "; they see this node at " + some_of(seen)));
  if (dht.bootstrap.empty())
    return fine(check, "alone: no address to join by was given, and nobody has joined here yet");
  if (status.uptime < joining_time)
    return skipped(check, "joining since " + duration_text(status.uptime));
  return {check, Verdict::problem, "no node of the DHT answers",
          "asked in vain: " + some_of(dht.bootstrap),
          "check the addresses in [dht] bootstrap, and that UDP from port "
              + std::to_string(status.mesh_port) + " gets out of the house"};
}

Finding check_mesh(const NodeStatus& status) {
  constexpr const char* check = "mesh";
  if (!status.mesh) return skipped(check, no_mesh);
  const MeshStatus& mesh = *status.mesh;
  const bool is_first = !status.dht || status.dht->bootstrap.empty();
  if (mesh.members_known == 0 && mesh.links == 0) {
    if (is_first) return fine(check, some_of(status.meshes) + ": no other member yet");
    if (status.uptime < linking_time)
      return skipped(check, "looking for members since " + duration_text(status.uptime));
    return {check,
            Verdict::warning,
            some_of(status.meshes) + ": no other member was found",
            {},
            "check that the others have the same secret, and join the same DHT ([dht] bootstrap)"};
  }
  std::vector<std::string> relayed;
  std::string why;
  for (const PeerStatus& peer : mesh.peers) {
    if (why.empty() && (peer.path == PathKind::relayed || mesh.links == 0)) why = peer.why;
    if (peer.path != PathKind::relayed) continue;
    relayed.push_back(peer.id.to_short_text()
                      + (peer.relay ? " via " + peer.relay->to_short_text() : std::string{}));
  }
  const std::string linked = std::to_string(mesh.links) + " of "
                             + counted(std::max(mesh.members_known, mesh.links), "other member")
                             + " linked";
  if (mesh.links == 0) {
    if (status.uptime < linking_time) return skipped(check, linked + " so far");
    return {check, Verdict::problem, linked, why,
            "see port-open and nat-mapping, here and at the others; they may also just be down"};
  }
  if (relayed.empty()) return fine(check, linked + ", none through a relay");
  return {check, Verdict::warning, linked + ", through a relay: " + some_of(relayed), why,
          "see port-open and nat-mapping, here and at the peer"};
}

std::vector<Finding> check_node(const NodeStatus& status) {
  std::vector<Finding> findings = check_health(status);
  findings.push_back(check_config(status));
  findings.push_back(check_auth(status));
  sort_findings(findings);
  return findings;
}

std::vector<Finding> check_health(const NodeStatus& status) {
  return {check_daemon(status),    check_listeners(status), check_nat_mapping(status),
          check_port_open(status), check_ipv6(status),      check_dht(status),
          check_mesh(status)};
}

}  // namespace starling::control
