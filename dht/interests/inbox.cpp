#include "dht/interests/inbox.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/newest_records.hpp"
#include "dht/records/note_record.hpp"

namespace starling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto note_lifetime = minutes{1};
constexpr auto ask_again_after = minutes{5};
constexpr auto follow_again_after = minutes{1};
constexpr std::size_t askers_max = 256;  // remembered

}  // namespace

class Inbox::Impl {
 public:
  Impl(InboxSettings settings, Rendezvous& rendezvous, Scheduler& scheduler, InboxHandler& handler)
      : settings_(std::move(settings)),
        own_(settings_.identity.node_id()),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        handler_(handler),
        signatures_(shared_or_own(settings_.signatures)) {}
  ~Impl() {
    set_open(false);
    scheduler_.cancel(wake_);
    for (const auto& [to, note] : notes_)
      if (note.announcement) rendezvous_.withdraw(note.announcement);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void set_open(bool open);
  bool leave_note(const NodeId& to, const std::vector<Endpoint>& endpoints);

 private:
  struct Note {
    Rendezvous::Handle announcement;  // none: it has been withdrawn, and only the time counts
    TimePoint left_at;
  };
  void on_value(ByteView value);
  void take_back();

  InboxSettings settings_;
  NodeId own_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  InboxHandler& handler_;
  std::shared_ptr<SignatureCache> signatures_;
  NewestRecords newest_{askers_max};
  Rendezvous::Handle listening_;
  std::map<NodeId, Note> notes_;          // by whom they are for; bounded by notes_kept_max
  std::map<NodeId, TimePoint> followed_;  // bounded by askers_max
  TimePoint minute_;
  std::size_t in_this_minute_ = 0;
  std::uint64_t sequence_ = 0;
  WakeId wake_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

void Inbox::Impl::set_open(bool open) {
  if (open == static_cast<bool>(listening_)) return;
  if (!open) {
    rendezvous_.cancel_listen(std::exchange(listening_, {}));
    return;
  }
  listening_ =
      rendezvous_.listen(inbox_key(settings_.mesh, own_),
                         [this, alive = std::weak_ptr<char>(alive_)](ByteView value, bool expired) {
                           if (!alive.expired() && !expired) on_value(value);
                           return true;
                         });
}

void Inbox::Impl::on_value(ByteView value) {
  const UnixSeconds today = scheduler_.unix_now();
  const TimePoint now = scheduler_.now();
  if (now - minute_ >= minutes{1}) {
    minute_ = now;
    in_this_minute_ = 0;
  }
  // Whoever fills an inbox costs no more than this many signatures and dials.
  if (in_this_minute_ >= notes_per_minute) return;
  const auto envelope =
      verify_envelope(value, inbox_key(settings_.mesh, own_), today, *signatures_);
  if (!envelope || envelope->node() == own_) return;
  const auto asker = read_note_record(*envelope, settings_.mesh, own_);
  if (!asker || newest_.note(*envelope, today) != Freshness::newer) return;
  std::erase_if(followed_,
                [now](const auto& entry) { return now - entry.second >= follow_again_after; });
  if (followed_.contains(asker->id) || followed_.size() >= askers_max) return;
  followed_[asker->id] = now;
  ++in_this_minute_;
  handler_.on_note(*asker);
}

bool Inbox::Impl::leave_note(const NodeId& to, const std::vector<Endpoint>& endpoints) {
  const TimePoint now = scheduler_.now();
  std::erase_if(notes_, [now](const auto& entry) {
    return !entry.second.announcement && now - entry.second.left_at >= ask_again_after;
  });
  if (to == own_ || notes_.contains(to) || notes_.size() >= notes_kept_max) return false;
  const UnixSeconds today = scheduler_.unix_now();
  sequence_ = std::max(sequence_ + 1, today > 0 ? static_cast<std::uint64_t>(today) : 0);
  const RecordStamp stamp{settings_.epoch, sequence_};
  const DhtKey key = inbox_key(settings_.mesh, to);
  constexpr auto lifetime = std::chrono::duration_cast<seconds>(2 * note_lifetime).count();
  auto note =
      write_note_record(settings_.identity, settings_.mesh, stamp, today + lifetime, to, endpoints);
  if (!note) return false;
  notes_[to] = {rendezvous_.announce(key, record_value_id(own_, key, stamp), *std::move(note)),
                now};
  if (!wake_) {
    wake_ = scheduler_.wake_at(now + note_lifetime, [this] {
      wake_ = {};
      take_back();
    });
  }
  return true;
}

void Inbox::Impl::take_back() {
  const TimePoint now = scheduler_.now();
  std::optional<TimePoint> next;
  for (auto& [to, note] : notes_) {
    if (!note.announcement) continue;
    const TimePoint end = note.left_at + note_lifetime;
    if (now >= end) {
      rendezvous_.withdraw(std::exchange(note.announcement, {}));
    } else if (!next || end < *next) {
      next = end;
    }
  }
  if (!next) return;
  wake_ = scheduler_.wake_at(*next, [this] {
    wake_ = {};
    take_back();
  });
}

// --- The facade

Inbox::Inbox(InboxSettings settings, Rendezvous& rendezvous, Scheduler& scheduler,
             InboxHandler& handler)
    : impl_(std::make_unique<Impl>(std::move(settings), rendezvous, scheduler, handler)) {}
Inbox::~Inbox() = default;

void Inbox::set_open(bool open) {
  impl_->set_open(open);
}
bool Inbox::leave_note(const NodeId& to, const std::vector<Endpoint>& endpoints) {
  return impl_->leave_note(to, endpoints);
}

}  // namespace starling
