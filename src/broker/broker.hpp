// Broker: everything between the local clients of one node. Connections and packets go in, packets,
// changes and acknowledgements come out through ConnectionPort and BrokerHost. It knows no other
// node: what clients publish leaves through BrokerHost::on_local_publication, what the mesh brings
// enters through deliver_from_mesh, and there is no way from the one door to the other.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/publication.hpp"

#include "src/access/access_rules.hpp"
#include "src/broker/broker_host.hpp"
#include "src/broker/broker_settings.hpp"
#include "src/broker/denial_log.hpp"
#include "src/broker/fan_out.hpp"
#include "src/broker/local_session.hpp"
#include "src/broker/retained.hpp"
#include "src/broker/session_registry.hpp"
#include "src/broker/shared_groups.hpp"
#include "src/broker/subscriptions.hpp"
#include "src/broker/takeover_guard.hpp"
#include "src/broker/withheld_publishers.hpp"
#include "src/mqtt/packet.hpp"
#include "src/mqtt/packet_error.hpp"
#include "src/mqtt/write_packet.hpp"

namespace starling {

/// What became of a message from the mesh.
enum class MeshPlacement : std::uint8_t {
  placed,  ///< delivered, queued or wanted by nobody: its duty is done once the turn's batch is
           ///< safe
  waiting  ///< a reader's queue is full: BrokerHost::on_mesh_message_placed will tell
};

class Broker {
 public:
  /// `listeners`: at least one; a connection names its own by index. All references must outlive the
  /// broker.
  Broker(BrokerSettings settings, std::vector<ListenerPolicy> listeners, BrokerHost& host,
         Scheduler& scheduler, Entropy& entropy, LogSink& log);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // --- Connections. Ids are new for each; those the broker has closed or never knew are ignored.

  void on_connection_opened(ConnectionId id, ConnectionPort& port, ConnectionInfo info);
  /// A packet from the client, CONNECT first. Views in it need to be good during the call only.
  void on_packet(ConnectionId id, const mqtt::Packet& packet);
  /// The same for the most frequent kinds, which need not become a Packet first.
  void on_packet(ConnectionId id, const mqtt::Publish& packet);
  void on_packet(ConnectionId id, const mqtt::Puback& packet);
  void on_packet(ConnectionId id, const mqtt::Pubrec& packet);
  void on_packet(ConnectionId id, const mqtt::Pubrel& packet);
  void on_packet(ConnectionId id, const mqtt::Pubcomp& packet);
  /// The stream had no meaning any more. `refuse_in`: while CONNECT has not come, the version whose
  /// CONNACK may say why (mqtt::version_for_refusal); nullopt: none.
  void on_packet_error(ConnectionId id, const mqtt::PacketError& error,
                       std::optional<mqtt::ProtocolVersion> refuse_in = std::nullopt);
  /// write_is_congested() has become false again.
  void on_writable(ConnectionId id);
  /// The network connection is gone without a word: the will is due [MQTT-3.1.2-8] [MQTT5-3.1.2-8].
  void on_connection_closed(ConnectionId id, std::string_view why);
  /// So many bytes of MQTT have come from a client. Only counted.
  void count_received(std::size_t bytes) {
    counters_.bytes_received += static_cast<std::int64_t>(bytes);
  }
  /// Subscriptions that go when this connection does, some microseconds' work each.
  [[nodiscard]] std::size_t subscriptions_ending_with(ConnectionId id) {
    const Connection* connection = find(id);
    const LocalSession* session = connection == nullptr ? nullptr : connection->session;
    return session == nullptr || session->is_durable() ? 0 : session->subscriptions.size();
  }
  /// Takes out some of them, at most `count`: for a connection that is about to end.
  void shed_subscriptions(ConnectionId id, std::size_t count);
  /// Grows with every packet that came and every copy of a message that was made for somebody.
  [[nodiscard]] std::uint64_t work_done() const {
    return static_cast<std::uint64_t>(counters_.packets_received) + fan_out_.copies_made();
  }
  /// What BrokerHost::acknowledge_after_commit was given may leave now.
  void release(ConnectionId id, const Acknowledgement& what);

