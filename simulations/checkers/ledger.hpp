// Ledger: who published what, and was it acknowledged; which client has held which filter since when
// and at which node; what came where. All checkers read it, and it is told each event before them.
// It judges nothing.
//
// Memory: a message costs some 60 bytes, and 8 more for each session that it is owed to until it has
// come there; a session and a sequence of messages that reaches it cost some 80 bytes together,
// however long the sequence is. What is beyond CheckerSettings::..._max is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "simulations/checkers/mesh_view.hpp"
#include "simulations/checkers/number_set.hpp"
#include "simulations/checkers/settings.hpp"
#include "simulations/checkers/topic_index.hpp"

namespace starling::sim {

/// A session: of one client at one node. A client that moves has several.
using SlotNumber = std::uint32_t;
/// A shared group: a name and a filter.
using GroupNumber = std::uint32_t;
inline constexpr GroupNumber no_group = ~GroupNumber{0};
/// What one client publishes at one node under one topic with one QoS: what has an order.
using StreamNumber = std::uint32_t;

inline constexpr TimePoint never = TimePoint::max();

struct Subscription {
  FilterNumber filter = 0;
  GroupNumber group = no_group;
  QoS qos = QoS::at_most_once;
  std::uint32_t identifier = 0;
  TimePoint asked = never;  ///< SUBSCRIBE left; the last one of this filter
  TimePoint granted =
      never;                ///< SUBACK came; never: not yet. Kept when it is asked for again alike
  bool is_leaving = false;  ///< UNSUBSCRIBE has left
};

struct EndedSubscription {
  FilterNumber filter = 0;
  TimePoint ended;  ///< UNSUBACK came
};

struct Slot {
  ClientNumber client = 0;
  NodeNumber node = 0;
  bool is_connected = false;
  bool keeps = false;    ///< it outlives the connection
  bool is_over = false;  ///< ended, though the client need not know yet
  TimePoint began;       ///< the session, not the connection
  TimePoint connected_since;
  std::vector<TimePoint> connects;  ///< the latest of them
  std::vector<Subscription> subscriptions;
  std::vector<EndedSubscription> ended;  ///< the latest of them
};

struct Client {
  std::vector<SlotNumber> slots;
  std::optional<SlotNumber> at;      ///< where it is connected
  std::optional<SlotNumber> latest;  ///< where it is, or was the last time
  std::vector<TimePoint> connects;
};

struct Stream {
  ClientNumber client = 0;
  NodeNumber node = 0;
  TopicNumber topic = 0;
  QoS qos = QoS::at_most_once;
  std::uint32_t length = 0;
};

/// Somebody to whom a message is owed, if it is acknowledged.
struct Awaited {
  std::uint32_t who = 0;  ///< SlotNumber, or with is_group GroupNumber
  NodeNumber node = 0;
  QoS qos = QoS::at_least_once;  ///< the lower of both
  OwedBy by = OwedBy::same_node;
  bool is_group = false;
  bool has_come = false;
};

struct Message {
  MessageNumber number = 0;
  TimePoint at;
  TimePoint acknowledged = never;
  TimePoint completed = never;
  StreamNumber stream = 0;
  std::uint32_t sequence = 0;  ///< within its stream, from 1
  bool retain = false;
  bool is_empty = false;
  bool is_will = false;
  std::uint32_t missing = 0;                      ///< of `awaited`, not come yet
  std::unique_ptr<std::vector<Awaited>> awaited;  ///< ordered by is_group, who, node; null: nobody
};

/// A PUBLISH that has come, with what the ledger knows about it.
struct Reception {
  TimePoint at;
  const Received& packet;
  const Message* message = nullptr;  ///< null: a stranger's, without payload, or forgotten
  SlotNumber slot = 0;
  TopicNumber topic = 0;  ///< under which it came
  /// Subscriptions of the session that match, those included that are being given up.
  const std::vector<const Subscription*>& matches;
  /// Neither its node nor the one it was published at is hostile.
  bool is_trusted = true;
  /// Does it count as a delivery? Not what a retained message repeats to a new subscriber, nor a
  /// packet that the client recognises as a repetition.
  bool is_copy = false;
  Novelty novelty = Novelty::first;  ///< of a copy
  std::uint32_t copies = 1;          ///< of this message in this session, this one included
  /// The greatest sequence that came before it from its stream with this QoS; 0: none.
  std::uint32_t highest_before = 0;
  /// What was awaited here and has come with this.
  std::optional<Awaited> fulfilled = {};
};

class Ledger final : public Observer {
 public:
  explicit Ledger(const CheckerSettings& settings);

