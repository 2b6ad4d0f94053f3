#include "dht/interests/announcer.hpp"

#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "starling/limits.hpp"

#include "dht/interests/placing.hpp"
#include "dht/interests/reput_pace.hpp"
#include "dht/records/body_kind.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/filing.hpp"
#include "dht/records/interest_record.hpp"
#include "dht/records/member_record.hpp"
#include "dht/records/node_record.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

// Filing looks at all interests; with many of them not at the end of every turn.
constexpr std::size_t many_interests = 2'000;
constexpr Duration filing_pause = 1s;
constexpr std::size_t remembered_max = 8 * limits::announced_keys_max;  // with those needed no more
constexpr Duration place_wait = 4s;  // a renewal waits for its root to be read
constexpr Duration write_retry_after =
    30s;  // the rendezvous took no more, or the record did not fit

enum class RecordKind : std::uint8_t { node, member, interests };

struct RecordName {
  RecordKind kind = RecordKind::node;
  LiteralPrefix prefix;  // of interests
  auto operator<=>(const RecordName&) const = default;
};

/// Does `after` want anything that `before` did not, or wants it more?
bool has_grown(const std::vector<Interest>& before, const std::vector<Interest>& after) {
  return !std::all_of(after.begin(), after.end(), [&](const Interest& wanted) {
    return std::any_of(before.begin(), before.end(), [&](const Interest& had) {
      return had.filter == wanted.filter && had.share_group == wanted.share_group
             && had.qos_max >= wanted.qos_max && (had.durable || !wanted.durable);
    });
  });
}

}  // namespace

class Announcer::Impl {
 public:
  Impl(AnnouncerSettings settings, Rendezvous& rendezvous, Scheduler& scheduler, Entropy& entropy,
       LogSink& log)
      : settings_(std::move(settings)),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        entropy_(entropy),
        log_(log),
        placing_(settings_.identity.node_id(), settings_.mesh, settings_.open_mesh, rendezvous,
                 scheduler, shared_or_own(settings_.signatures),
                 [this](const DhtKey& root) { on_place(root); }) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void set_reach(std::vector<Endpoint> endpoints, std::vector<Via> vias);
  void on_interest_change(const InterestChange& change);
  std::size_t records_alive() const;

 private:
  struct Record {
    std::vector<Interest> wanted;     // what it should say
    std::vector<Interest> announced;  // what the newest one put says
    bool due = true;                  // something is to be put as soon as the pace allows
    DhtKey root;                      // the key's shard {0, 0}
    Shard shard;                      // where the newest one put stands
    bool moves = false;               // it is to be put elsewhere, at once
    bool place_asked = false;         // before this renewal
    bool needed = true;               // false: only its pace is still remembered
    ReputPace pace;
    Rendezvous::Handle announcement;
    TimePoint renew_at;    // while announced
    TimePoint not_before;  // after a failure
    TimePoint forget_at;   // while not needed
  };

  void file_soon();
  void file();
  void want(const RecordName& name, std::vector<Interest> interests);
  void drop(Record& record, TimePoint now);
  void on_place(const DhtKey& root);
  void put_what_is_due();
  void put(const RecordName& name, Record& record, TimePoint now);
  Result<Bytes> write(const RecordName& name, const Record& record, Shard shard,
                      RecordStamp stamp) const;
  DhtKey key_of(const RecordName& name, Shard shard) const;
  std::optional<Shard> place_of(const RecordName& name, const Record& record) const;
  std::optional<TimePoint> deadline_of(const RecordName& name, const Record& record) const;
  Duration renewal();
  void arm(TimePoint when);

  AnnouncerSettings settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  Entropy& entropy_;
  LogSink& log_;

  std::optional<std::vector<Endpoint>> endpoints_;
  std::vector<Via> vias_;
  std::map<std::pair<TopicFilter, std::string>, Interest> interests_;
  std::map<RecordName, Record> records_;
  std::uint64_t sequence_ = 0;
  Placing placing_;
  std::size_t left_out_ = 0;
  bool filing_asked_ = false;
  TimePoint filed_at_;
  WakeId filing_wake_;
  WakeId wake_;
  TimePoint wake_when_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // tasks of turn ends ask for it
};

Announcer::Impl::~Impl() {
  scheduler_.cancel(wake_);
  scheduler_.cancel(filing_wake_);
  for (const auto& [name, record] : records_)
    if (record.announcement) rendezvous_.withdraw(record.announcement);
}

// --- What is to be announced