  /// The answer to BrokerHost::check_credentials(), if it did not come at once.
  void on_credentials_checked(ConnectionId id, const AuthVerdict& verdict);

  // --- The mesh --------------------------------------------------------------------------------

  /// A message of another node, allowed by the rules and stamped by its origin. Retains and
  /// delivers it; never leads to BrokerHost::on_local_publication.
  MeshPlacement deliver_from_mesh(const SharedPublication& message);
  /// Calls visit(const Interest&) for all that local clients want. Not for the hot path.
  template <class Visit>
  void for_each_interest(Visit&& visit) const {
    subscriptions_.for_each_interest(visit);
  }

  // --- The store (BrokerSettings::store_keeps_anything) ----------------------------------------

  /// Takes what `store` kept, before anything else happens.
  StoreNumbers restore(Store& store);
  /// What BrokerHost::read_queue() asked for.
  void on_queue_read(SessionNumber session, std::vector<StoredDelivery> deliveries);
  /// What BrokerHost::tell_when_safe() asked for.
  void on_queue_safe(SessionNumber session, std::uint64_t position);
  void on_expired_in_store(const std::vector<ExpiredDelivery>& expired);
  /// While the store is not good, nothing is taken that needs it: clients of MQTT 5 are told so, the
  /// others' acknowledgements wait.
  void on_store_health(StoreHealth health);
  /// The store is not good, and this acknowledgement waits for it. What rests on nothing leaves, and
  /// a client that can be told that its message was not taken is told so. False: it goes on waiting.
  bool answer_waiting(ConnectionId id, const Acknowledgement& what);

  // --- The node --------------------------------------------------------------------------------

  /// The configuration was read again. Listeners keep their numbers. Access rules hold at once, for
  /// sessions away too; what was agreed with a client at CONNECT stays as it is. Clients that could
  /// not come in any more are sent away (BrokerHost::may_stay, ListenerPolicy::allow_anonymous).
  void configure(BrokerSettings settings, std::vector<ListenerPolicy> listeners);
  /// A message of the broker itself ($SYS). Retains and delivers it here; the mesh never sees it.
  void publish_system(const TopicName& topic, std::string_view payload, bool retain);
  /// Says good-bye to all clients (DISCONNECT 0x8B to those of MQTT 5) and closes. Sessions and
  /// wills stay.
  void stop();
  [[nodiscard]] BrokerCounters counters() const;
  [[nodiscard]] std::size_t retained_count() const { return retained_.size(); }

 private:
  // broker.cpp: packets, publications, acknowledgements
  Connection* find(ConnectionId id);
  template <class Packet>
  void take(ConnectionId id, const Packet& packet,
            void (Broker::*on_it)(Connection&, const Packet&));
  void on_session_packet(Connection& connection, const mqtt::Packet& packet);
  void on_publish(Connection& connection, const mqtt::Publish& packet);
  void on_early_packet(Connection& connection, const mqtt::Packet& packet);
  [[nodiscard]] bool may_publish(const LocalSession& session, const TopicName& topic) const;
  void refuse_publish(Connection& connection, const mqtt::Publish& packet, mqtt::ReasonCode reason);
  void take_qos2(Connection& connection, std::uint16_t packet_id,
                 std::shared_ptr<Publication> message);
  SharedPublication accept(std::shared_ptr<Publication> message, LocalSession& publisher);
  void retain(SharedPublication message, std::shared_ptr<const Author> author);
  void watch_retained_expiry();
  void on_puback(Connection& connection, const mqtt::Puback& packet);
  void on_pubrec(Connection& connection, const mqtt::Pubrec& packet);
  void on_pubrel(Connection& connection, const mqtt::Pubrel& packet);
  void on_pubcomp(Connection& connection, const mqtt::Pubcomp& packet);
  void settle(Connection& connection, OutboundQos::Received received,
              const std::optional<Delivery>& ended);
  void on_pingreq(Connection& connection);
  void send_pingresp(Connection& connection);
  void send_acknowledgement(Connection& connection, const Acknowledgement& what);
  /// What an acknowledgement rests on. It matters while the store fails: then what rests on nothing
  /// leaves at once.
  enum class RestsOn : std::uint8_t { store, nothing };
  void promise(Connection& connection, const Acknowledgement& what,
               RestsOn rests_on = RestsOn::store);
  void owe(Connection& connection, Acknowledgement what, std::uint64_t hold,
           RestsOn rests_on = RestsOn::store);
  static RestsOn rests_on(const LocalSession& session) {
    return session.stored != 0 ? RestsOn::store : RestsOn::nothing;
  }
  void flush_owed(Connection& connection);