  void add_node(NodeNumber node, const NodeSharing& sharing) { mesh_.add_node(node, sharing); }

  void on_node_started(TimePoint at, NodeNumber node) override;
  void on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) override;
  void on_link_up(TimePoint at, NodeNumber from, NodeNumber to) override;
  void on_link_down(TimePoint at, NodeNumber from, NodeNumber to) override;
  void on_client_connected(TimePoint at, const ClientConnected& what) override;
  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override;
  void on_subscribing(TimePoint at, const Subscribed& what) override;
  void on_subscribed(TimePoint at, const Subscribed& what) override;
  void on_unsubscribing(TimePoint at, ClientNumber client, std::string_view filter) override;
  void on_unsubscribed(TimePoint at, ClientNumber client, std::string_view filter) override;
  void on_published(TimePoint at, const Published& what) override;
  void on_acknowledged(TimePoint at, MessageNumber number) override;
  void on_completed(TimePoint at, MessageNumber number) override;
  void on_fault_begins(TimePoint at, std::string_view what) override;
  void on_fault_ends(TimePoint at, std::string_view what) override;
  void on_second(TimePoint at, const World& world) override;
  /// Instead of on_received: what it comes to. Good until the next event.
  Reception receive(TimePoint at, const Received& packet);

  [[nodiscard]] const CheckerSettings& settings() const { return settings_; }
  [[nodiscard]] const MeshView& mesh() const { return mesh_; }
  [[nodiscard]] MeshView& mesh() { return mesh_; }
  [[nodiscard]] TopicIndex& topics() { return topics_; }
  [[nodiscard]] const TopicIndex& topics() const { return topics_; }
  [[nodiscard]] const Message* find(MessageNumber number) const;
  [[nodiscard]] const Stream& stream_of(const Message& message) const {
    return streams_[message.stream];
  }
  [[nodiscard]] const Slot& slot(SlotNumber number) const { return slots_[number]; }
  /// The session in which a client is at present; null: it is not connected.
  [[nodiscard]] const Slot* present_slot(ClientNumber client) const;
  /// Where it is connected, or was the last time.
  [[nodiscard]] std::optional<SlotNumber> latest_slot(ClientNumber client) const;
  [[nodiscard]] std::optional<SlotNumber> find_slot(ClientNumber client, NodeNumber node) const;
  [[nodiscard]] const std::deque<Message>& messages() const { return messages_; }
  /// "$share/name/filter".
  [[nodiscard]] std::string group_text(GroupNumber group) const;
  [[nodiscard]] FilterNumber group_filter(GroupNumber group) const { return groups_[group].filter; }
  /// Sessions that hold `filter`, as members of groups or not.
  [[nodiscard]] const std::vector<SlotNumber>& holders_of(FilterNumber filter) const;
  [[nodiscard]] std::size_t connects_since(ClientNumber client, TimePoint since) const;
  [[nodiscard]] static std::size_t connects_since(const Slot& slot, TimePoint since);
  /// Was the session of its publisher at its node lost or left since then? What that session still
  /// held of QoS 2 is gone.
  [[nodiscard]] bool publisher_is_gone(const Message& message) const;
  /// It is connected there, and its session is still the one.
  [[nodiscard]] bool publisher_is_there(const Message& message) const;
  [[nodiscard]] bool is_ever_completed() const { return is_ever_completed_; }
  /// The last on_client_connected found no session where the client had one that was to be kept.
  [[nodiscard]] bool session_was_lost() const { return session_was_lost_; }

