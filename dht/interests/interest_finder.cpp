#include "dht/interests/interest_finder.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "starling/limits.hpp"

#include "dht/records/envelope.hpp"
#include "dht/records/interest_record.hpp"
#include "dht/records/newest_records.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr Duration reread_after =
    5min;  // beside listening: a healed partition tells listeners late
constexpr Duration failed_reread_after = 5s;  // nobody answered
constexpr Duration no_token_pause = 1s;       // until a re-reading asks the pacer again

}  // namespace

class InterestFinder::Impl {
 public:
  Impl(const InterestFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
       LookupPacer& pacer, InterestFinderHandler& handler)
      : settings_(settings),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        pacer_(pacer),
        handler_(handler) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Resolution find(const TopicName& name);
  std::vector<PeerRecord> peers_wanting(const TopicName& name) const;
  std::size_t keys_listened() const { return listened_; }

 private:
  enum class Stage : std::uint8_t { waiting, asking, resolved };
  struct Entry {
    std::uint64_t serial =
        0;  // callbacks of an earlier entry of the same prefix are not for this one
    DhtKey key;
    Stage stage = Stage::waiting;
    TimePoint last_used;
    TimePoint complete_at;       // while asking
    TimePoint complete_at_last;  // complete_at never goes beyond it
    TimePoint reread_at;         // once resolved
    Rendezvous::Handle listening;
    std::map<NodeId, InterestRecord> records;
  };
  using Entries = std::map<LiteralPrefix, Entry>;

  Entry* find_entry(const LiteralPrefix& prefix, std::uint64_t serial);
  void open(const LiteralPrefix& prefix, TimePoint now);
  void start_lookups(TimePoint now);
  bool make_room(TimePoint now);
  void start(const LiteralPrefix& prefix, Entry& entry, TimePoint now);
  void read(const LiteralPrefix& prefix, const Entry& entry);
  void close(Entries::iterator entry);
  void on_value(const LiteralPrefix& prefix, std::uint64_t serial, ByteView value);
  void on_read_done(const LiteralPrefix& prefix, std::uint64_t serial, bool ok);
  void resolve(const LiteralPrefix& prefix, Entry& entry, TimePoint now);
  void tell_resolved(const LiteralPrefix& prefix);
  void on_timer();
  void arm(TimePoint when);
  std::optional<TimePoint> next_deadline(TimePoint now) const;

  InterestFinderSettings settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  LookupPacer& pacer_;
  InterestFinderHandler& handler_;

  Entries entries_;
  std::deque<LiteralPrefix> waiting_;    // for the pacer, in the order of asking
  std::vector<LiteralPrefix> given_up_;  // told as resolved at the turn's end
  SignatureCache signatures_;
  NewestRecords newest_;
  std::size_t listened_ = 0;
  std::uint64_t last_serial_ = 0;
  WakeId wake_;
  TimePoint wake_when_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // callbacks of gets ask for it
};

InterestFinder::Impl::~Impl() {
  scheduler_.cancel(wake_);
  for (auto& [prefix, entry] : entries_)
    if (entry.listening) rendezvous_.cancel_listen(entry.listening);
}

// --- What is asked

Resolution InterestFinder::Impl::find(const TopicName& name) {
  const TimePoint now = scheduler_.now();
  Resolution resolution = Resolution::known;
  for (const LiteralPrefix& prefix : prefixes_of(name)) {
    if (settings_.open_mesh && prefix.levels() == 0) continue;  // nobody files there
    const auto found = entries_.find(prefix);
    if (found == entries_.end()) {
      open(prefix, now);
      resolution = Resolution::pending;
      continue;
    }
    found->second.last_used = now;
    if (found->second.stage != Stage::resolved) resolution = Resolution::pending;
  }
  return resolution;
}

