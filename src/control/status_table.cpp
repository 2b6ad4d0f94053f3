#include "src/control/status_table.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "src/control/text.hpp"

namespace starling::control {
namespace {

using Json = nlohmann::ordered_json;

// --- Reading, where anything may be missing or of another kind

const Json& part_of(const Json& object, const char* name) {
  static const Json nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text_of(const Json& object, const char* name) {
  const Json& value = part_of(object, name);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : std::string{};
}

double number_of(const Json& object, const char* name) {
  const Json& value = part_of(object, name);
  return value.is_number() ? value.get<double>() : 0.0;
}

std::uint64_t count_of(const Json& object, const char* name) {
  const double value = number_of(object, name);
  return value >= 0 && value < 1.8e19 ? static_cast<std::uint64_t>(value) : 0;
}

bool flag_of(const Json& object, const char* name) {
  const Json& value = part_of(object, name);
  return value.is_boolean() && value.get<bool>();
}

/// The objects of a list.
std::vector<const Json*> objects_of(const Json& object, const char* name) {
  std::vector<const Json*> found;
  const Json& list = part_of(object, name);
  if (!list.is_array()) return found;
  for (const Json& entry : list)
    if (entry.is_object()) found.push_back(&entry);
  return found;
}

std::string joined(const Json& list) {
  std::string text;
  if (!list.is_array()) return text;
  for (const Json& entry : list)
    if (entry.is_string())
      text += (text.empty() ? "" : ", ") + printable(entry.get_ref<const std::string&>());
  return text;
}

std::string short_id(const std::string& id) {
  return id.substr(0, 7);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string seconds_text(double seconds) {
  constexpr double longest = 1e9;  // a century and more; the numbers are another program's
  return duration_text(
      std::chrono::seconds{static_cast<std::int64_t>(std::clamp(seconds, 0.0, longest))});
}

std::string milliseconds_text(double ms) {
  constexpr double longest = 1e9;
  return latency_text(
      std::chrono::microseconds{static_cast<std::int64_t>(std::clamp(ms, 0.0, longest) * 1'000)});
}

std::string rate_text(double per_second) {
  std::string text = std::to_string(std::llround(std::clamp(per_second, 0.0, 1e15) * 10));
  if (text.size() < 2) text.insert(0, "0");
  text.insert(text.size() - 1, ".");
  return text;
}

// --- Parts of the page

std::string health_text(const Json& status) {
  const auto health = objects_of(status, "health");
  if (health.empty()) return "# Health: all is well\n";
  std::uint64_t problems = 0;
  std::string lines;
  for (const Json* entry : health) {
    if (text_of(*entry, "result") == "problem") ++problems;
    lines += "#  - " + text_of(*entry, "check") + ": " + text_of(*entry, "text") + "\n";
  }
  const std::uint64_t warnings = health.size() - problems;
  std::string sum = problems > 0 ? counted(problems, "problem") : "";
  if (warnings > 0) sum += (sum.empty() ? "" : ", ") + counted(warnings, "warning");
  return "# Health: " + sum + " (why and what to do: starling doctor)\n" + lines;
}

std::string node_text(const Json& status) {
  const Json& node = part_of(status, "node");
  const Json& traffic = part_of(status, "traffic");
  std::string line = text_of(node, "name") + "  " + short_id(text_of(node, "id")) + "  up "
                     + seconds_text(number_of(node, "uptime_s")) + "  "
                     + counted(count_of(part_of(status, "clients"), "connected"), "client");
  if (part_of(traffic, "rate_span_s").is_number())
    line += "  " + rate_text(number_of(traffic, "messages_in_per_s")) + " msg/s in  "
            + rate_text(number_of(traffic, "messages_out_per_s")) + " out";
  if (const Json& dht = part_of(status, "dht"); dht.is_object())
    line += "  dht " + std::to_string(count_of(dht, "good_nodes")) + " good";
  return line + "\n";
}

std::string facts_text(const Json& status) {
  Columns facts;
  std::string listeners;
  for (const Json* listener : objects_of(status, "listeners"))
    listeners += (listeners.empty() ? "" : ", ") + text_of(*listener, "at") + " ("
                 + text_of(*listener, "protocol") + ")";
  facts.add_row({"MQTT", or_dash(listeners)});
  const Json& clients = part_of(status, "clients");
  facts.add_row({"KEPT", counted(count_of(clients, "sessions"), "session") + ", "
                             + counted(count_of(clients, "subscriptions"), "subscription") + ", "
                             + count_text(count_of(clients, "retained")) + " retained, "
                             + count_text(count_of(clients, "queued")) + " queued"});
  const Json& traffic = part_of(status, "traffic");
  facts.add_row({"TRAFFIC", count_text(count_of(traffic, "messages_in")) + " messages in ("
                                + size_text(count_of(traffic, "bytes_in")) + "), "
                                + count_text(count_of(traffic, "messages_out")) + " out ("
                                + size_text(count_of(traffic, "bytes_out")) + ")"});
  if (const std::string meshes = joined(part_of(part_of(status, "mesh"), "names")); !meshes.empty())
    facts.add_row(
        {"MESH", meshes + ": "
                     + counted(count_of(part_of(status, "mesh"), "members_known"), "other member")
                     + " known, " + std::to_string(count_of(part_of(status, "mesh"), "links"))
                     + " linked"});
  return facts.text();
}

std::string path_text(const Json& peer) {
  const std::string path = text_of(peer, "path");
  const std::string remote = text_of(peer, "remote");
  const std::string behind = remote.empty() ? "" : " " + remote;
  if (path == "dialled") return "direct" + behind;
  if (path == "dialled_us") return "dialled us" + behind;
  if (path == "dialled_back") return "dialled back" + behind;
  if (path == "met") return "simultaneous open" + behind;
  if (path == "relayed") return "relay via " + or_dash(short_id(text_of(peer, "relay")));
  return path.empty() || path == "none" ? "-" : path + behind;
}

std::string peers_text(const Json& mesh) {
  auto peers = objects_of(mesh, "peers");
  if (peers.empty()) return {};
  std::stable_partition(peers.begin(), peers.end(),
                        [](const Json* peer) { return text_of(*peer, "state") == "linked"; });
  Columns table;
  table.add_row({"PEER", "STATE", "PATH", "RTT", "IN", "OUT", "WAITING", "MESHES"});
  for (const Json* peer : peers) {
    const bool has_rtt = part_of(*peer, "round_trip_ms").is_number();
    const std::uint64_t waiting = count_of(*peer, "waiting");
    table.add_row(
        {short_id(text_of(*peer, "id")), text_of(*peer, "state"), path_text(*peer),
         has_rtt ? milliseconds_text(number_of(*peer, "round_trip_ms")) : "-",
         count_text(count_of(*peer, "messages_in")), count_text(count_of(*peer, "messages_out")),
         waiting == 0 ? "-" : count_text(waiting), or_dash(joined(part_of(*peer, "meshes")))});
    if (const std::string why = text_of(*peer, "why"); !why.empty()) table.add_note(why);
  }
  return "\n" + table.text();
}

std::string dialable_text(const std::string& word) {
  if (word == "dialable") return "yes";
  if (word == "undialable") return "no";
  if (word == "testing") return "being tested";
  return "not tested";
}

std::string addresses_text(const Json& mesh) {
  const auto addresses = objects_of(mesh, "addresses");
  if (addresses.empty()) return {};
  Columns table;
  table.add_row({"OWN ADDRESS", "FROM", "DIALABLE", "ANNOUNCED"});
  for (const Json* address : addresses) {
    table.add_row({text_of(*address, "at"), text_of(*address, "from"),
                   dialable_text(text_of(*address, "dialable")),
                   flag_of(*address, "announced") ? "yes" : "no"});
    if (const std::string why = text_of(*address, "why"); !why.empty()) table.add_note(why);
  }
  return "\n" + table.text();
}

std::string nat_sentence(const std::string& word) {
  if (word == "none") return "none: peers see this node at an address of its own";
  if (word == "endpoint_independent")
    return "endpoint-independent: one place whoever looks, so others can be met there";
  if (word == "endpoint_dependent")
    return "endpoint-dependent (\"symmetric\"): another place for each peer";
  return {};
}

std::string reachability_text(const Json& status, const Json& mesh) {
  Columns facts;
  if (const std::string nat = nat_sentence(text_of(mesh, "nat")); !nat.empty())
    facts.add_row({"NAT", nat});
  if (const std::string said = text_of(part_of(status, "port_mapping"), "said"); !said.empty())
    facts.add_row({"ROUTER", said});
  for (const Json* reservation : objects_of(mesh, "reservations")) {
    const std::string why = text_of(*reservation, "why");
    const char* how = flag_of(*reservation, "granted") ? " keeps a place for us"
                      : why.empty()                    ? " was asked to keep a place for us"
                                                       : " keeps no place for us: ";
    facts.add_row({"RELAY", short_id(text_of(*reservation, "relay")) + how
                                + (flag_of(*reservation, "granted") ? "" : why)});
  }
  const std::uint64_t carried = count_of(mesh, "relayed_links");
  const std::uint64_t carried_bytes = count_of(mesh, "relayed_bytes");
  if (carried > 0 || carried_bytes > 0)
    facts.add_row({"CARRIES", counted(carried, "link") + " for others, " + size_text(carried_bytes)
                                  + " since the start"});
  const std::string text = facts.text();
  return text.empty() ? text : "\n" + text;
}

Result<Json> status_of(std::string_view text) {
  Json document = Json::parse(text, nullptr, false);
  const Error not_understood{Errc::malformed, "what the daemon answered is not understood"};
  if (!document.is_object()) return not_understood;
  if (const Json& status = part_of(document, "status"); status.is_object()) return Json(status);
  const std::string error = text_of(document, "error");
  return error.empty() ? not_understood : Error{Errc::malformed, error};
}

}  // namespace

Result<std::string> status_text(std::string_view document) {
  const auto status = status_of(document);
  if (!status) return status.error();
  const Json& mesh = part_of(*status, "mesh");
  return health_text(*status) + node_text(*status) + facts_text(*status) + peers_text(mesh)
         + addresses_text(mesh) + reachability_text(*status, mesh);
}

Result<std::string> status_line(std::string_view document) {
  const auto status = status_of(document);
  if (!status) return status.error();
  return node_text(*status);
}

}  // namespace starling::control