  /// It will never be owed again, whatever comes.
  [[nodiscard]] bool is_void(TimePoint now, const Message& message, const Awaited& awaited) const;
  /// It should have come by now, unless it is void.
  [[nodiscard]] bool is_due(TimePoint now, const Message& message, const Awaited& awaited) const;
  /// The subscription for which it is owed: it matches, was there in time, and still is. Null: none.
  [[nodiscard]] const Subscription* owing_subscription(const Message& message,
                                                       const Awaited& awaited) const;
  /// Calls visit(message, awaited) for everything that is due, not void, and has not come; in order.
  void for_each_missing(TimePoint now,
                        const std::function<void(const Message&, const Awaited&)>& visit) const;

  /// Messages that waited for their recipients and were not followed, for want of room.
  [[nodiscard]] std::size_t not_followed() const { return not_followed_; }

  // Parts of sentences.
  [[nodiscard]] std::string when(TimePoint at) const;  ///< "12.345 s"
  [[nodiscard]] std::string describe(
      const Message& message) const;                           ///< "message 7 ('a/b', QoS 1, ..."
  [[nodiscard]] std::string describe(const Slot& slot) const;  ///< "client 3 at node 1"

 private:
  struct Group {
    std::string name;
    FilterNumber filter = 0;
  };
  struct StreamKey {
    ClientNumber client = 0;
    NodeNumber node = 0;
    TopicNumber topic = 0;
    QoS qos = QoS::at_most_once;
    bool operator==(const StreamKey&) const = default;
  };
  struct StreamHash {
    std::size_t operator()(const StreamKey& key) const {
      const std::uint64_t who = std::uint64_t{key.client} << 32U | key.node;
      const std::uint64_t what =
          std::uint64_t{key.topic} << 2U | static_cast<std::uint64_t>(key.qos);
      return (who * 0x9e37'79b9'7f4a'7c15ULL) ^ (what * 0xc2b2'ae3d'27d4'eb4fULL);
    }
  };
  struct Arrivals {  // at one session, of one stream
    NumberSet met;
    std::uint32_t highest = 0;  // with `qos`
    QoS qos = QoS::at_most_once;
  };

  Client& client(ClientNumber number);
  Slot& slot_of(ClientNumber client, NodeNumber node, SlotNumber& number);
  Slot* present(ClientNumber client);
  void begin_session(TimePoint at, SlotNumber number);
  void end_session(SlotNumber number);
  void detach(ClientNumber client);
  GroupNumber group_number(std::string_view name, FilterNumber filter);
  Subscription* find_subscription(Slot& slot, std::string_view written);
  void add_holder(FilterNumber filter, SlotNumber slot);
  void remove_holder(FilterNumber filter, SlotNumber slot);
  StreamNumber stream_number(const Published& what, TopicNumber topic);
  Message* find_kept(MessageNumber number);
  void forget_oldest();
  void find_awaited(TimePoint at, Message& message);
  void await(TimePoint at, const Message& message, SlotNumber number, FilterNumber filter,
             std::vector<Awaited>& out);
  std::optional<Awaited> mark_come(Message& message, SlotNumber slot);
  void release(Message& message);
  void sweep(TimePoint now);
  std::uint32_t count_copies(SlotNumber slot, MessageNumber number);

  const CheckerSettings& settings_;
  MeshView mesh_;
  TopicIndex topics_;
  std::vector<Client> clients_;
  std::vector<Slot> slots_;
  std::vector<std::vector<SlotNumber>> slots_at_;  // by node
  std::vector<std::vector<SlotNumber>> holders_;   // by filter, ordered
  std::vector<Group> groups_;
  ByText<GroupNumber> group_numbers_;  // by name, '/' and filter
  std::vector<Stream> streams_;
  std::unordered_map<StreamKey, StreamNumber, StreamHash> stream_numbers_;
  std::deque<Message> messages_;                          // ordered by number
  std::unordered_map<std::uint64_t, Arrivals> arrivals_;  // by slot and stream
  std::unordered_map<std::uint64_t, std::uint32_t>
      copies_;                                // beyond the first, by slot and message
  std::vector<const Subscription*> matches_;  // scratch
  std::size_t awaited_count_ = 0;
  std::size_t not_followed_ = 0;
  TimePoint swept_ = TimePoint::min();
  bool is_ever_completed_ = false;
  bool session_was_lost_ = false;
};

/// "'a/+'".
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace starling::sim
