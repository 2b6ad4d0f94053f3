// Acceptance: the one place that decides when something may be acknowledged. It gathers the changes
// of a turn in one StoreBatch, commits it at the turn's end, and releases what waited for it when
// the store says that it is safe, in the order in which it was asked for.
#pragma once

#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "starling/port/scheduler.hpp"
#include "starling/port/store.hpp"

#include "src/broker/broker_host.hpp"

namespace starling {

class Acceptance {
 public:
  /// Releases one acknowledgement to its client.
  using Release = std::function<void(ConnectionId, const Acknowledgement&)>;
  /// A batch was handed to the store under this number; whoever put something into it may note it.
  using Sealed = std::function<void(BatchNumber)>;
  /// Every batch up to this number is safe.
  using Committed = std::function<void(BatchNumber)>;
  /// A message that waits for a session is safe.
  using QueueSafe = std::function<void(SessionNumber, std::uint64_t position)>;
  using WasRead = std::function<void(SessionNumber, std::vector<StoredDelivery>)>;
  /// The store cannot commit. True: the client was answered, so this acknowledgement waits no longer.
  using Answer = std::function<bool(ConnectionId, const Acknowledgement&)>;
  struct Handlers {
    Release release;
    Sealed sealed = nullptr;
    Committed committed = nullptr;
    QueueSafe queue_safe = nullptr;
    WasRead queue_read = nullptr;
    Answer answer = nullptr;
    std::function<void(StoreHealth)> health = nullptr;
    std::function<void(const std::vector<ExpiredDelivery>&)> expired = nullptr;
  };

  Acceptance(Store& store, Scheduler& scheduler);

  void set_handlers(Handlers handlers) { handlers_ = std::move(handlers); }

  /// This turn's changes. Asking for it makes the turn end with a commit.
  StoreBatch& batch();
  /// Something that the mesh has delivered in this turn is to be acknowledged to a peer: the turn
  /// ends with a commit, even of an empty batch.
  void commit_this_turn();
  /// `what` goes to its client once this turn's batch is safe: from inside, if it is of a message and
  /// the batch holds nothing yet and all before it are safe.
  void release_after_commit(ConnectionId to, const Acknowledgement& what);
  /// Handlers::queue_safe follows when this turn's batch is safe.
  void tell_when_safe(SessionNumber session, std::uint64_t position);
  /// Handlers::queue_read follows, never from inside, and sees this turn's batch.
  void read_after_commit(const QueueRead& what);

 private:
  struct Held {
    ConnectionId to;
    Acknowledgement what;
  };
  struct Safe {
    SessionNumber session;
    std::uint64_t position;
  };
  struct Waiting {
    BatchNumber batch;
    std::variant<Held, Safe> what;
  };
  void seal();
  void on_committed(BatchNumber last);
  void release_up_to(BatchNumber last);
  void on_health(StoreHealth health);

  Store& store_;
  Scheduler& scheduler_;
  Handlers handlers_;
  StoreBatch batch_;
  bool turn_has_work_ = false;
  std::vector<Waiting> this_turn_;  // their batch has no number yet
  std::vector<QueueRead> reads_;
  std::deque<Waiting> waiting_;  // in the order of their batches
  BatchNumber safe_ = 0;         // as the store told
  bool sealing_ = false;         // inside store_.commit()
};

}  // namespace starling