  // broker_delivery.cpp: what waits, retained replays, full queues
  void pump(LocalSession& session);
  void replay(LocalSession& session);
  enum class Step : std::uint8_t { went_on, blocked, steps_used_up };
  Step replay_one(LocalSession& session, std::size_t& steps);
  void replay_message(LocalSession& session, const RetainedReplay& replayed,
                      const RetainedMessages::Kept& kept, const TopicName& topic);
  [[nodiscard]] bool may_still_publish(const RetainedMessages::Kept& kept,
                                       const TopicName& topic) const;
  void replay_later(Connection& connection);
  /// Makes `who` wait for the full queues of the outcome; 0 if there are none.
  std::uint64_t hold_publisher(WithheldPublishers::Waiting who);
  void handle_outcome();
  void on_stalled(SubscriberKey key);
  void give_room(LocalSession& session);
  void drop_denied(LocalSession& session);
  void hand_over(LocalSession& session, std::vector<Delivery> deliveries, bool to_present_only);
  void hand_over_window(LocalSession& session);

  // broker_auth.cpp: who a client is
  void authenticate(Connection& connection, const mqtt::Connect& packet);
  void on_verdict(Connection& connection, const AuthVerdict& verdict);
  void begin_exchange(Connection& connection, ByteView data);
  void on_auth(Connection& connection, const mqtt::Auth& packet);
  void take_step(Connection& connection, const AuthStep& step);
  void take_step_again(Connection& connection, const AuthStep& step);
  void end_exchange(Connection& connection);
  void on_authenticated(Connection& connection);
  /// CONNACK or DISCONNECT, whichever the client may be told by now.
  void give_up(Connection& connection, mqtt::ReasonCode reason, std::string_view why);

  // broker_connect.cpp: how connections begin
  void on_connect(Connection& connection, const mqtt::Connect& packet);
  /// What a refused client hears: nothing, the code, or also why if it wants reason strings.
  enum class Telling : std::uint8_t { nothing, code, why };
  void refuse(Connection& connection, mqtt::ReasonCode reason, std::string_view why,
              Telling telling);
  void admit(Connection& connection);
  void wait_for_client_id(Connection& connection, const TakeoverGuard::Admission& admission);
  LocalSession* open_session(const std::string& client_id, bool clean_start, bool& present);
  void attach(Connection& connection, LocalSession& session);
  void release_connack(Connection& connection, const Acknowledgement& what);
  void log_connected(const Connection& connection);
  /// Writes past the session, of which there is none yet.
  template <class Packet>
  bool write_early(Connection& connection, const Packet& packet, std::size_t size_max) {
    Bytes& out = connection.port->output().tail();
    const std::size_t before = out.size();
    if (!mqtt::write_within(packet, connection.version, size_max, out)) return false;
    sent_.packets += out.size() > before ? 1 : 0;
    sent_.bytes += static_cast<std::int64_t>(out.size() - before);
    connection.port->flush_soon();
    return true;
  }

  // broker_leave.cpp: how connections and sessions end
  void on_disconnect(Connection& connection, const mqtt::Disconnect& packet);
  void fail(Connection& connection, const mqtt::PacketError& error);
  /// Tells an MQTT 5 client why, closes, and lets the session go on without it.
  void close(Connection& connection, mqtt::ReasonCode reason, std::string_view why, bool keep_will);
  /// The same for a connection whose stream has ended already. `kind`: for the log, one word.
  void forget(Connection& connection, std::string_view kind, std::string_view why, bool keep_will);
  void detach(LocalSession& session, bool keep_will);
  void watch_keep_alive(Connection& connection);
  void on_keep_alive_due(ConnectionId id);
  void watch_away(LocalSession& session);
  void on_away_due(SubscriberKey key);
  void publish_will(LocalSession& session);
  void end_session(LocalSession& session);
  void set_expiry(LocalSession& session, std::uint32_t expiry_s);

