// PerfectMesh: a few brokers as they should be, so small that one can see they are: no packets, no
// records, no links that must be found. Random clients live at them through faults; whatever the
// checkers say about that is a false alarm. With one Mutant built in it is not perfect any more.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulations/checkers/checkers.hpp"
#include "simulations/checkers/topic_match.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/sim_checkers/story.hpp"

namespace starling::sim::test {

enum class Mutant : std::uint8_t {
  none,
  loses_a_copy,        ///< one of a hundred copies to clients
  loses_over_nodes,    ///< one of five messages from node to node
  sends_twice,         ///< one of a hundred copies
  sends_out_of_order,  ///< one of a hundred copies overtakes the one before it
  forgets_to_delete,   ///< deletions of retained messages do nothing
  ignores_unsubscribe,
  forgets_sessions,    ///< those that are kept end with their node
  serves_two_members,  ///< of a shared group, always
  publishes_voided_wills,
  crosses_every_border,
};

class PerfectMesh {
 public:
  static constexpr NodeNumber nodes_count = 3;
  static constexpr ClientNumber clients_count = 12;

  explicit PerfectMesh(std::uint64_t seed, Mutant mutant = Mutant::none)
      : random_(seed), mutant_(mutant), checkers_(settings()) {
    for (NodeNumber node = 0; node < nodes_count; ++node) {
      nodes_[node].is_up = true;
      checkers_.on_node_started(now_, node);
    }
    for (NodeNumber a = 0; a < nodes_count; ++a)
      for (NodeNumber b = a + 1; b < nodes_count; ++b) checkers_.on_link_up(now_, a, b);
  }

  /// Ten minutes of everything, then two of calm.
  void run() {
    at(1s, [this] { tick(); });
    for (ClientNumber client = 0; client < clients_count; ++client) {
      clients_[client].home = client % nodes_count;
      clients_[client].keeps = client % 2 == 0;
      at(Duration{client} * 10 + 1ms, [this, client] { connect(client); });
    }
    at(500ms, [this] { act(); });
    advance(600s);
    is_calm_ = true;
    heal();
    for (NodeNumber node = 0; node < nodes_count; ++node) start(node);
    for (ClientNumber client = 0; client < clients_count; ++client) connect(client);
    advance(120s);
    checkers_.finish(now_, no_world());
  }

  [[nodiscard]] const Checkers& checkers() const { return checkers_; }

 private:
  struct Copy {
    MessageNumber number = 0;
    int qos = 0;
    bool retain = false;
    bool was_sent = false;
    bool has_come = false;
  };
  struct Message {
    std::string topic;
    int qos = 0;
    bool retain = false;
    bool is_empty = false;
    NodeNumber origin = 0;
    ClientNumber publisher = 0;
    bool is_acknowledged = false;
    bool is_done = false;
  };
  struct Session {
    bool exists = false;
    bool keeps = false;
    std::map<std::string, int> filters;  // as written
    std::deque<Copy> unfinished;         // of QoS 1 and 2, in order
    std::set<MessageNumber> held;        // QoS 2 of its own that is not released
    MessageNumber will = 0;
  };
  struct Node {
    bool is_up = false;
    std::map<std::string, MessageNumber> retained;
    std::map<ClientNumber, Session> sessions;
    std::map<std::string, std::size_t> turns;  // of shared groups
    std::map<NodeNumber, std::deque<MessageNumber>> outboxes;
    std::set<NodeNumber> under_way;  // outboxes whose first message is on its way
  };
  struct Client {
    NodeNumber home = 0;
    bool keeps = false;
    std::optional<NodeNumber> node;
    unsigned connection = 0;  // what was on its way in an earlier one does not arrive
    TimePoint up;             // the last arrival each way
    TimePoint down;
    std::map<NodeNumber, std::deque<MessageNumber>> open;  // published there, not done
  };
  using Where = std::pair<ClientNumber, unsigned>;

