// Story: events of a world that is not there, told to the checkers one by one. Every client's words
// follow from what it said before, so a test names only what matters.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"

#include "simulations/checkers/checkers.hpp"

namespace starling::sim::test {

using namespace std::chrono_literals;

/// There is no world: nobody looks into it.
inline const World& no_world() {
  static const char nothing = 0;
  return reinterpret_cast<const World&>(nothing);
}

inline NodeSharing shares(std::string mesh, std::vector<std::string> both = {"#"}) {
  return {MeshSharing{std::move(mesh), both, both}};
}

/// Three nodes of one mesh that shares everything.
inline CheckerSettings one_mesh() {
  CheckerSettings settings;
  settings.nodes = {shares("home"), shares("home"), shares("home")};
  settings.payload_marker = "SIMPAYLOAD";
  return settings;
}

struct Packet {
  bool retain = false;
  bool dup = false;
  bool repeated = false;
  std::vector<std::uint32_t> subscriptions = {};
};

class Story {
 public:
  explicit Story(CheckerSettings settings = one_mesh(), unsigned nodes = 3)
      : checkers_(std::make_unique<Checkers>(std::move(settings))) {
    for (NodeNumber node = 0; node < nodes; ++node) checkers_->on_node_started(now_, node);
  }

  // --- Time
  Story& wait(Duration length) {
    const TimePoint end = now_ + length;
    while (next_second_ <= end) {
      now_ = next_second_;
      next_second_ += 1s;
      checkers_->on_second(now_, no_world());
    }
    now_ = end;
    return *this;
  }
  [[nodiscard]] TimePoint now() const { return now_; }

  // --- Nodes
  void starts(NodeNumber node) { checkers_->on_node_started(tick(), node); }
  void ends(NodeNumber node, NodeEnd how = NodeEnd::killed) {
    checkers_->on_node_ended(tick(), node, how);
  }
  void distrusts(NodeNumber node) { checkers_->distrust(node); }
  void links(NodeNumber a, NodeNumber b) { checkers_->on_link_up(tick(), a, b); }
  void unlinks(NodeNumber a, NodeNumber b) { checkers_->on_link_down(tick(), a, b); }
  void fault(std::string_view what) { checkers_->on_fault_begins(tick(), what); }
  void heal(std::string_view what) { checkers_->on_fault_ends(tick(), what); }

  // --- Clients
  void connects(ClientNumber client, NodeNumber node, bool keeps = false, bool present = false,
                bool clean_start = false) {
    nodes_[client] = node;
    checkers_->on_client_connected(tick(), {.client = client,
                                            .node = node,
                                            .session_present = present,
                                            .clean_start = clean_start,
                                            .keeps_session = keeps});
  }
  void leaves(ClientNumber client, bool in_order = true) {
    checkers_->on_client_ended(tick(), client, in_order);
  }
  void asks(ClientNumber client, std::string_view filter, int qos = 1, std::uint32_t id = 0) {
    checkers_->on_subscribing(tick(), subscribed(client, filter, qos, id));
  }
  void subscribes(ClientNumber client, std::string_view filter, int qos = 1, std::uint32_t id = 0) {
    asks(client, filter, qos, id);
    checkers_->on_subscribed(tick(), subscribed(client, filter, qos, id));
  }
  void unsubscribes(ClientNumber client, std::string_view filter) {
    checkers_->on_unsubscribing(tick(), client, filter);
    checkers_->on_unsubscribed(tick(), client, filter);
  }

  // --- Messages
  /// Not acknowledged.
  MessageNumber sends(ClientNumber client, std::string_view topic, int qos = 1, bool retain = false,
                      bool is_empty = false, bool is_will = false) {
    const MessageNumber number = ++last_number_;
    sent_[number] = {std::string(topic), qos, is_empty};
    checkers_->on_published(tick(), {.number = number,
                                     .client = client,
                                     .node = nodes_.at(client),
                                     .topic = topic,
                                     .qos = static_cast<QoS>(qos),
                                     .retain = retain,
                                     .is_empty = is_empty,
                                     .is_will = is_will,
                                     .payload_size = is_empty ? 0U : 100U});
    return number;
  }
  void acknowledges(MessageNumber number) {
    checkers_->on_acknowledged(tick(), number);
    if (sent_.at(number).qos == 2) checkers_->on_completed(tick(), number);
  }
  /// With PUBREC only.
  void records(MessageNumber number) { checkers_->on_acknowledged(tick(), number); }
  /// And acknowledged, unless it is of QoS 0.
  MessageNumber publishes(ClientNumber client, std::string_view topic, int qos = 1,
                          bool retain = false) {
    const MessageNumber number = sends(client, topic, qos, retain);
    if (qos > 0) acknowledges(number);
    return number;
  }
  MessageNumber deletes(ClientNumber client, std::string_view topic, int qos = 1) {
    const MessageNumber number = sends(client, topic, qos, true, true);
    if (qos > 0) acknowledges(number);
    return number;
  }
  void gets(ClientNumber client, MessageNumber number, Packet packet = {}, int qos = -1) {
    const Sent& sent = sent_.at(number);
    gets_as(client, sent.is_empty ? 0 : number, sent.topic, packet, qos < 0 ? sent.qos : qos);
  }
  void gets_as(ClientNumber client, MessageNumber number, std::string_view topic,
               Packet packet = {}, int qos = 1) {
    checkers_->on_received(tick(), {.number = number,
                                    .client = client,
                                    .node = nodes_.at(client),
                                    .topic = topic,
                                    .qos = static_cast<QoS>(qos),
                                    .retain = packet.retain,
                                    .dup = packet.dup,
                                    .is_repeated_packet = packet.repeated,
                                    .subscriptions = std::move(packet.subscriptions)});
  }
  void datagram(NodeNumber from, NodeNumber to, std::string_view bytes) {
    checkers_->on_datagram(tick(), from, to, as_bytes(bytes));
  }

  // --- The verdict
  /// Waits until everything is due, and ends the run.
  Story& finish(Duration calm = 60s) {
    wait(calm);
    checkers_->finish(now_, no_world());
    return *this;
  }
  /// The names of the checkers whose promise was broken: "qos1 loops".
  [[nodiscard]] std::string broken() const {
    std::string names;
    for (const Checker* each : checkers_->all())
      if (!each->is_kept()) names += (names.empty() ? "" : " ") + std::string(each->name());
    return names;
  }
  [[nodiscard]] std::string said() const { return checkers_->violations_text(); }
  [[nodiscard]] bool says(std::string_view part) const {
    return said().find(part) != std::string::npos;
  }
  [[nodiscard]] std::size_t seen(std::string_view name) const {
    return checkers_->find(name)->seen();
  }
  [[nodiscard]] const Checkers& checkers() const { return *checkers_; }

 private:
  struct Sent {
    std::string topic;
    int qos = 0;
    bool is_empty = false;
  };
  /// Each event a millisecond after the one before.
  TimePoint tick() {
    wait(1ms);
    return now_;
  }
  Subscribed subscribed(ClientNumber client, std::string_view filter, int qos, std::uint32_t id) {
    return {.client = client,
            .node = nodes_.at(client),
            .filter = filter,
            .qos = static_cast<QoS>(qos),
            .identifier = id};
  }

  TimePoint now_ = TimePoint{};
  TimePoint next_second_ = TimePoint{} + 1s;
  std::unique_ptr<Checkers> checkers_;  // so that a story can be handed on
  std::map<ClientNumber, NodeNumber> nodes_;
  std::map<MessageNumber, Sent> sent_;
  MessageNumber last_number_ = 0;
};

}  // namespace starling::sim::test
