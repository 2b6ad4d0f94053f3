// Store: what must outlive the process. One StoreBatch per turn of the loop carries every change of
// the turn, from rooms that never meet, in one transaction; its number releases the
// acknowledgements that depend on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/publication.hpp"
#include "starling/time.hpp"

namespace starling {

/// Batches are numbered from 1, in the order of commit().
using BatchNumber = std::uint64_t;

/// A session as the store knows it: counts up and never repeats, so a client id that ends and begins
/// anew is never mistaken for itself. 0: none.
using SessionNumber = std::uint64_t;

/// Who published a retained message.
struct StoredAuthor {
  std::string client_id;
  std::optional<std::string> user;
  std::string listener;  ///< its name
};

/// A will (3.1.2.5): what is to be published. `message` has neither id nor expiry.
struct StoredWill {
  SharedPublication message;
  std::uint32_t delay_s = 0;
  std::optional<std::uint32_t> expiry_s;  ///< Message Expiry Interval, from its publication on
};

struct StoredSubscription {
  std::string filter;            ///< behind the session's mount point; "$share/..." included
  std::uint8_t options = 0;      ///< the Subscription Options byte (MQTT5 3.8.3.1)
  std::uint32_t identifier = 0;  ///< Subscription Identifier, 0: none
};

/// A message on its way to one session.
struct StoredDelivery {
  enum class State : std::uint8_t {
    waiting,   ///< never sent
    sent,      ///< to be sent again, DUP set, under the same packet id
    received,  ///< QoS 2: PUBREC has come, PUBREL is due
  };
  std::uint64_t position = 0;  ///< counts up per session, never repeats; its packet id follows from it
  SharedPublication message;   ///< its `number` is set
  QoS qos = QoS::at_least_once;
  bool retain = false;  ///< the RETAIN flag this subscriber shall see
  State state = State::waiting;
  std::vector<std::uint32_t> subscription_ids = {};
  std::string share = {};  ///< "$share/group/filter" that picked this session; empty: none
};

/// An open inbound QoS 2 packet id.
struct StoredInboundId {
  std::uint16_t packet_id = 0;
  SharedPublication held;  ///< its message, not delivered before PUBREL; null: it was
};

/// What CONNECT fixes.
struct StoredSession {
  SessionNumber number = 0;
  std::string client_id;
  std::uint32_t expiry_s = 0;  ///< 0: ends with its connection, so it ends with the process too
  std::optional<std::string> user;
  std::string listener;  ///< by which it came last, its name
  std::string mount;
  std::optional<StoredWill> will;
};

// What changes, one struct a kind.
struct RetainedSet {
  SharedPublication message;
  std::shared_ptr<const StoredAuthor> author = nullptr;  ///< null: none of ours
};
struct RetainedErased {
  TopicName topic;
};
/// The session began, or its client came back.
struct SessionSaved {
  std::shared_ptr<const StoredSession> session;
};
/// Its client has left. nullopt: never.
struct SessionAway {
  SessionNumber session = 0;
  std::optional<TimePoint> ends_at;
  std::optional<TimePoint> will_due;
};
/// Its will was published or taken back.
struct WillErased {
  SessionNumber session = 0;
};
/// With all that belongs to it.
struct SessionErased {
  SessionNumber session = 0;
};
struct SubscriptionSaved {
  SessionNumber session = 0;
  StoredSubscription subscription;
};
struct SubscriptionErased {
  SessionNumber session = 0;
  std::string filter;
};
/// A message waits for a session, or was sent to it at once.
struct MessageQueued {
  SessionNumber session = 0;
  StoredDelivery delivery;
};
/// Everything that waited up to this position has been sent once.
struct MessagesSent {
  SessionNumber session = 0;
  std::uint64_t up_to = 0;
};
/// PUBREC has come for it: StoredDelivery::State::received.
struct MessageReceived {
  SessionNumber session = 0;
  std::uint64_t position = 0;
};
/// What was at `position` has been acknowledged, has expired or was dropped.
struct MessageDone {
  SessionNumber session = 0;
  std::uint64_t position = 0;
};
/// An inbound QoS 2 packet id is open (until PUBREL) or closed.
struct InboundIdOpened {
  SessionNumber session = 0;
  StoredInboundId id;
};
struct InboundIdClosed {
  SessionNumber session = 0;
  std::uint16_t packet_id = 0;
};
/// What was held has gone on before its PUBREL; the id stays open.
struct InboundHeldTaken {
  SessionNumber session = 0;
};
/// A message waits for a peer of the mesh, in the order of MessageId.
struct OutboxQueued {
  NodeId peer;
  SharedPublication message;
};
struct OutboxDone {
  NodeId peer;
  MessageId up_to;
};

using StoreChange =
    std::variant<RetainedSet, RetainedErased, SessionSaved, SessionAway, WillErased, SessionErased,
                 SubscriptionSaved, SubscriptionErased, MessageQueued, MessagesSent,
                 MessageReceived, MessageDone, InboundIdOpened, InboundIdClosed, InboundHeldTaken,
                 OutboxQueued, OutboxDone>;

struct StoreBatch {
  std::vector<StoreChange> changes;
  [[nodiscard]] bool empty() const { return changes.empty(); }
};

/// A session as it comes back. What waits for it stays in the store, behind read_queue().
struct LoadedSession {
  StoredSession session;
  bool away = false;  ///< its client had left; else it was cut off by our own end
  std::optional<TimePoint> ends_at;   ///< if away
  std::optional<TimePoint> will_due;  ///< if away
  std::vector<StoredSubscription> subscriptions;
  std::vector<StoredInboundId> inbound;    ///< in the order they were opened
  std::vector<StoredDelivery> in_flight;   ///< sent or received, in the order of their positions
  std::uint64_t last_position = 0;         ///< the greatest that was ever given, or a later one
  std::uint64_t waiting_after = 0;         ///< every position that waits is beyond it
  std::uint64_t waiting = 0;               ///< messages
  std::uint64_t waiting_bytes = 0;         ///< topics and payloads of these
};

/// Takes what the store kept, retained messages first.
class StoreLoader {
 public:
  virtual ~StoreLoader() = default;
  virtual void on_retained(SharedPublication message,
                           std::shared_ptr<const StoredAuthor> author) = 0;
  virtual void on_session(LoadedSession session) = 0;
};

/// The greatest numbers in use; new ones go on from here.
struct StoreNumbers {
  std::uint64_t message = 0;  ///< Publication::number
  SessionNumber session = 0;
};

/// Part of a session's waiting messages: those beyond `after`, in order.
struct QueueRead {
  SessionNumber session = 0;
  std::uint64_t after = 0;
  std::size_t count_max = 0;  ///< at least 1
  std::size_t bytes_max = 0;  ///< of topics and payloads; one message always comes
};

/// A waiting message whose time ran out, and that the store has forgotten by itself.
struct ExpiredDelivery {
  SessionNumber session = 0;
  std::uint64_t position = 0;
  std::size_t bytes = 0;  ///< topic and payload
};

enum class StoreHealth : std::uint8_t {
  good,
  full,    ///< no space left; it tries again by itself
  failing  ///< any other error; it tries again by itself
};

class Store {
 public:
  struct Handlers {
    /// Every batch up to `last` is safe.
    std::function<void(BatchNumber last)> committed;
    /// Batches that are not safe yet stay with the store, and become safe when it is good again.
    std::function<void(StoreHealth)> health = nullptr;
    /// Found by the store's own looks for what has expired.
    std::function<void(const std::vector<ExpiredDelivery>&)> expired = nullptr;
  };