  /// Node 2 is in a mesh of its own as well, and shares less.
  static CheckerSettings settings() {
    CheckerSettings settings;
    settings.nodes = {shares("m"), shares("m"), shares("m", {"a/#", "b/#"})};
    return settings;
  }
  [[nodiscard]] bool crosses(NodeNumber from, NodeNumber to, const std::string& topic) const {
    if (mutant_ == Mutant::crosses_every_border) return true;
    return (from != 2 && to != 2) || topic.front() == 'a' || topic.front() == 'b';
  }

  // --- Time
  void at(Duration in, std::function<void()> what) { agenda_.emplace(now_ + in, std::move(what)); }
  void advance(Duration length) {
    const TimePoint end = now_ + length;
    while (!agenda_.empty() && agenda_.begin()->first <= end) {
      auto next = agenda_.extract(agenda_.begin());
      now_ = std::max(now_, next.key());
      next.mapped()();
    }
    now_ = end;
  }
  void tick() {
    checkers_.on_second(now_, no_world());
    at(1s, [this] { tick(); });
  }
  [[nodiscard]] bool mutates(Mutant which) { return mutant_ == which && random_.one_in(100); }
  [[nodiscard]] bool is_there(const Where& where) const {
    const Client& client = clients_.at(where.first);
    return client.node && client.connection == where.second && nodes_.at(*client.node).is_up;
  }
  [[nodiscard]] Where here(ClientNumber client) { return {client, clients_[client].connection}; }
  /// From the client to its node, in order.
  void to_node(ClientNumber number, std::function<void()> what) {
    Client& client = clients_[number];
    client.up = std::max(client.up, now_ + Duration{random_.upto(20'000'000)});
    at(client.up - now_, [this, where = here(number), what = std::move(what)] {
      if (is_there(where)) what();
    });
  }
  void to_client(ClientNumber number, std::function<void()> what) {
    Client& client = clients_[number];
    client.down = std::max(client.down, now_ + Duration{random_.upto(20'000'000)});
    at(client.down - now_, [this, where = here(number), what = std::move(what)] {
      if (is_there(where)) what();
    });
  }

