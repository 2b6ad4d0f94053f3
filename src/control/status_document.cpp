#include "src/control/status_document.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "src/control/text.hpp"

namespace starling::control {
namespace {

using Json = nlohmann::ordered_json;

double milliseconds(Duration span) {
  return std::chrono::duration<double, std::milli>(span).count();
}
double seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}
double one_decimal(double value) {
  return std::round(value * 10) / 10;
}

Json texts(const std::vector<std::string>& list) {
  Json result = Json::array();
  for (const std::string& text : list) result.push_back(printable(text));
  return result;
}

Json endpoints(const std::vector<Endpoint>& list) {
  Json result = Json::array();
  for (const Endpoint& endpoint : list) result.push_back(endpoint.to_text());
  return result;
}

Json health_of(const std::vector<Finding>& findings) {
  Json health = Json::array();
  for (const Finding& finding : findings) {
    if (finding.verdict != Verdict::warning && finding.verdict != Verdict::problem) continue;
    Json entry;
    entry["check"] = finding.check;
    entry["result"] = finding.verdict == Verdict::problem ? "problem" : "warning";
    entry["text"] = printable(finding.evidence);
    health.push_back(std::move(entry));
  }
  return health;
}

Json node_of(const NodeStatus& status) {
  Json node;
  node["id"] = status.id.to_text();
  node["name"] = printable(status.name);
  node["version"] = status.version;
  node["process"] = status.process;
  node["uptime_s"] = std::floor(seconds(status.uptime));
  node["state_dir"] = printable(status.state_dir);
  node["mesh_port"] = status.mesh_port;
  return node;
}

Json listeners_of(const NodeStatus& status) {
  Json list = Json::array();
  for (const OpenListener& listener : status.listeners) {
    Json entry;
    entry["at"] = printable(listener.at);
    entry["protocol"] = listener.protocol;
    list.push_back(std::move(entry));
  }
  return list;
}

Json clients_of(const ClientStatus& clients) {
  Json entry;
  entry["connected"] = clients.connected;
  entry["sessions"] = clients.sessions;
  entry["subscriptions"] = clients.subscriptions;
  entry["retained"] = clients.retained;
  entry["queued"] = clients.queued;
  return entry;
}

Json traffic_of(const TrafficStatus& traffic) {
  Json entry;
  entry["messages_in"] = traffic.messages_in;
  entry["messages_out"] = traffic.messages_out;
  entry["bytes_in"] = traffic.bytes_in;
  entry["bytes_out"] = traffic.bytes_out;
  if (traffic.rate_span <= Duration::zero()) return entry;
  entry["messages_in_per_s"] = one_decimal(traffic.messages_in_per_s);
  entry["messages_out_per_s"] = one_decimal(traffic.messages_out_per_s);
  entry["rate_span_s"] = one_decimal(seconds(traffic.rate_span));
  return entry;
}

Json dht_of(const DhtNodeStatus& dht) {
  Json entry;
  entry["good_nodes"] = dht.good_nodes;
  entry["dubious_nodes"] = dht.dubious_nodes;
  entry["records_stored"] = dht.records_stored;
  entry["bootstrap"] = texts(dht.bootstrap);
  Json observed = Json::array();
  for (const Endpoint& endpoint : dht.observed) observed.push_back(endpoint.address_text());
  entry["observed"] = std::move(observed);
  return entry;
}

Json peer_of(const PeerStatus& peer) {
  Json entry;
  entry["id"] = peer.id.to_text();
  entry["state"] = word_of(peer.state);
  entry["path"] = word_of(peer.path);
  if (peer.relay) entry["relay"] = peer.relay->to_text();
  if (peer.remote) entry["remote"] = peer.remote->to_text();
  if (!peer.why.empty()) entry["why"] = printable(peer.why);
  if (peer.round_trip) entry["round_trip_ms"] = milliseconds(*peer.round_trip);
  entry["meshes"] = texts(peer.meshes);
  entry["messages_in"] = peer.messages_received;
  entry["messages_out"] = peer.messages_sent;
  entry["waiting"] = peer.outbox_messages;
  entry["waiting_bytes"] = peer.outbox_bytes;
  entry["dropped_qos0"] = peer.dropped_qos0;
  entry["dropped_outbox"] = peer.dropped_outbox;
  entry["interests"] = peer.interests;
  return entry;
}

Json address_of(const AddressStatus& address) {
  Json entry;
  entry["at"] = address.endpoint.to_text();
  entry["from"] = word_of(address.source);
  entry["dialable"] = word_of(address.dialability);
  entry["announced"] = address.announced;
  if (!address.why.empty()) entry["why"] = printable(address.why);
  return entry;
}

Json reservation_of(const ReservationStatus& reservation) {
  Json entry;
  entry["relay"] = reservation.relay.to_text();
  entry["granted"] = reservation.granted;
  if (!reservation.why.empty()) entry["why"] = printable(reservation.why);
  return entry;
}

template <class List, class Write>
Json list_of(const List& list, Write write) {
  Json result = Json::array();
  for (const auto& entry : list) result.push_back(write(entry));
  return result;
}

Json mesh_of(const NodeStatus& status) {
  const MeshStatus& mesh = *status.mesh;
  Json entry;
  entry["names"] = texts(status.meshes);
  entry["members_known"] = mesh.members_known;
  entry["links"] = mesh.links;
  entry["parked_messages"] = mesh.parked_messages;
  entry["announced"] = endpoints(mesh.announced);
  entry["nat"] = word_of(mesh.nat_mapping);
  entry["addresses"] = list_of(mesh.addresses, address_of);
  entry["reservations"] = list_of(mesh.reservations, reservation_of);
  entry["relayed_links"] = mesh.relayed_links;
  entry["relayed_bytes"] = mesh.relayed_bytes;
  entry["peers"] = list_of(mesh.peers, peer_of);
  return entry;
}

Json port_mapping_of(const PortMappingStatus& mapping) {
  Json entry;
  entry["asked"] = mapping.asked;
  if (mapping.external) entry["external"] = mapping.external->to_text();
  if (!mapping.said.empty()) entry["said"] = printable(mapping.said);
  return entry;
}

}  // namespace