void Announcer::Impl::set_reach(std::vector<Endpoint> endpoints, std::vector<Via> vias) {
  const auto useless = [](const Endpoint& endpoint) {
    return endpoint.port == 0 || endpoint.is_unspecified();
  };
  endpoints.erase(std::remove_if(endpoints.begin(), endpoints.end(), useless), endpoints.end());
  if (endpoints.size() > limits::record_endpoints_max)
    endpoints.resize(limits::record_endpoints_max);
  if (vias.size() > record_vias_max) vias.resize(record_vias_max);
  if (endpoints_ == endpoints && vias_ == vias) return;
  endpoints_ = std::move(endpoints);
  vias_ = std::move(vias);
  want({RecordKind::node, {}}, {});
  want({RecordKind::member, {}}, {});
  for (auto& [name, record] : records_) record.due = record.needed;
  file_soon();
}

void Announcer::Impl::on_interest_change(const InterestChange& change) {
  const Interest& interest = change.interest;
  const std::pair key(interest.filter, interest.share_group);
  if (change.wanted)
    interests_.insert_or_assign(key, interest);
  else
    interests_.erase(key);
  file_soon();
}

void Announcer::Impl::file_soon() {
  if (filing_asked_) return;
  filing_asked_ = true;
  const TimePoint now = scheduler_.now();
  if (interests_.size() > many_interests && now < filed_at_ + filing_pause) {
    filing_wake_ = scheduler_.wake_at(filed_at_ + filing_pause, [this] {
      filing_wake_ = {};
      file();
    });
    return;
  }
  scheduler_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) file();
  });
}

void Announcer::Impl::file() {
  filing_asked_ = false;
  const TimePoint now = scheduler_.now();
  filed_at_ = now;
  std::vector<Interest> all;
  all.reserve(interests_.size());
  for (const auto& [key, interest] : interests_) all.push_back(interest);
  FilingRules rules;
  rules.root_allowed = !settings_.open_mesh;
  Filing filing = file_interests(all, rules);
  if (filing.left_out > 0 && filing.left_out != left_out_)
    log_.warn("dht_interests_left_out", {{"filters", filing.left_out}});
  left_out_ = filing.left_out;

  for (auto& [name, record] : records_) {
    if (name.kind != RecordKind::interests || !record.needed) continue;
    const bool still = std::any_of(
        filing.records.begin(), filing.records.end(),
        [&prefix = name.prefix](const FiledInterests& filed) { return filed.prefix == prefix; });
    if (!still) drop(record, now);
  }
  // Clients that keep inventing prefixes must not fill the memory; the rendezvous has a pace of its
  // own.
  if (records_.size() > remembered_max)
    for (auto at = records_.begin(); at != records_.end();)
      at = at->second.needed ? std::next(at) : records_.erase(at);
  for (FiledInterests& filed : filing.records)
    want({RecordKind::interests, filed.prefix}, std::move(filed.interests));
  put_what_is_due();
}

void Announcer::Impl::want(const RecordName& name, std::vector<Interest> interests) {
  const auto [at, is_new] = records_.try_emplace(name);
  Record& record = at->second;
  if (is_new) record.root = key_of(name, {});
  if (name.kind != RecordKind::node) placing_.use(record.root);
  record.due = record.due || !record.needed || has_grown(record.announced, interests);
  record.needed = true;
  record.wanted = std::move(interests);
}

/// It is not refreshed any more and lapses. Its pace stays known for as long as the last value may
/// live.
void Announcer::Impl::drop(Record& record, TimePoint now) {
  if (record.announcement) rendezvous_.withdraw(record.announcement);
  record.announcement = {};
  placing_.forget(record.root);
  record.needed = record.due = record.moves = false;
  record.wanted.clear();
  record.announced.clear();
  record.forget_at = now + limits::record_lifetime;
}

std::size_t Announcer::Impl::records_alive() const {
  return static_cast<std::size_t>(std::count_if(
      records_.begin(), records_.end(),
      [](const auto& entry) { return static_cast<bool>(entry.second.announcement); }));
}

// --- Putting

std::optional<Shard> Announcer::Impl::place_of(const RecordName& name, const Record& record) const {
  if (name.kind == RecordKind::node) return Shard{};  // nobody else's record lies there
  return placing_.place(record.root);
}

/// nullopt: when its place is known.
std::optional<TimePoint> Announcer::Impl::deadline_of(const RecordName& name,
                                                      const Record& record) const {
  if (!record.needed) return record.forget_at;
  if (record.moves) return record.not_before;
  if (!record.due) return record.renew_at;
  if (!place_of(name, record)) return std::nullopt;
  return std::max(record.pace.allowed_at(), record.not_before);
}

/// The root of a key has been read, and what stands under it may have to move.
void Announcer::Impl::on_place(const DhtKey& root) {
  const auto place = placing_.place(root);
  for (auto& [name, record] : records_)
    if (record.root == root && record.needed && record.announcement)
      record.moves = record.shard != place;
  put_what_is_due();
}

