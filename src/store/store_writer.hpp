// StoreWriter: turns batches of changes into rows. It knows the tables and what refers to what; when
// a transaction begins and ends is its caller's business. Runs where the database's jobs run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "starling/port/store.hpp"

#include "src/store/message_references.hpp"
#include "src/store/sqlite.hpp"
#include "src/store/store_clock.hpp"

namespace starling {

/// A batch with the clock that held when it was handed over.
struct ClockedBatch {
  const StoreBatch* batch = nullptr;
  WallClock clock;
};

class StoreWriter {
 public:
  explicit StoreWriter(Database& database);
  ~StoreWriter();

  /// What the loader has found: from where the counters go on. `references`: the message of every
  /// row that has one, sorted.
  struct Start {
    StoreNumbers numbers;
    std::vector<std::uint64_t> references;
    std::vector<std::pair<SessionNumber, std::uint64_t>> last_positions;
    std::uint64_t inbound_opened = 0;  ///< the greatest of column inbound.opened
    std::int64_t clock_ms = 0;         ///< meta.clock
    bool erased_left = false;          ///< rows of erased sessions are left
  };
  void start(Start found);

  // --- Inside a transaction. All throw SqliteError.
  /// In their order, as if one after the other.
  void apply(std::span<const ClockedBatch> batches);
  /// The wall clock has moved by so much: stored instants move along.
  void shift_clock(std::int64_t by_ms);
  /// Deletes up to `rows_max` rows of sessions that were erased. True: some are left.
  bool erase_slice(std::size_t rows_max);
  /// Deletes up to `rows_max` waiting messages whose time ran out, found from `*after_ms` on, which
  /// moves on. True: more may be left.
  bool expire_slice(std::int64_t now_ms, std::size_t rows_max, std::int64_t* after_ms,
                    std::vector<ExpiredDelivery>& expired);
  /// The last thing before COMMIT: counters and the clock.
  void finish(std::int64_t now_ms);
  /// The last thing before the file is closed: counters as they are, not ahead of what was given.
  void finish_for_good(std::int64_t now_ms);

  // --- After it.
  void on_committed();
  void on_rolled_back();

  /// Is there something for erase_slice()?
  [[nodiscard]] bool has_erased() const { return erased_left_; }
  [[nodiscard]] const MessageReferences& references() const { return references_; }

 private:
  struct Statements;
  struct Plan;
  /// A session's positions: the greatest given, and what its row says, which runs ahead so that a
  /// message more does not cost a row more.
  struct Positions {
    std::uint64_t greatest = 0;
    std::uint64_t written = 0;
  };

  void apply_change(const RetainedSet& change);
  void apply_change(const RetainedErased& change);
  void apply_change(const SessionSaved& change);
  void apply_change(const SessionAway& change);
  void apply_change(const WillErased& change);
  void apply_change(const SessionErased& change);
  void apply_change(const SubscriptionSaved& change);
  void apply_change(const SubscriptionErased& change);
  void apply_change(const MessageQueued& change);
  void apply_change(const MessagesSent& change);
  void apply_change(const MessageReceived& change);
  void apply_change(const MessageDone& change);
  void apply_change(const InboundIdOpened& change);
  void apply_change(const InboundIdClosed& change);
  void apply_change(const InboundHeldTaken& change);
  void apply_change(const OutboxQueued& change);
  void apply_change(const OutboxDone& change);

  void save_will(SessionNumber session, const std::optional<StoredWill>& will);
  void give_position(SessionNumber session, std::uint64_t position);
  void write_sent();
  void write_positions();
  void erase_done();
  void erase_done_run(SessionNumber session, std::uint64_t from, std::uint64_t to);

  /// A row refers to `message` from now on; the message is written if it is not there.
  void refer(const Publication& message);
  /// One row less refers to it; with the last one it goes, at the latest at forget_messages().
  void release(std::uint64_t message);
  void forget_messages();
  void set_meta(std::string_view key, std::int64_t value);

  Database& database_;
  std::unique_ptr<Statements> statements_;
  WallClock clock_;  ///< of the batch that is being applied
  std::unique_ptr<Plan> plan_;

  MessageReferences references_;
  std::uint64_t last_message_ = 0;     ///< known to be there: written by this run of changes
  std::vector<std::uint64_t> doomed_;  ///< without references, not deleted yet
  std::unordered_map<SessionNumber, Positions> positions_;
  std::vector<SessionNumber> ahead_;  ///< whose rows were written in this transaction
  StoreNumbers greatest_;
  StoreNumbers written_;  ///< what meta says
  std::uint64_t inbound_opened_ = 0;
  std::int64_t clock_ms_ = 0;  ///< what meta.clock says
  bool erased_left_ = false;
  bool noted_clean_ = true;  ///< meta says, or may say, that the file was closed in order
  std::string scratch_;
  std::string scratch_ids_;
};

}  // namespace starling