const char* word_of(PeerState state) {
  switch (state) {
    case PeerState::away:
      return "away";
    case PeerState::dialling:
      return "dialling";
    case PeerState::linking:
      return "linking";
    case PeerState::linked:
      return "linked";
  }
  return "away";
}

const char* word_of(PathKind path) {
  switch (path) {
    case PathKind::none:
      return "none";
    case PathKind::dialled:
      return "dialled";
    case PathKind::dialled_us:
      return "dialled_us";
    case PathKind::dialled_back:
      return "dialled_back";
    case PathKind::met:
      return "met";
    case PathKind::relayed:
      return "relayed";
  }
  return "none";
}

const char* word_of(AddressSource source) {
  switch (source) {
    case AddressSource::configured:
      return "configured";
    case AddressSource::interface:
      return "interface";
    case AddressSource::mapped:
      return "mapped";
    case AddressSource::observed:
      return "observed";
  }
  return "interface";
}

const char* word_of(Dialability dialability) {
  switch (dialability) {
    case Dialability::assumed:
      return "assumed";
    case Dialability::testing:
      return "testing";
    case Dialability::dialable:
      return "dialable";
    case Dialability::undialable:
      return "undialable";
  }
  return "assumed";
}

const char* word_of(NatMapping mapping) {
  switch (mapping) {
    case NatMapping::unknown:
      return "unknown";
    case NatMapping::none:
      return "none";
    case NatMapping::endpoint_independent:
      return "endpoint_independent";
    case NatMapping::endpoint_dependent:
      return "endpoint_dependent";
  }
  return "unknown";
}

std::string write_status(const NodeStatus& status, const std::vector<Finding>& health) {
  Json body;
  body["health"] = health_of(health);
  body["node"] = node_of(status);
  body["listeners"] = listeners_of(status);
  body["clients"] = clients_of(status.clients);
  body["traffic"] = traffic_of(status.traffic);
  if (status.dht) body["dht"] = dht_of(*status.dht);
  if (status.mesh) body["mesh"] = mesh_of(status);
  if (status.port_mapping) body["port_mapping"] = port_mapping_of(*status.port_mapping);
  Json document;
  document["schema"] = 1;
  document["status"] = std::move(body);
  return document.dump();
}

}  // namespace starling::control
