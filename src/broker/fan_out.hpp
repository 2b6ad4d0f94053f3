// FanOut: one Publication to all local subscribers. It finds them, decides for each which QoS,
// flags and identifiers its copy has, and hands it to the session's machine. It closes nothing and
// calls nobody back: what must follow is in the Outcome.
//
// The hot path begins at publish(), and keeps these rules: nothing is allocated per message or
// subscriber for QoS 0; a message for several is encoded once per protocol version and kind, and each
// gets a copy of these bytes with its own packet id and flags; nothing is written to a socket, bytes
// are appended to the connection's output and leave together when the turn ends.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "starling/publication.hpp"

#include "src/broker/broker_host.hpp"
#include "src/broker/broker_settings.hpp"
#include "src/broker/local_session.hpp"
#include "src/broker/route_cache.hpp"
#include "src/broker/session_registry.hpp"
#include "src/broker/shared_groups.hpp"
#include "src/broker/subscriptions.hpp"
#include "src/mqtt/publish_image.hpp"

namespace starling {

class FanOut {
 public:
  using Tree = Subscriptions::Tree;

  FanOut(const Tree& tree, SessionRegistry& registry, SharedGroups& groups, BrokerHost& host,
         BrokerCounters& counters, const BrokerSettings& settings)
      : tree_(tree),
        registry_(registry),
        groups_(groups),
        host_(host),
        counters_(counters),
        settings_(settings) {}

  struct Outcome {
    bool matched = false;             ///< some subscription here wants its topic
    std::vector<LocalSession*> full;  ///< took it beyond their limit: hold the publisher back
    LocalSession* dropped = nullptr;  ///< the first absent one that had no room
  };

  /// `publisher`: key of the publishing session, for No Local; 0 if it is none of ours. `outcome`
  /// is cleared.
  void publish(const SharedPublication& message, SubscriberKey publisher, TimePoint now,
               Outcome& outcome);

  /// Of all messages, for all subscribers.
  [[nodiscard]] std::uint64_t copies_made() const { return copies_made_; }

  /// A message that a share group gave to `leaving` (null: a session that has ended) and that was
  /// not delivered there: to another
  /// member that can take it. Returns false if there is none. `to_present_only`: members that are
  /// away or have a full queue do not count.
  bool hand_over(const Delivery& delivery, const LocalSession* leaving, bool to_present_only,
                 TimePoint now, Outcome& outcome);

  /// A retained message to a new subscription (RETAIN set [MQTT-3.3.1-8]), past the queue. Only if
  /// the machine can_write(granted).
  void send_retained(LocalSession& session, const SharedPublication& message, QoS granted,
                     std::uint32_t identifier, TimePoint now);

  /// Some durable session is subscribed to it, so placing it needs the store.
  [[nodiscard]] bool needs_store(const TopicName& topic) const;

  /// The client has acknowledged it, or it is done with for another reason.
  void on_acknowledged(LocalSession& session, const Delivery& delivery);
  /// Lets the machine send what waits, and counts it.
  void send_waiting(LocalSession& session, TimePoint now,
                    std::size_t count_max = std::numeric_limits<std::size_t>::max());

 private:
  void forget_images();
  const Route& route_of(const TopicName& topic, SubscriberKey publisher);
  void add_match(Route& route, LocalSession& session, const SubscriptionOptions& options);
  void send_to_member(SubscriberKey group, const SharedPublication& message, TimePoint now,
                      Outcome& outcome);
  static Copy copy_for(const SharedGroups::Member& member, SubscriberKey group);
  void send(const Copy& copy, const SharedPublication& message, TimePoint now, Outcome& outcome);
  void place(LocalSession& session, const SharedPublication& message, Delivery&& delivery,
             const mqtt::PublishImage* image, TimePoint now, Outcome& outcome);
  void purge(LocalSession& session, TimePoint now);
  void send_qos0(const Copy& copy, const SharedPublication& message, bool retain, TimePoint now,
                 Outcome& outcome);
  [[nodiscard]] QoS qos_for(QoS published, QoS granted) const;
  void journal_queued(LocalSession& session, const Delivery& delivery, StoredDelivery::State state);
  void count_sent(const Publication& message);
  const mqtt::PublishImage* image_for(const LocalSession& session, const Copy& copy, QoS qos,
                                      const Publication& message, TimePoint now);

  const Tree& tree_;
  SessionRegistry& registry_;
  SharedGroups& groups_;
  BrokerHost& host_;
  BrokerCounters& counters_;
  const BrokerSettings& settings_;  // may change between fan-outs

  std::uint64_t copies_made_ = 0;
  RouteCache routes_;
  bool is_for_one_ = true;      // the message that is on its way
  std::uint64_t number_ = 0;    // of the route being found, to recognise a session met before
  ServerSession::Ended ended_;  // scratch
  // [MQTT 5?][QoS above 0?]; encoded when first needed, memory reused.
  struct Image {
    mqtt::PublishImage image;
    bool encoded = false;
  };
  Image images_[2][2];
};

}  // namespace starling
