#include "dht/interests/interest_finder.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "starling/limits.hpp"

#include "dht/interests/key_entries.hpp"
#include "dht/keys/key_sketch.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/interest_record.hpp"
#include "dht/records/newest_records.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr Duration failed_reread_after = 5s;  // nobody answered
constexpr Duration no_token_pause = 1s;       // until a re-reading asks the pacer again
constexpr Duration review_after =
    1s;  // of news at a root: what comes together is looked at together
constexpr Duration shards_answer_within = 10s;  // then a topic counts as resolved without the rest
// A get asks for each value of each node that has it, some twelve requests a value; a listen brings
// them in bulk, though later. So the get is for the first ones, and it ends when there are many.
constexpr std::size_t values_got_max = 12;
constexpr Duration listen_takes = 1500ms;

}  // namespace

class InterestFinder::Impl {
 public:
  Impl(const InterestFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
       LookupPacer& pacer, InterestFinderHandler& handler)
      : settings_(settings),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        pacer_(pacer),
        handler_(handler),
        signatures_(shared_or_own(settings.signatures)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Resolution find(const TopicName& name);
  std::vector<PeerRecord> peers_wanting(const TopicName& name) const {
    return starling::peers_wanting(entries_, name, scheduler_.unix_now());
  }
  std::size_t keys_listened() const { return listened_; }

 private:
  using Entry = KeyEntry;
  using Entries = KeyEntries;
  using Stage = KeyEntry::Stage;

  Entry* find_entry(const Place& place, std::uint64_t serial);
  Entry& root_of(const LiteralPrefix& prefix) { return entries_.at({prefix, {}}); }
  Entry& add(const Place& place);
  void open_root(const LiteralPrefix& prefix, TimePoint now);
  void start_lookups(TimePoint now);
  bool start_first(std::deque<Place>& waiting, TimePoint now);
  bool make_room(const Entry& root, TimePoint now);
  void start(const Place& place, Entry& entry, TimePoint now);
  void read(const Place& place, const Entry& entry);
  void close(const LiteralPrefix& prefix);
  void on_value(const Place& place, std::uint64_t serial, ByteView value);
  void on_read_done(const Place& place, std::uint64_t serial, bool ok);
  void resolve(const Place& place, Entry& entry, TimePoint now);
  void review(const LiteralPrefix& prefix, Entry& root, TimePoint now);
  void see_if_complete(const LiteralPrefix& prefix, TimePoint now);
  void on_timer();
  void arm(TimePoint when);
  std::optional<TimePoint> next_deadline(TimePoint now) const;

  InterestFinderSettings settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  LookupPacer& pacer_;
  InterestFinderHandler& handler_;

  Entries entries_;                      // a prefix's shards stand behind its root
  std::deque<Place> waiting_;            // roots that wait for the pacer, in the order of asking
  std::deque<Place> waiting_shards_;     // they come after the roots
  std::vector<LiteralPrefix> given_up_;  // told as resolved at the turn's end
  std::shared_ptr<SignatureCache> signatures_;
  NewestRecords newest_;
  std::size_t listened_ = 0;
  std::uint64_t last_serial_ = 0;
  WakeId wake_;
  TimePoint wake_when_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // callbacks of gets ask for it
};

InterestFinder::Impl::~Impl() {
  scheduler_.cancel(wake_);
  for (auto& [place, entry] : entries_)
    if (entry.listening) rendezvous_.cancel_listen(entry.listening);
}

// --- What is asked

Resolution InterestFinder::Impl::find(const TopicName& name) {
  const TimePoint now = scheduler_.now();
  Resolution resolution = Resolution::known;
  for (const LiteralPrefix& prefix : prefixes_of(name)) {
    if (settings_.open_mesh && prefix.levels() == 0) continue;  // nobody files there
    const auto found = entries_.find({prefix, {}});
    if (found == entries_.end()) {
      open_root(prefix, now);
      resolution = Resolution::pending;
      continue;
    }
    found->second.last_used = now;
    if (!found->second.is_complete) resolution = Resolution::pending;
  }
  return resolution;
}

// --- Opening and closing keys

InterestFinder::Impl::Entry* InterestFinder::Impl::find_entry(const Place& place,
                                                              std::uint64_t serial) {
  const auto found = entries_.find(place);
  if (found == entries_.end() || found->second.serial != serial) return nullptr;
  return &found->second;
}

InterestFinder::Impl::Entry& InterestFinder::Impl::add(const Place& place) {
  Entry& entry = entries_[place];
  entry.serial = ++last_serial_;
  entry.key = interest_key(settings_.mesh, place.prefix, place.shard);
  return entry;
}

void InterestFinder::Impl::open_root(const LiteralPrefix& prefix, TimePoint now) {
  if (waiting_.size() >= limits::keys_waiting_max) {
    // A client that publishes to ever new topics: what waits longest is let go unanswered.
    given_up_.push_back(waiting_.front().prefix);
    entries_.erase(waiting_.front());
    waiting_.pop_front();
  }
  const Place place{prefix, {}};
  add(place).last_used = now;
  waiting_.push_back(place);
  start_lookups(now);
  if (!given_up_.empty()) arm(now);
}

void InterestFinder::Impl::start_lookups(TimePoint now) {
  while (start_first(waiting_, now)) {
  }
  while (waiting_.empty() && start_first(waiting_shards_, now)) {
  }
  if (const auto next = next_deadline(now)) arm(*next);
}

/// False: nothing waits, or there is no room or no token for it yet.
bool InterestFinder::Impl::start_first(std::deque<Place>& waiting, TimePoint now) {
  if (waiting.empty()) return false;
  const Place place = waiting.front();
  if (!make_room(root_of(place.prefix), now) || !pacer_.try_take(now)) return false;
  waiting.pop_front();
  start(place, entries_.at(place), now);
  return true;
}

/// Lets the resolved prefix go that was not used for longest, with all its shards. False: none was
/// used before `root`.
bool InterestFinder::Impl::make_room(const Entry& root, TimePoint now) {
  if (listened_ < settings_.keys_max) return true;
  auto victim = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    const Entry& entry = at->second;
    if (!at->first.is_root() || entry.stage != Stage::resolved || entry.last_used >= now) continue;
    // For a shard nothing goes that is needed more than its topic.
    if (root.stage == Stage::resolved && entry.last_used >= root.last_used) continue;
    if (victim == entries_.end() || entry.last_used < victim->second.last_used) victim = at;
  }
  if (victim == entries_.end()) return false;
  close(LiteralPrefix(victim->first.prefix));
  return true;
}

