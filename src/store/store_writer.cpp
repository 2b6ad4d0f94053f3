#include "src/store/store_writer.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/store/message_rows.hpp"
#include "src/store/row_text.hpp"

namespace starling {
namespace {

// Counters are written ahead of what is in use; after a crash they go on from there.
constexpr std::uint64_t positions_ahead = 1'000;
constexpr std::uint64_t messages_ahead = 65'536;
constexpr std::int64_t clock_interval_ms = 60'000;

using Place = std::pair<SessionNumber, std::uint64_t>;

}  // namespace

struct StoreWriter::Statements {
  explicit Statements(Database& database)
      : insert_message(database,
                       "INSERT OR IGNORE INTO message(id, topic, payload, qos, retain, expires_at,"
                       " payload_format, content_type, response_topic, correlation,"
                       " user_properties, origin, epoch, sequence)"
                       " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        delete_messages(database, "DELETE FROM message WHERE id BETWEEN ? AND ?"),
        insert_queue(
            database,
            "INSERT OR REPLACE INTO queue(session, position, message, qos, retain, state,"
            " bytes, expires_at, identifiers, share) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        queue_messages(database,
                       "SELECT message FROM queue WHERE session = ? AND position BETWEEN ? AND ?"),
        delete_queue(database, "DELETE FROM queue WHERE session = ? AND position BETWEEN ? AND ?"),
        set_received(database, "UPDATE queue SET state = 2 WHERE session = ? AND position = ?"),
        save_session(database,
                     "INSERT INTO session(number, client_id, expiry, user, listener, mount)"
                     " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(number) DO UPDATE SET"
                     " client_id = excluded.client_id, expiry = excluded.expiry,"
                     " user = excluded.user, listener = excluded.listener, mount = excluded.mount,"
                     " away = 0, ends_at = NULL, will_due = NULL"),
        session_away(database,
                     "UPDATE session SET away = 1, ends_at = ?, will_due = ? WHERE number = ?"),
        no_will_due(database, "UPDATE session SET will_due = NULL WHERE number = ?"),
        set_sent(database, "UPDATE session SET sent_up_to = ? WHERE number = ?"),
        set_position(database, "UPDATE session SET last_position = ? WHERE number = ?"),
        delete_session(database, "DELETE FROM session WHERE number = ?"),
        note_erased(database, "INSERT OR IGNORE INTO erased(session) VALUES(?)"),
        save_will(database,
                  "INSERT OR REPLACE INTO will(session, topic, payload, qos, retain,"
                  " payload_format, content_type, response_topic, correlation, user_properties,"
                  " delay, expiry) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        delete_will(database, "DELETE FROM will WHERE session = ?"),
        save_subscription(database,
                          "INSERT OR REPLACE INTO subscription(session, filter, options,"
                          " identifier) VALUES(?, ?, ?, ?)"),
        delete_subscription(database, "DELETE FROM subscription WHERE session = ? AND filter = ?"),
        find_inbound(database, "SELECT message FROM inbound WHERE session = ? AND packet_id = ?"),
        save_inbound(database,
                     "INSERT OR REPLACE INTO inbound(session, packet_id, opened, message)"
                     " VALUES(?, ?, ?, ?)"),
        delete_inbound(database, "DELETE FROM inbound WHERE session = ? AND packet_id = ?"),
        held(database, "SELECT message FROM inbound WHERE session = ? AND message IS NOT NULL"),
        take_held(database,
                  "UPDATE inbound SET message = NULL WHERE session = ? AND message IS NOT NULL"),
        find_retained(database, "SELECT message FROM retained WHERE topic = ?"),
        save_retained(database,
                      "INSERT OR REPLACE INTO retained(topic, message, author_client, author_user,"
                      " author_listener) VALUES(?, ?, ?, ?, ?)"),
        delete_retained(database, "DELETE FROM retained WHERE topic = ?"),
        set_meta(database, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)") {}

  /// Those that an exception may have left in the middle of their rows.
  void reset_readers() {
    for (Statement* statement : {&queue_messages, &find_inbound, &held, &find_retained})
      statement->reset();
  }

  Statement insert_message;
  Statement delete_messages;
  Statement insert_queue;
  Statement queue_messages;
  Statement delete_queue;
  Statement set_received;
  Statement save_session;
  Statement session_away;
  Statement no_will_due;
  Statement set_sent;
  Statement set_position;
  Statement delete_session;
  Statement note_erased;
  Statement save_will;
  Statement delete_will;
  Statement save_subscription;
  Statement delete_subscription;
  Statement find_inbound;
  Statement save_inbound;
  Statement delete_inbound;
  Statement held;
  Statement take_held;
  Statement find_retained;
  Statement save_retained;
  Statement delete_retained;
  Statement set_meta;
};

/// What a run of batches comes to in the end. Positions are never given twice, so what is done can
/// be taken together at the end of the run, and what came and went inside it is never written.
struct StoreWriter::Plan {
  struct Done {
    Place place;
    bool queued_here = false;  ///< by the same run
    friend bool operator<(const Done& a, const Done& b) { return a.place < b.place; }
  };

  std::vector<Done> done;                ///< sorted
  std::vector<Place> sent;               ///< sessions and up to where
  std::vector<SessionNumber> queued_to;  ///< whose row must say a greater position

  Done* find_done(SessionNumber session, std::uint64_t position) {
    if (done.empty()) return nullptr;
    const Place place{session, position};
    const auto found = std::lower_bound(done.begin(), done.end(), Done{place});
    return found != done.end() && found->place == place ? &*found : nullptr;
  }
  void clear() {
    done.clear();
    sent.clear();
    queued_to.clear();
  }
};

StoreWriter::StoreWriter(Database& database)
    : database_(database),
      statements_(std::make_unique<Statements>(database)),
      plan_(std::make_unique<Plan>()) {}

StoreWriter::~StoreWriter() = default;

void StoreWriter::start(Start found) {
  references_.count(found.references);
  positions_.clear();
  for (const auto& [session, last] : found.last_positions) positions_[session] = {last, last};
  greatest_ = found.numbers;
  written_ = found.numbers;
  inbound_opened_ = found.inbound_opened;
  clock_ms_ = found.clock_ms;
  erased_left_ = found.erased_left;
}

// --- A run of batches

void StoreWriter::apply(std::span<const ClockedBatch> batches) {
  plan_->clear();
  doomed_.clear();  // of a transaction that failed
  last_message_ = 0;
  for (const ClockedBatch& batch : batches)
    for (const StoreChange& change : batch.batch->changes)
      if (const auto* done = std::get_if<MessageDone>(&change))
        plan_->done.push_back({{done->session, done->position}});
  std::sort(plan_->done.begin(), plan_->done.end());
  for (const ClockedBatch& batch : batches) {
    clock_ = batch.clock;
    for (const StoreChange& change : batch.batch->changes)
      std::visit([this](const auto& one) { apply_change(one); }, change);
  }
  erase_done();
  write_sent();
  write_positions();
  forget_messages();
}

void StoreWriter::apply_change(const MessageQueued& change) {
  give_position(change.session, change.delivery.position);
  greatest_.message = std::max(greatest_.message, change.delivery.message->number);
  if (Plan::Done* done = plan_->find_done(change.session, change.delivery.position)) {
    done->queued_here = true;
    return;
  }
  const StoredDelivery& delivery = change.delivery;
  const Publication& message = *delivery.message;
  refer(message);
  Statement& insert = statements_->insert_queue;
  insert.bind(1, change.session);
  insert.bind(2, delivery.position);
  insert.bind(3, message.number);
  insert.bind(4, static_cast<std::int64_t>(delivery.qos));
  insert.bind(5, static_cast<std::int64_t>(delivery.retain));
  insert.bind(6, static_cast<std::int64_t>(delivery.state));
  insert.bind(7, static_cast<std::int64_t>(message.topic.text().size() + message.payload.size()));
  if (message.expires_at) {
    insert.bind(8, clock_.to_unix_ms(*message.expires_at));
  } else {
    insert.bind_null(8);
  }
  if (delivery.subscription_ids.empty()) {
    insert.bind_null(9);
  } else {
    scratch_ids_ = write_identifiers(delivery.subscription_ids);
    insert.bind_text(9, scratch_ids_);
  }
  if (delivery.share.empty()) {
    insert.bind_null(10);
  } else {
    insert.bind_text(10, delivery.share);
  }
  insert.run();
}

void StoreWriter::apply_change(const MessagesSent& change) {
  plan_->sent.emplace_back(change.session, change.up_to);
}

void StoreWriter::apply_change(const MessageReceived& change) {
  if (plan_->find_done(change.session, change.position) != nullptr) return;
  statements_->set_received.bind(1, change.session);
  statements_->set_received.bind(2, change.position);
  statements_->set_received.run();
}

void StoreWriter::apply_change(const MessageDone&) {
  // Taken by erase_done().
}

void StoreWriter::erase_done() {
  const std::vector<Plan::Done>& done = plan_->done;
  for (std::size_t from = 0; from < done.size();) {
    // What this run queued itself has no row, and so does not end a range.
    bool any = !done[from].queued_here;
    std::size_t to = from + 1;
    while (to < done.size() && done[to].place.first == done[from].place.first
           && done[to].place.second <= done[to - 1].place.second + 1)
      any |= !done[to++].queued_here;
    if (any)
      erase_done_run(done[from].place.first, done[from].place.second, done[to - 1].place.second);
    from = to;
  }
}

void StoreWriter::erase_done_run(SessionNumber session, std::uint64_t from, std::uint64_t to) {
  Statement& messages = statements_->queue_messages;
  messages.bind(1, session);
  messages.bind(2, from);
  messages.bind(3, to);
  bool any = false;
  while (messages.step()) {
    any = true;
    release(messages.number(0));
  }
  if (!any) return;
  Statement& erase = statements_->delete_queue;
  erase.bind(1, session);
  erase.bind(2, from);
  erase.bind(3, to);
  erase.run();
}

void StoreWriter::write_sent() {
  auto& sent = plan_->sent;
  std::stable_sort(sent.begin(), sent.end(),
                   [](const Place& a, const Place& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (i + 1 < sent.size() && sent[i + 1].first == sent[i].first) continue;  // the last one counts
    statements_->set_sent.bind(1, sent[i].second);
    statements_->set_sent.bind(2, sent[i].first);
    statements_->set_sent.run();
  }
}

void StoreWriter::give_position(SessionNumber session, std::uint64_t position) {
  Positions& positions = positions_[session];
  positions.greatest = std::max(positions.greatest, position);
  if (positions.greatest <= positions.written) return;
  positions.written = positions.greatest + positions_ahead;
  plan_->queued_to.push_back(session);
  ahead_.push_back(session);
}

void StoreWriter::write_positions() {
  for (const SessionNumber session : plan_->queued_to) {
    const auto found = positions_.find(session);
    if (found == positions_.end()) continue;  // erased since
    statements_->set_position.bind(1, found->second.written);
    statements_->set_position.bind(2, session);
    statements_->set_position.run();
  }
}

// --- Messages and who refers to them

void StoreWriter::refer(const Publication& message) {
  STARLING_CHECK(message.number != 0);
  if (message.number == last_message_) {
    references_.add(message.number);
    return;
  }
  Statement& insert = statements_->insert_message;
  insert.bind(1, message.number);
  bind_content(insert, 2, message);
  if (message.expires_at) {
    insert.bind(6, clock_.to_unix_ms(*message.expires_at));
  } else {
    insert.bind_null(6);
  }
  bind_properties(insert, 7, message.properties.get(), scratch_);
  if (message.id.origin.is_zero()) {
    insert.bind_null(12);
    insert.bind_null(13);
    insert.bind_null(14);
  } else {
    insert.bind_blob(12, message.id.origin.view());
    insert.bind(13, message.id.epoch);
    insert.bind(14, message.id.sequence);
  }
  insert.run();
  if (database_.changes() == 0) references_.add(message.number);
  last_message_ = message.number;
  greatest_.message = std::max(greatest_.message, message.number);
}

void StoreWriter::release(std::uint64_t message) {
  if (references_.release(message)) doomed_.push_back(message);
}

void StoreWriter::forget_messages() {
  if (doomed_.empty()) return;
  std::sort(doomed_.begin(), doomed_.end());
  Statement& erase = statements_->delete_messages;
  for (std::size_t from = 0; from < doomed_.size();) {
    std::size_t to = from + 1;
    while (to < doomed_.size() && doomed_[to] <= doomed_[to - 1] + 1) ++to;
    erase.bind(1, doomed_[from]);
    erase.bind(2, doomed_[to - 1]);
    erase.run();
    from = to;
  }
  doomed_.clear();
  last_message_ = 0;
}

// --- Retained messages

void StoreWriter::apply_change(const RetainedSet& change) {
  const Publication& message = *change.message;
  Statement& find = statements_->find_retained;
  find.bind_text(1, message.topic.text());
  std::optional<std::uint64_t> before;
  if (find.step()) before = find.number(0);
  find.reset();

  refer(message);
  Statement& save = statements_->save_retained;
  save.bind_text(1, message.topic.text());
  save.bind(2, message.number);
  for (int parameter = 3; parameter <= 5; ++parameter) save.bind_null(parameter);
  if (change.author) {
    save.bind_text(3, change.author->client_id);
    if (change.author->user) save.bind_text(4, *change.author->user);
    save.bind_text(5, change.author->listener);
  }
  save.run();
  if (!before) return;
  release(*before);
  forget_messages();  // at once: a later change may bring it back
}

void StoreWriter::apply_change(const RetainedErased& change) {
  Statement& find = statements_->find_retained;
  find.bind_text(1, change.topic.text());
  const bool found = find.step();
  const std::uint64_t message = found ? find.number(0) : 0;
  find.reset();
  if (!found) return;
  statements_->delete_retained.bind_text(1, change.topic.text());
  statements_->delete_retained.run();
  release(message);
  forget_messages();
}

// --- Sessions

void StoreWriter::apply_change(const SessionSaved& change) {
  const StoredSession& session = *change.session;
  Statement& save = statements_->save_session;
  save.bind(1, session.number);
  save.bind_text(2, session.client_id);
  save.bind(3, static_cast<std::int64_t>(session.expiry_s));
  if (session.user) {
    save.bind_text(4, *session.user);
  } else {
    save.bind_null(4);
  }
  save.bind_text(5, session.listener);
  save.bind_text(6, session.mount);
  save.run();
  save_will(session.number, session.will);
  greatest_.session = std::max(greatest_.session, session.number);
}

void StoreWriter::save_will(SessionNumber session, const std::optional<StoredWill>& will) {
  if (!will) {
    statements_->delete_will.bind(1, session);
    statements_->delete_will.run();
    return;
  }
  Statement& save = statements_->save_will;
  save.bind(1, session);
  bind_content(save, 2, *will->message);
  bind_properties(save, 6, will->message->properties.get(), scratch_);
  save.bind(11, static_cast<std::int64_t>(will->delay_s));
  if (will->expiry_s) {
    save.bind(12, static_cast<std::int64_t>(*will->expiry_s));
  } else {
    save.bind_null(12);
  }
  save.run();
}

void StoreWriter::apply_change(const SessionAway& change) {
  Statement& away = statements_->session_away;
  away.bind_null(1);
  away.bind_null(2);
  if (change.ends_at) away.bind(1, clock_.to_unix_ms(*change.ends_at));
  if (change.will_due) away.bind(2, clock_.to_unix_ms(*change.will_due));
  away.bind(3, change.session);
  away.run();
}

void StoreWriter::apply_change(const WillErased& change) {
  save_will(change.session, std::nullopt);
  statements_->no_will_due.bind(1, change.session);
  statements_->no_will_due.run();
}

void StoreWriter::apply_change(const SessionErased& change) {
  // The rest may be millions of rows: erase_slice() takes them.
  statements_->delete_session.bind(1, change.session);
  statements_->delete_session.run();
  save_will(change.session, std::nullopt);
  statements_->note_erased.bind(1, change.session);
  statements_->note_erased.run();
  positions_.erase(change.session);
  erased_left_ = true;
}

void StoreWriter::apply_change(const SubscriptionSaved& change) {
  Statement& save = statements_->save_subscription;
  save.bind(1, change.session);
  save.bind_text(2, change.subscription.filter);
  save.bind(3, static_cast<std::int64_t>(change.subscription.options));
  save.bind(4, static_cast<std::int64_t>(change.subscription.identifier));
  save.run();
}

void StoreWriter::apply_change(const SubscriptionErased& change) {
  statements_->delete_subscription.bind(1, change.session);
  statements_->delete_subscription.bind_text(2, change.filter);
  statements_->delete_subscription.run();
}

// --- Open inbound QoS 2 packet ids

void StoreWriter::apply_change(const InboundIdOpened& change) {
  apply_change(InboundIdClosed{change.session, change.id.packet_id});  // a stale one
  if (change.id.held) refer(*change.id.held);
  Statement& save = statements_->save_inbound;
  save.bind(1, change.session);
  save.bind(2, static_cast<std::int64_t>(change.id.packet_id));
  save.bind(3, ++inbound_opened_);
  if (change.id.held) {
    save.bind(4, change.id.held->number);
  } else {
    save.bind_null(4);
  }
  save.run();
}

void StoreWriter::apply_change(const InboundIdClosed& change) {
  Statement& find = statements_->find_inbound;
  find.bind(1, change.session);
  find.bind(2, static_cast<std::int64_t>(change.packet_id));
  const bool found = find.step();
  const std::uint64_t message = found && !find.is_null(0) ? find.number(0) : 0;
  find.reset();
  if (!found) return;
  statements_->delete_inbound.bind(1, change.session);
  statements_->delete_inbound.bind(2, static_cast<std::int64_t>(change.packet_id));
  statements_->delete_inbound.run();
  if (message == 0) return;
  release(message);
  forget_messages();
}

void StoreWriter::apply_change(const InboundHeldTaken& change) {
  Statement& held = statements_->held;
  held.bind(1, change.session);
  while (held.step()) release(held.number(0));
  statements_->take_held.bind(1, change.session);
  statements_->take_held.run();
  forget_messages();
}

// The mesh reads nothing back yet, and what nobody reads must not grow on a disk.

void StoreWriter::apply_change(const OutboxQueued&) {}

void StoreWriter::apply_change(const OutboxDone&) {}

// --- Around the transaction

void StoreWriter::set_meta(std::string_view key, std::int64_t value) {
  statements_->set_meta.bind_text(1, key);
  statements_->set_meta.bind(2, value);
  statements_->set_meta.run();
}

void StoreWriter::finish(std::int64_t now_ms) {
  if (greatest_.message > written_.message) {
    written_.message = greatest_.message + messages_ahead;
    set_meta("message_number", static_cast<std::int64_t>(written_.message));
  }
  if (greatest_.session > written_.session) {
    written_.session = greatest_.session;
    set_meta("session_number", static_cast<std::int64_t>(written_.session));
  }
  if (now_ms >= clock_ms_ + clock_interval_ms || now_ms < clock_ms_) {
    clock_ms_ = now_ms;
    set_meta("clock", now_ms);
  }
  if (std::exchange(noted_clean_, false)) set_meta("clean", 0);
}

void StoreWriter::finish_for_good(std::int64_t now_ms) {
  for (auto& [session, positions] : positions_) {
    if (positions.written == positions.greatest) continue;
    positions.written = positions.greatest;
    statements_->set_position.bind(1, positions.written);
    statements_->set_position.bind(2, session);
    statements_->set_position.run();
  }
  set_meta("message_number", static_cast<std::int64_t>(greatest_.message));
  set_meta("session_number", static_cast<std::int64_t>(greatest_.session));
  set_meta("clock", now_ms);
  set_meta("clean", 1);
}

void StoreWriter::on_committed() {
  references_.keep();
  ahead_.clear();
}

void StoreWriter::on_rolled_back() {
  references_.take_back();
  // What the rows say is less than what is noted here: let the next ones write it again.
  for (const SessionNumber session : ahead_)
    if (const auto found = positions_.find(session); found != positions_.end())
      found->second.written = 0;
  ahead_.clear();
  written_ = {};
  clock_ms_ = 0;
  noted_clean_ = true;
  erased_left_ = true;
  doomed_.clear();
  statements_->reset_readers();
}

}  // namespace starling
