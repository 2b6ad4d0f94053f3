// Store: what must outlive the process. One StoreBatch per turn of the loop carries every change of
// the turn, from rooms that never meet, in one transaction; its number releases the
// acknowledgements that depend on it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/interest.hpp"
#include "starling/publication.hpp"

namespace starling {

/// Batches are numbered from 1, in the order of commit().
using BatchNumber = std::uint64_t;

// What changes, one struct a kind. A session is named by its client id, a peer by its NodeId.
struct RetainedSet {
  SharedPublication message;
};
struct RetainedErased {
  TopicName topic;
};
struct SessionSaved {
  std::string client_id;
  std::uint32_t expiry_s = 0;
};
struct SessionErased {
  std::string client_id;
};
struct SubscriptionSaved {
  std::string client_id;
  std::string filter;            ///< as the client wrote it, "$share/..." included
  std::uint8_t options = 0;      ///< the Subscription Options byte (MQTT5 3.8.3.1)
  std::uint32_t identifier = 0;  ///< Subscription Identifier, 0: none
};
struct SubscriptionErased {
  std::string client_id;
  std::string filter;
};
/// A message waits for a session: `position` counts up per session and never repeats.
struct MessageQueued {
  std::string client_id;
  std::uint64_t position = 0;
  SharedPublication message;
  QoS qos = QoS::at_least_once;
};
/// What was at `position` has been acknowledged, has expired or was dropped.
struct MessageDone {
  std::string client_id;
  std::uint64_t position = 0;
};
/// An inbound QoS 2 packet id is open (until PUBREL) or closed.
struct InboundIdOpened {
  std::string client_id;
  std::uint16_t packet_id = 0;
  SharedPublication held = nullptr;  ///< its message, not delivered before PUBREL; null: it was
};
struct InboundIdClosed {
  std::string client_id;
  std::uint16_t packet_id = 0;
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

using StoreChange = std::variant<RetainedSet, RetainedErased, SessionSaved, SessionErased,
                                 SubscriptionSaved, SubscriptionErased, MessageQueued, MessageDone,
                                 InboundIdOpened, InboundIdClosed, OutboxQueued, OutboxDone>;

struct StoreBatch {
  std::vector<StoreChange> changes;
  [[nodiscard]] bool empty() const { return changes.empty(); }
};

class Store {
 public:
  /// Every batch up to `last` is safe. Runs on the loop.
  using OnCommitted = std::function<void(BatchNumber last)>;

  virtual ~Store() = default;
  virtual void set_handler(OnCommitted handler) = 0;
  /// Takes the turn's changes. The handler is called for it later, or from inside when it is safe
  /// at once.
  virtual BatchNumber commit(StoreBatch batch) = 0;
  /// False: nothing is kept, so nobody needs to fill a batch.
  [[nodiscard]] virtual bool keeps_anything() const = 0;
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