std::vector<PeerRecord> InterestFinder::Impl::peers_wanting(const TopicName& name) const {
  const UnixSeconds today = scheduler_.unix_now();
  std::map<NodeId, const PeerRecord*> peers;
  for (const LiteralPrefix& prefix : prefixes_of(name)) {
    const auto entry = entries_.find(prefix);
    if (entry == entries_.end()) continue;
    for (const auto& [id, record] : entry->second.records) {
      if (record.peer.expires_at < today) continue;
      const bool wants =
          std::any_of(record.interests.begin(), record.interests.end(),
                      [&](const Interest& interest) { return interest.filter.matches(name); });
      if (!wants) continue;
      const PeerRecord*& newest = peers[id];
      if (!newest
          || std::pair(record.peer.epoch, record.peer.sequence)
                 > std::pair(newest->epoch, newest->sequence))
        newest = &record.peer;
    }
  }
  std::vector<PeerRecord> wanting;
  for (const auto& [id, peer] : peers) wanting.push_back(*peer);
  return wanting;
}

// --- Opening and closing keys

InterestFinder::Impl::Entry* InterestFinder::Impl::find_entry(const LiteralPrefix& prefix,
                                                              std::uint64_t serial) {
  const auto found = entries_.find(prefix);
  if (found == entries_.end() || found->second.serial != serial) return nullptr;
  return &found->second;
}

void InterestFinder::Impl::open(const LiteralPrefix& prefix, TimePoint now) {
  if (waiting_.size() >= limits::keys_waiting_max) {
    // A client that publishes to ever new topics: what waits longest is let go unanswered.
    given_up_.push_back(waiting_.front());
    entries_.erase(waiting_.front());
    waiting_.pop_front();
  }
  Entry& entry = entries_[prefix];
  entry.serial = ++last_serial_;
  entry.key = interest_key(settings_.mesh, prefix);
  entry.last_used = now;
  waiting_.push_back(prefix);
  start_lookups(now);
  if (!given_up_.empty()) arm(now);
}

void InterestFinder::Impl::start_lookups(TimePoint now) {
  while (!waiting_.empty()) {
    if (!make_room(now)) break;
    if (!pacer_.try_take(now)) break;
    const LiteralPrefix prefix = std::move(waiting_.front());
    waiting_.pop_front();
    start(prefix, entries_.at(prefix), now);
  }
  if (const auto next = next_deadline(now)) arm(*next);
}

/// Lets the resolved key go that was not used for longest. False: none can go now.
bool InterestFinder::Impl::make_room(TimePoint now) {
  if (listened_ < settings_.keys_max) return true;
  auto victim = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->second.stage != Stage::resolved || at->second.last_used >= now) continue;
    if (victim == entries_.end() || at->second.last_used < victim->second.last_used) victim = at;
  }
  if (victim == entries_.end()) return false;
  close(victim);
  return true;
}

void InterestFinder::Impl::start(const LiteralPrefix& prefix, Entry& entry, TimePoint now) {
  entry.stage = Stage::asking;
  entry.complete_at_last = now + limits::resolution_age_max;
  entry.complete_at = entry.complete_at_last;
  ++listened_;
  entry.listening = rendezvous_.listen(
      entry.key, [this, prefix, serial = entry.serial](ByteView value, bool expired) {
        // EXPIRED is a hint only; a record counts until its own date.
        if (!expired) on_value(prefix, serial, value);
        return true;
      });
  read(prefix, entry);
}

void InterestFinder::Impl::read(const LiteralPrefix& prefix, const Entry& entry) {
  // A get cannot be taken back: its answers may come when this finder has gone.
  const std::weak_ptr<char> alive = alive_;
  rendezvous_.get(
      entry.key,
      [this, alive, prefix, serial = entry.serial](ByteView value, bool) {
        if (alive.expired()) return false;
        on_value(prefix, serial, value);
        return true;
      },
      [this, alive, prefix, serial = entry.serial](bool ok) {
        if (!alive.expired()) on_read_done(prefix, serial, ok);
      });
}

void InterestFinder::Impl::close(Entries::iterator entry) {
  rendezvous_.cancel_listen(entry->second.listening);
  --listened_;
  entries_.erase(entry);
}

// --- What comes