  // broker_subscribe.cpp
  void on_subscribe(Connection& connection, const mqtt::Subscribe& packet);
  mqtt::ReasonCode subscribe(Connection& connection, const mqtt::Subscription& asked,
                             std::uint32_t identifier);
  void on_unsubscribe(Connection& connection, const mqtt::Unsubscribe& packet);
  void put_subscription(LocalSession& session, const SubscriptionId& id,
                        const SubscriptionOptions& options);
  bool unsubscribe(LocalSession& session, std::string_view filter);
  void drop_subscriptions(LocalSession& session, std::size_t count_max);
  static void stop_replay(LocalSession& session, const TopicFilter& filter);
  void tell(const std::optional<InterestChange>& change);

  // broker_store.cpp: what outlives the process
  class Loader;
  void restore_session(LoadedSession loaded);
  void restore_subscription(LocalSession& session, const StoredSubscription& stored);
  [[nodiscard]] Delivery restored(const StoredDelivery& stored) const;
  [[nodiscard]] ListenerIndex listener_named(std::string_view name) const;
  void save_session(const LocalSession& session) { save_session(session, session.expiry_s); }
  void save_session(const LocalSession& session, std::uint32_t expiry_s);
  void save_departure(LocalSession& session, bool had_will);
  void forget_stored(LocalSession& session, bool leaves_orphans);
  void read_orphans(SessionNumber session, std::uint64_t after);
  void on_orphans_read(SessionNumber session, std::vector<StoredDelivery> deliveries);
  void number(Publication& message) {
    if (settings_.store_keeps_anything && message.number == 0)
      message.number = host_.next_message_number();
  }
  [[nodiscard]] bool store_fails() const { return store_health_ != StoreHealth::good; }
  /// The store cannot take what this PUBLISH would need it for.
  [[nodiscard]] bool must_wait_for_store(const LocalSession& session, const mqtt::Publish& packet,
                                         const TopicName& topic) const;
  [[nodiscard]] bool needs_store(const Publication& message) const;

  const std::shared_ptr<const Author>& author_of(LocalSession& session) const;
  template <class Change>
  void journal(const LocalSession& session, Change change) {
    if (session.stored != 0) host_.batch().changes.push_back(std::move(change));
  }
  [[nodiscard]] TimePoint now() const { return scheduler_.now(); }
  void send_away_revoked();
  [[nodiscard]] bool may_stay(const Connection& connection);
  [[nodiscard]] const ListenerPolicy& policy_of(const Connection& connection) const {
    return listeners_.at(connection.info.listener);
  }

  BrokerSettings settings_;
  BrokerHost& host_;
  Scheduler& scheduler_;
  LogSink& log_;
  std::vector<ListenerPolicy> listeners_;
  HashSeed hash_seed_;
  BrokerCounters counters_;  // without what counters() reads elsewhere
  OutboundQos::Pool queues_;
  ServerSession::Traffic sent_;
  DenialLog publish_denials_;
  DenialLog full_queues_;

  std::unordered_map<ConnectionId, Connection>
      connections_;                   // order of effects never comes from it
  Connection* found_last_ = nullptr;  // of these; packets of one client come in a row
  TakeoverGuard takeovers_;
  SessionRegistry registry_;
  Subscriptions subscriptions_;
  RetainedMessages retained_;
  WakeId retained_wake_;
  TimePoint retained_wake_at_{};
  WithheldPublishers withheld_;
  FanOut fan_out_;
  FanOut::Outcome outcome_;  // of the fan-out just done; memory reused
  StoreHealth store_health_ = StoreHealth::good;
  // Sessions that have ended, of which the store still holds what share groups gave them.
  std::set<SessionNumber> orphans_;
};

}  // namespace starling