void InterestFinder::Impl::start(const Place& place, Entry& entry, TimePoint now) {
  entry.stage = Stage::asking;
  entry.begun_at = now;
  entry.complete_at_last = now + limits::resolution_age_max;
  entry.complete_at = entry.complete_at_last;
  ++listened_;
  entry.listening = rendezvous_.listen(
      entry.key, [this, place, serial = entry.serial](ByteView value, bool expired) {
        // EXPIRED is a hint only; a record counts until its own date.
        if (!expired) on_value(place, serial, value);
        return true;
      });
  if (place.is_root()) read(place, entry);
}

void InterestFinder::Impl::read(const Place& place, const Entry& entry) {
  // A get cannot be taken back: its answers may come when this finder has gone.
  const std::weak_ptr<char> alive = alive_;
  rendezvous_.get(
      entry.key,
      [this, alive, place, serial = entry.serial](ByteView value, bool) {
        if (alive.expired()) return false;
        on_value(place, serial, value);
        const Entry* asked = find_entry(place, serial);
        return asked != nullptr && asked->records.size() < values_got_max;
      },
      [this, alive, place, serial = entry.serial](bool ok) {
        if (!alive.expired()) on_read_done(place, serial, ok);
      });
}

/// With all its shards.
void InterestFinder::Impl::close(const LiteralPrefix& prefix) {
  for (auto at = entries_.lower_bound({prefix, {}});
       at != entries_.end() && at->first.prefix == prefix; at = entries_.erase(at)) {
    if (at->second.stage == Stage::waiting) continue;
    rendezvous_.cancel_listen(at->second.listening);
    --listened_;
  }
  std::erase_if(waiting_shards_, [&](const Place& place) { return place.prefix == prefix; });
}