void InterestFinder::Impl::on_value(const LiteralPrefix& prefix, std::uint64_t serial,
                                    ByteView value) {
  Entry* entry = find_entry(prefix, serial);
  if (!entry) return;
  const UnixSeconds today = scheduler_.unix_now();
  const auto envelope = verify_envelope(value, entry->key, today, signatures_);
  if (!envelope || envelope->node() == settings_.own) return;
  auto record = read_interest_record(*envelope, settings_.mesh);
  if (!record) return;
  const Freshness freshness = newest_.note(*envelope, today);
  const bool known_here = entry->records.count(envelope->node()) > 0;
  if (freshness == Freshness::older || (freshness == Freshness::same && known_here)) return;

  if (!known_here && entry->records.size() >= limits::values_per_key_max) {
    for (auto at = entry->records.begin(); at != entry->records.end();)
      at = at->second.peer.expires_at < today ? entry->records.erase(at) : std::next(at);
    if (entry->records.size() >= limits::values_per_key_max) return;
  }
  entry->records.insert_or_assign(envelope->node(), *record);
  if (entry->stage == Stage::asking) {
    // Never later than the bound: an endless trickle must not keep messages waiting.
    const TimePoint now = scheduler_.now();
    entry->complete_at = std::min(entry->complete_at_last, now + limits::settle_time);
    arm(entry->complete_at);
  }
  handler_.on_peer_seen({record->peer, prefix, std::move(record->interests)});
}

void InterestFinder::Impl::on_read_done(const LiteralPrefix& prefix, std::uint64_t serial,
                                        bool ok) {
  Entry* entry = find_entry(prefix, serial);
  if (!entry) return;
  const TimePoint now = scheduler_.now();
  if (entry->stage == Stage::asking) {
    resolve(prefix, *entry, now);  // the entry may be gone after this
    entry = find_entry(prefix, serial);
    if (!entry) return;
  }
  if (ok) return;
  entry->reread_at = std::min(entry->reread_at, now + failed_reread_after);
  arm(entry->reread_at);
}

void InterestFinder::Impl::resolve(const LiteralPrefix& prefix, Entry& entry, TimePoint now) {
  entry.stage = Stage::resolved;
  entry.reread_at = now + reread_after;
  arm(std::min(entry.reread_at, entry.last_used + limits::listen_idle_max));
  const LiteralPrefix copy = prefix;  // the handler may make the entry go
  tell_resolved(copy);
}

void InterestFinder::Impl::tell_resolved(const LiteralPrefix& prefix) {
  handler_.on_prefix_resolved(prefix);
}

// --- Time

void InterestFinder::Impl::on_timer() {
  const TimePoint now = scheduler_.now();
  for (const LiteralPrefix& prefix : std::exchange(given_up_, {})) tell_resolved(prefix);

  std::vector<std::pair<LiteralPrefix, std::uint64_t>> complete;
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    if (entry.stage == Stage::asking && entry.complete_at <= now)
      complete.emplace_back(at->first, entry.serial);
    if (entry.stage != Stage::resolved) {
      ++at;
    } else if (entry.last_used + limits::listen_idle_max <= now) {
      close(at++);
    } else {
      if (entry.reread_at <= now) {
        const bool may = pacer_.try_take(now);
        entry.reread_at = now + (may ? reread_after : no_token_pause);
        if (may) read(at->first, entry);
      }
      ++at;
    }
  }
  for (const auto& [prefix, serial] : complete) {
    Entry* entry = find_entry(prefix, serial);
    if (entry && entry->stage == Stage::asking) resolve(prefix, *entry, now);
  }
  start_lookups(now);
}

std::optional<TimePoint> InterestFinder::Impl::next_deadline(TimePoint now) const {
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint when) {
    if (!next || when < *next) next = when;
  };
  for (const auto& [prefix, entry] : entries_) {
    if (entry.stage == Stage::asking) consider(entry.complete_at);
    if (entry.stage == Stage::resolved)
      consider(std::min(entry.reread_at, entry.last_used + limits::listen_idle_max));
  }
  // Either a token or a place is missing; a place comes free when a key resolves, which is seen
  // above.
  if (!waiting_.empty()) consider(std::max(pacer_.next_at(now), now + 10ms));
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