void Announcer::Impl::put_what_is_due() {
  if (!endpoints_) return;
  const TimePoint now = scheduler_.now();
  std::optional<TimePoint> next;
  for (auto at = records_.begin(); at != records_.end();) {
    auto& [name, record] = *at;
    if (!record.needed && record.forget_at <= now) {
      at = records_.erase(at);
      continue;
    }
    auto due = deadline_of(name, record);
    if (record.needed && due && *due <= now) {
      if (record.due || record.moves || record.place_asked || !placing_.look_again(record.root)) {
        put(name, record, now);
      } else {
        record.place_asked = true;
        record.renew_at = now + place_wait;
      }
      due = deadline_of(name, record);
    }
    if (due && (!next || *due < *next)) next = due;
    ++at;
  }
  if (next) arm(*next);
}

void Announcer::Impl::put(const RecordName& name, Record& record, TimePoint now) {
  // The calendar in it keeps the sequence growing where several announcers speak for one node.
  const UnixSeconds today = scheduler_.unix_now();
  sequence_ = std::max(sequence_ + 1, today > 0 ? static_cast<std::uint64_t>(today) : 0);
  const RecordStamp stamp{settings_.epoch, sequence_};
  const Shard shard = place_of(name, record).value_or(record.shard);
  auto bytes = write(name, record, shard, stamp);
  const DhtKey key = key_of(name, shard);
  Rendezvous::Handle announcement;
  if (bytes) {
    announcement = rendezvous_.announce(
        key, record_value_id(settings_.identity.node_id(), key, stamp), std::move(bytes).value());
  } else {
    log_.warn("dht_record_not_written", {{"why", bytes.error().what}});
  }
  if (!announcement) {
    record.due = true;
    record.not_before = now + write_retry_after;
    return;
  }
  if (record.announcement) rendezvous_.withdraw(record.announcement);
  record.announcement = announcement;
  record.announced = record.wanted;
  record.shard = shard;
  record.due = record.moves = record.place_asked = false;
  record.pace.on_put(now);
  record.renew_at = now + renewal();
}

Result<Bytes> Announcer::Impl::write(const RecordName& name, const Record& record, Shard shard,
                                     RecordStamp stamp) const {
  constexpr auto validity =
      std::chrono::duration_cast<std::chrono::seconds>(limits::record_validity).count();
  const UnixSeconds expires_at = scheduler_.unix_now() + validity;
  const auto& [identity, mesh] = std::tie(settings_.identity, settings_.mesh);
  switch (name.kind) {
    case RecordKind::node:
      return write_node_record(identity, mesh, stamp, expires_at, {*endpoints_, vias_});
    case RecordKind::member:
      return write_member_record(identity, mesh, stamp, expires_at, {shard, *endpoints_, vias_});
    case RecordKind::interests:
      break;
  }
  return write_interest_record(identity, mesh, stamp, expires_at,
                               {name.prefix, shard, record.wanted, *endpoints_, vias_});
}

DhtKey Announcer::Impl::key_of(const RecordName& name, Shard shard) const {
  switch (name.kind) {
    case RecordKind::node:
      return node_key(settings_.mesh, settings_.identity.node_id());
    case RecordKind::member:
      return member_key(settings_.mesh, shard);
    case RecordKind::interests:
      break;
  }
  return interest_key(settings_.mesh, name.prefix, shard);
}

/// Up to a tenth earlier, so that what was announced together is not renewed together for ever.
Duration Announcer::Impl::renewal() {
  constexpr Duration full = limits::record_renewal;
  return full - Duration(static_cast<Duration::rep>(entropy_.below(full.count() / 10)));
}

void Announcer::Impl::arm(TimePoint when) {
  if (wake_ && wake_when_ <= when) return;
  scheduler_.cancel(wake_);
  wake_when_ = when;
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    put_what_is_due();
  });
}

// --- The facade

Announcer::Announcer(AnnouncerSettings settings, Rendezvous& rendezvous, Scheduler& scheduler,
                     Entropy& entropy, LogSink& log)
    : impl_(std::make_unique<Impl>(std::move(settings), rendezvous, scheduler, entropy, log)) {}
Announcer::~Announcer() = default;

void Announcer::set_reach(std::vector<Endpoint> endpoints, std::vector<Via> vias) {
  impl_->set_reach(std::move(endpoints), std::move(vias));
}
void Announcer::on_interest_change(const InterestChange& change) {
  impl_->on_interest_change(change);
}
std::size_t Announcer::records_alive() const {
  return impl_->records_alive();
}

}  // namespace starling