// --- What comes

void InterestFinder::Impl::on_value(const Place& place, std::uint64_t serial, ByteView value) {
  Entry* entry = find_entry(place, serial);
  if (!entry) return;
  const UnixSeconds today = scheduler_.unix_now();
  const auto envelope = verify_envelope(value, entry->key, today, *signatures_);
  if (!envelope || envelope->node() == settings_.own) return;
  auto record = read_interest_record(*envelope, settings_.mesh);
  if (!record) return;
  const Freshness freshness = newest_.note(*envelope, today);
  const bool known_here = entry->records.count(envelope->node()) > 0;
  if (freshness == Freshness::older || (freshness == Freshness::same && known_here)) return;

  if (!known_here && entry->records.size() >= limits::values_per_key_max) {
    std::erase_if(entry->records,
                  [&](const auto& of) { return of.second.peer.expires_at < today; });
    if (entry->records.size() >= limits::values_per_key_max) return;
  }
  entry->records.insert_or_assign(envelope->node(), *record);
  const TimePoint now = scheduler_.now();
  if (entry->stage == Stage::asking) {
    // Never later than the bound: an endless trickle must not keep messages waiting.
    entry->complete_at = now + limits::settle_time;
    if (place.is_root() && entry->records.size() >= values_got_max)
      entry->complete_at = std::max(entry->complete_at, entry->begun_at + listen_takes);
    entry->complete_at = std::min(entry->complete_at, entry->complete_at_last);
    arm(entry->complete_at);
  }
  Entry& root = place.is_root() ? *entry : root_of(place.prefix);
  const bool new_level = !place.is_root() && root.levels.insert(place.shard.level).second;
  const bool may_be_full = place.is_root() && !known_here && entry->stage == Stage::resolved
                           && entry->records.size() >= root_keep / 2;
  if (new_level || (may_be_full && !root.review_at)) {
    root.review_at = new_level ? now : now + review_after;
    arm(*root.review_at);
  }
  handler_.on_peer_seen({record->peer, place.prefix, std::move(record->interests)});
}

void InterestFinder::Impl::on_read_done(const Place& place, std::uint64_t serial, bool ok) {
  Entry* entry = find_entry(place, serial);
  if (!entry) return;
  const TimePoint now = scheduler_.now();
  const bool ended_early = entry->records.size() >= values_got_max;
  if (entry->stage == Stage::asking && !ended_early) {
    resolve(place, *entry, now);  // the entry may be gone after this
    entry = find_entry(place, serial);
    if (!entry) return;
  }
  if (ok) return;
  entry->reread_at = now + failed_reread_after;
  arm(*entry->reread_at);
}

void InterestFinder::Impl::resolve(const Place& place, Entry& entry, TimePoint now) {
  entry.stage = Stage::resolved;
  const LiteralPrefix prefix = place.prefix;  // the handler may make the entry go
  if (place.is_root()) {
    arm(entry.last_used + limits::listen_idle_max);
    review(prefix, entry, now);
  }
  see_if_complete(prefix, now);
}

// --- Shards

/// Opens the shards that belong to what is known about the root. They go with the root.
void InterestFinder::Impl::review(const LiteralPrefix& prefix, Entry& root, TimePoint now) {
  root.review_at.reset();
  const std::size_t count_max = settings_.keys_max - settings_.keys_max / 5;
  for (const Shard shard :
       shards_to_read(estimate_of(root, scheduler_.unix_now()), root.levels, count_max)) {
    const Place place{prefix, shard};
    if (entries_.contains(place) || waiting_shards_.size() >= limits::keys_waiting_max) continue;
    add(place);
    waiting_shards_.push_back(place);
    if (root.is_complete || root.shards_due <= now) root.shards_due = now + shards_answer_within;
    root.is_complete = false;
  }
  if (!root.is_complete) arm(now);
}