  virtual ~Store() = default;
  /// All run on the loop.
  virtual void set_handlers(Handlers handlers) = 0;
  /// Before the first commit(): everything that was kept. Blocks.
  virtual StoreNumbers load(StoreLoader& loader) = 0;
  /// Takes the turn's changes. Handlers::committed is called for it later, or from inside when it is
  /// safe at once. An empty batch has the number of the batch before it.
  virtual BatchNumber commit(StoreBatch batch) = 0;
  /// `done` runs on the loop, later, with what waits for the session; it sees every batch committed
  /// before this call. Fewer than asked for: that was the end.
  virtual void read_queue(const QueueRead& what,
                          std::function<void(std::vector<StoredDelivery>)> done) = 0;
  /// False: nothing is kept, so nobody needs to fill a batch.
  [[nodiscard]] virtual bool keeps_anything() const = 0;
  /// Bytes of batches that are not safe yet.
  [[nodiscard]] virtual std::size_t backlog_bytes() const { return 0; }
};

/// Small documents a node keeps across restarts: its boot epoch, peers, DHT nodes.
class StateFiles {
 public:
  virtual ~StateFiles() = default;
  /// nullopt when there is none, or it cannot be read (which is logged).
  virtual std::optional<Bytes> load(std::string_view name) = 0;
  /// Replaces the document atomically, readable by its owner only.
  virtual Result<void> save(std::string_view name, ByteView content) = 0;
};

}  // namespace starling