  // --- What happens
  void act() {
    if (is_calm_) return;
    at(Duration{random_.upto(400'000'000)}, [this] { act(); });
    const auto client = static_cast<ClientNumber>(random_.upto(clients_count));
    const auto node = static_cast<NodeNumber>(random_.upto(nodes_count));
    const auto dice = random_.upto(1'000);
    if (dice < 10) return leave(client, dice < 5);
    if (dice < 50) return connect(client);
    if (dice < 53) return kill(node);
    if (dice < 60) return start(node);
    if (dice < 62) return part();
    if (dice < 66) return heal();
    if (!clients_[client].node) return;
    if (dice < 130) return subscribe(client);
    if (dice < 160) return unsubscribe(client);
    const bool retain = random_.one_in(6);
    publish(client, some_topic(), static_cast<int>(random_.upto(3)), retain,
            retain && random_.one_in(3));
  }
  [[nodiscard]] std::string some_topic() {
    static const std::vector<std::string> topics = {"a/x", "a/y", "b/x", "c/x", "c/y/z", "a/s/1"};
    return topics[random_.upto(topics.size())];
  }
  [[nodiscard]] std::string some_filter() {
    static const std::vector<std::string> filters = {"a/+", "a/x",           "#", "c/#", "+/x",
                                                     "b/x", "$share/g/a/s/#"};
    return filters[random_.upto(filters.size())];
  }

  void kill(NodeNumber number) {
    Node& node = nodes_[number];
    if (!node.is_up) return;
    node.is_up = false;
    node.outboxes.clear();
    node.under_way.clear();
    checkers_.on_node_ended(now_, number, NodeEnd::killed);
    for (NodeNumber other = 0; other < nodes_count; ++other)
      if (other != number) checkers_.on_link_down(now_, number, other);
    for (auto& [client, session] : node.sessions) {
      const bool stays = session.keeps && mutant_ != Mutant::forgets_sessions;
      if (!stays) session = Session{};
    }
    for (auto& [client, state] : clients_)
      if (state.node == number) cut_off(client, false);
  }
  void start(NodeNumber number) {
    Node& node = nodes_[number];
    if (node.is_up) return;
    node.is_up = true;
    checkers_.on_node_started(now_, number);
    for (NodeNumber other = 0; other < nodes_count; ++other) {
      if (other == number || !nodes_[other].is_up || is_parted_) continue;
      link(number, other);
    }
    // Whoever was connected counts as cut off.
    for (auto& [client, session] : node.sessions) publish_will(number, session);
  }
  void link(NodeNumber a, NodeNumber b) {
    checkers_.on_link_up(now_, a, b);
    pump(a, b);
    pump(b, a);
  }
  void part() {
    if (is_parted_) return;
    is_parted_ = true;
    checkers_.on_fault_begins(now_, "all parted");
    for (NodeNumber a = 0; a < nodes_count; ++a)
      for (NodeNumber b = a + 1; b < nodes_count; ++b)
        if (nodes_[a].is_up && nodes_[b].is_up) checkers_.on_link_down(now_, a, b);
  }
  void heal() {
    if (!is_parted_) return;
    is_parted_ = false;
    checkers_.on_fault_ends(now_, "all parted");
    for (NodeNumber a = 0; a < nodes_count; ++a)
      for (NodeNumber b = a + 1; b < nodes_count; ++b)
        if (nodes_[a].is_up && nodes_[b].is_up) link(a, b);
  }

  // --- Clients
  void connect(ClientNumber number) {
    Client& client = clients_[number];
    if (!client.node && !is_calm_ && random_.one_in(8))
      client.home = static_cast<NodeNumber>(random_.upto(nodes_count));
    Node& node = nodes_[client.home];
    if (client.node || !node.is_up) return;
    client.node = client.home;
    ++client.connection;
    client.up = client.down = now_;
    Session& session = node.sessions[number];
    const bool present = client.keeps && session.exists;
    if (!present) session = Session{};
    session.exists = true;
    session.keeps = client.keeps;
    checkers_.on_client_connected(now_, {.client = number,
                                         .node = client.home,
                                         .session_present = present,
                                         .clean_start = !client.keeps,
                                         .keeps_session = client.keeps});
    if (random_.one_in(2)) set_will(number, session);
    for (Copy& copy : session.unfinished) send(number, copy);
    auto& open = client.open[client.home];
    if (!present) open.clear();
    for (const MessageNumber each : open) repeat(number, each);
  }
  void set_will(ClientNumber number, Session& session) {
    session.will = new_message(number, "a/will", 1, false, false, true);
  }
  void leave(ClientNumber number, bool in_order) {
    Client& client = clients_[number];
    if (!client.node) return;
    Node& node = nodes_[*client.node];
    Session& session = node.sessions[number];
    if (in_order && mutant_ != Mutant::publishes_voided_wills) session.will = 0;
    const NodeNumber at_node = *client.node;
    cut_off(number, in_order);
    publish_will(at_node, session);
    if (!session.keeps) session = Session{};
  }
  void cut_off(ClientNumber number, bool in_order) {
    clients_[number].node.reset();
    checkers_.on_client_ended(now_, number, in_order);
  }
  void publish_will(NodeNumber node, Session& session) {
    if (const MessageNumber will = std::exchange(session.will, 0)) route(node, will);
  }

  void subscribe(ClientNumber number) {
    const std::string filter = some_filter();
    const NodeNumber node = *clients_[number].node;
    const int qos = static_cast<int>(random_.upto(3));
    const auto what = [=](const std::string& text) {
      return Subscribed{
          .client = number, .node = node, .filter = text, .qos = static_cast<QoS>(qos)};
    };
    checkers_.on_subscribing(now_, what(filter));
    to_node(number, [=, this] {
      nodes_[node].sessions[number].filters[filter] = qos;
      to_client(number, [=, this] { checkers_.on_subscribed(now_, what(filter)); });
      if (!filter.starts_with('$')) replay(number, node, filter, qos);
    });
  }
  void replay(ClientNumber number, NodeNumber node, const std::string& filter, int granted) {
    for (const auto& [topic, message] : nodes_[node].retained) {
      if (!naive_matches(filter, topic)) continue;
      Copy copy{message, std::min(granted, messages_[message].qos), true};
      give(number, node, copy);
    }
  }
  void unsubscribe(ClientNumber number) {
    const NodeNumber at_node = *clients_[number].node;
    auto& filters = nodes_[at_node].sessions[number].filters;
    if (filters.empty()) return;
    const std::string filter = filters.begin()->first;
    checkers_.on_unsubscribing(now_, number, filter);
    to_node(number, [this, number, at_node, filter] {
      if (mutant_ != Mutant::ignores_unsubscribe)
        nodes_[at_node].sessions[number].filters.erase(filter);
      to_client(number,
                [this, number, filter] { checkers_.on_unsubscribed(now_, number, filter); });
    });
  }

  // --- Publishing
  MessageNumber new_message(ClientNumber publisher, const std::string& topic, int qos, bool retain,
                            bool is_empty, bool is_will) {
    const MessageNumber number = ++last_number_;
    const NodeNumber node = *clients_[publisher].node;
    messages_[number] = {topic, qos, retain, is_empty, node, publisher};
    checkers_.on_published(now_, {.number = number,
                                  .client = publisher,
                                  .node = node,
                                  .topic = topic,
                                  .qos = static_cast<QoS>(qos),
                                  .retain = retain,
                                  .is_empty = is_empty,
                                  .is_will = is_will});
    return number;
  }
  void publish(ClientNumber publisher, const std::string& topic, int qos, bool retain,
               bool is_empty) {
    const MessageNumber number = new_message(publisher, topic, qos, retain, is_empty, false);
    if (qos > 0) clients_[publisher].open[messages_[number].origin].push_back(number);
    repeat(publisher, number);
  }
  /// Says what a client has to say about a message that is not done.
  void repeat(ClientNumber publisher, MessageNumber number) {
    const Message& message = messages_[number];
    if (message.qos == 2 && message.is_acknowledged) return release(publisher, number);
    to_node(publisher, [this, publisher, number] {
      const int qos = messages_[number].qos;
      const NodeNumber node = messages_[number].origin;
      if (qos < 2) {
        route(node, number);
      } else {
        nodes_[node].sessions[publisher].held.insert(number);
      }
      if (qos == 0) return;
      to_client(publisher, [this, publisher, number] {
        Message& sent = messages_[number];
        if (!std::exchange(sent.is_acknowledged, true)) checkers_.on_acknowledged(now_, number);
        if (sent.qos == 1) return done(publisher, number);
        release(publisher, number);
      });
    });
  }
  void release(ClientNumber publisher, MessageNumber number) {
    to_node(publisher, [this, publisher, number] {
      const NodeNumber node = messages_[number].origin;
      if (nodes_[node].sessions[publisher].held.erase(number) > 0) route(node, number);
      to_client(publisher, [this, publisher, number] {
        checkers_.on_completed(now_, number);
        done(publisher, number);
      });
    });
  }
  void done(ClientNumber publisher, MessageNumber number) {
    std::erase(clients_[publisher].open[messages_[number].origin], number);
  }

  // --- From node to node, and from nodes to clients
  void route(NodeNumber origin, MessageNumber number) {
    place(origin, number);
    const Message& message = messages_[number];
    for (NodeNumber to = 0; to < nodes_count; ++to) {
      if (to == origin || !crosses(origin, to, message.topic)) continue;
      if (mutant_ == Mutant::loses_over_nodes && random_.one_in(5)) continue;
      const bool is_open = nodes_[to].is_up && !is_parted_;
      if (message.qos == 0 && !is_open) continue;
      nodes_[origin].outboxes[to].push_back(number);
      pump(origin, to);
    }
  }
  /// One at a time.
  void pump(NodeNumber from, NodeNumber to) {
    Node& origin = nodes_[from];
    if (!origin.is_up || origin.outboxes[to].empty()) return;
    if (!nodes_[to].is_up || is_parted_ || !origin.under_way.insert(to).second) return;
    at(Duration{random_.upto(30'000'000)}, [this, from, to] {
      Node& sender = nodes_[from];
      if (sender.under_way.erase(to) == 0 || sender.outboxes[to].empty()) return;
      if (!nodes_[to].is_up || is_parted_) return;
      const MessageNumber number = sender.outboxes[to].front();
      sender.outboxes[to].pop_front();
      place(to, number);
      pump(from, to);
    });
  }
  void place(NodeNumber number, MessageNumber what) {
    Node& node = nodes_[number];
    const Message& message = messages_[what];
    if (message.retain && !message.is_empty) node.retained[message.topic] = what;
    if (message.retain && message.is_empty && mutant_ != Mutant::forgets_to_delete)
      node.retained.erase(message.topic);
    std::map<std::string, std::vector<std::pair<ClientNumber, int>>> groups;
    for (auto& [client, session] : node.sessions) {
      int granted = -1;
      for (const auto& [filter, qos] : session.filters) {
        const WrittenFilter written = split_share(filter);
        if (!naive_matches(written.filter, message.topic)) continue;
        if (written.group.empty()) {
          granted = std::max(granted, qos);
        } else if (clients_[client].node == number) {
          groups[filter].emplace_back(client, qos);
        }
      }
      if (granted >= 0) give(client, number, {what, std::min(granted, message.qos)});
    }
    for (const auto& [group, members] : groups) {
      const std::size_t turn = node.turns[group]++;
      const std::size_t served =
          mutant_ == Mutant::serves_two_members ? std::min<std::size_t>(2, members.size()) : 1;
      for (std::size_t i = 0; i < served; ++i) {
        const auto& [client, granted] = members[(turn + i) % members.size()];
        give(client, number, {what, std::min(granted, message.qos)});
      }
    }
  }
  void give(ClientNumber client, NodeNumber node, Copy copy) {
    if (mutates(Mutant::loses_a_copy)) return;
    const bool is_here = clients_[client].node == node;
    Session& session = nodes_[node].sessions[client];
    if (mutates(Mutant::sends_out_of_order) && is_here && copy.qos > 0) {
      // Long enough for the next one.
      return at(3s, [this, client, node, copy] {
        if (clients_[client].node == node) give_now(client, node, copy);
      });
    }
    if (!is_here && (copy.qos == 0 || !session.keeps)) return;
    give_now(client, node, copy);
    if (mutates(Mutant::sends_twice)) give_now(client, node, copy);
  }
  void give_now(ClientNumber client, NodeNumber node, Copy copy) {
    if (copy.qos == 0) return send(client, copy);
    auto& unfinished = nodes_[node].sessions[client].unfinished;
    unfinished.push_back(copy);
    if (clients_[client].node == node) send(client, unfinished.back());
  }
  void send(ClientNumber client, Copy& copy) {
    const bool dup = std::exchange(copy.was_sent, true);
    to_client(client, [this, client, copy, dup] {
      const Message& message = messages_[copy.number];
      const NodeNumber node = *clients_[client].node;
      auto& unfinished = nodes_[node].sessions[client].unfinished;
      const auto kept = std::ranges::find_if(
          unfinished, [&](const Copy& each) { return each.number == copy.number; });
      const bool is_repeated = copy.qos == 2 && kept != unfinished.end() && kept->has_come;
      if (kept != unfinished.end()) kept->has_come = true;
      checkers_.on_received(now_, {.number = message.is_empty ? 0 : copy.number,
                                   .client = client,
                                   .node = node,
                                   .topic = message.topic,
                                   .qos = static_cast<QoS>(copy.qos),
                                   .retain = copy.retain,
                                   .dup = dup,
                                   .is_repeated_packet = is_repeated});
      if (copy.qos == 0) return;
      to_node(client, [this, client, node, number = copy.number] {
        auto& waiting = nodes_[node].sessions[client].unfinished;
        const auto found =
            std::ranges::find_if(waiting, [&](const Copy& each) { return each.number == number; });
        if (found != waiting.end()) waiting.erase(found);
      });
    });
  }

  starling::test::SeededRandom random_;
  Mutant mutant_;
  Checkers checkers_;
  TimePoint now_ = TimePoint{};
  std::multimap<TimePoint, std::function<void()>> agenda_;  // equal keys in the order of asking
  std::map<NodeNumber, Node> nodes_;
  std::map<ClientNumber, Client> clients_;
  std::map<MessageNumber, Message> messages_;
  MessageNumber last_number_ = 0;
  bool is_parted_ = false;
  bool is_calm_ = false;
};

}  // namespace starling::sim::test