void InterestFinder::Impl::see_if_complete(const LiteralPrefix& prefix, TimePoint now) {
  const auto root = entries_.find({prefix, {}});
  if (root == entries_.end() || root->second.is_complete || root->second.review_at
      || root->second.stage != Stage::resolved)
    return;
  if (now < root->second.shards_due && !all_resolved(entries_, prefix)) return;
  root->second.is_complete = true;
  handler_.on_prefix_resolved(prefix);
}

// --- Time

void InterestFinder::Impl::on_timer() {
  const TimePoint now = scheduler_.now();
  for (const LiteralPrefix& prefix : std::exchange(given_up_, {}))
    handler_.on_prefix_resolved(prefix);

  std::vector<std::pair<Place, std::uint64_t>> complete;
  std::vector<LiteralPrefix> idle;
  std::vector<LiteralPrefix> overdue;
  for (auto& [place, entry] : entries_) {
    if (entry.stage == Stage::asking && entry.complete_at <= now)
      complete.emplace_back(place, entry.serial);
    if (entry.reread_at && *entry.reread_at <= now) {
      const bool may = pacer_.try_take(now);
      entry.reread_at = may ? std::nullopt : std::optional(now + no_token_pause);
      if (may) read(place, entry);
    }
    if (!place.is_root() || entry.stage != Stage::resolved) continue;
    if (entry.last_used + limits::listen_idle_max <= now) idle.push_back(place.prefix);
    if (!entry.is_complete && entry.shards_due <= now) overdue.push_back(place.prefix);
  }
  for (const LiteralPrefix& prefix : idle) close(prefix);
  for (auto at = entries_.begin(); at != entries_.end(); ++at)
    if (at->second.review_at && *at->second.review_at <= now)
      review(LiteralPrefix(at->first.prefix), at->second, now);
  for (const auto& [place, serial] : complete) {
    Entry* entry = find_entry(place, serial);
    if (entry && entry->stage == Stage::asking) resolve(place, *entry, now);
  }
  for (const LiteralPrefix& prefix : overdue) see_if_complete(prefix, now);
  start_lookups(now);
}

std::optional<TimePoint> InterestFinder::Impl::next_deadline(TimePoint now) const {
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint when) {
    if (!next || when < *next) next = when;
  };
  for (const auto& [place, entry] : entries_) {
    if (entry.stage == Stage::asking) consider(entry.complete_at);
    if (entry.reread_at) consider(*entry.reread_at);
    if (entry.review_at) consider(*entry.review_at);
    if (!place.is_root() || entry.stage != Stage::resolved) continue;
    consider(entry.last_used + limits::listen_idle_max);
    // While a review is due nothing is complete, however late it is.
    if (!entry.is_complete && !entry.review_at) consider(entry.shards_due);
  }
  // Either a token or a place is missing; a place comes free when a key resolves, which is seen
  // above.
  if (!waiting_.empty() || !waiting_shards_.empty())
    consider(std::max(pacer_.next_at(now), now + 10ms));
  return next;
}

void InterestFinder::Impl::arm(TimePoint when) {
  if (wake_ && wake_when_ <= when) return;
  scheduler_.cancel(wake_);
  wake_when_ = when;
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    on_timer();
  });
}

// --- The facade

InterestFinder::InterestFinder(const InterestFinderSettings& settings, Rendezvous& rendezvous,
                               Scheduler& scheduler, LookupPacer& pacer,
                               InterestFinderHandler& handler)
    : impl_(std::make_unique<Impl>(settings, rendezvous, scheduler, pacer, handler)) {}
InterestFinder::~InterestFinder() = default;

Resolution InterestFinder::find(const TopicName& name) {
  return impl_->find(name);
}
std::vector<PeerRecord> InterestFinder::peers_wanting(const TopicName& name) const {
  return impl_->peers_wanting(name);
}
std::size_t InterestFinder::keys_listened() const {
  return impl_->keys_listened();
}

}  // namespace starling
