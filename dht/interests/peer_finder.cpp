#include "dht/interests/peer_finder.hpp"

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "starling/limits.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/member_record.hpp"
#include "dht/records/newest_records.hpp"
#include "dht/records/node_record.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Duration, 3> first_rereads = {5s, 20s, 60s};  // after watch_members()
constexpr Duration no_token_pause = 1s;

}  // namespace

class PeerFinder::Impl {
 public:
  Impl(const PeerFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
       LookupPacer& pacer, PeerFinderHandler& handler)
      : settings_(settings),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        pacer_(pacer),
        handler_(handler),
        members_(member_key(settings.mesh)) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void watch_members();
  void stop_watching();
  void find_node(const NodeId& node);

 private:
  struct Lookup {
    bool begun = false;
    bool found = false;
  };

  void on_member_value(ByteView value);
  void read_members(TimePoint now);
  void start_lookups(TimePoint now);
  void on_node_value(const NodeId& node, ByteView value);
  void on_node_done(const NodeId& node);
  void on_timer();
  void arm(TimePoint when);

  PeerFinderSettings settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  LookupPacer& pacer_;
  PeerFinderHandler& handler_;
  DhtKey members_;

  Rendezvous::Handle listening_;
  TimePoint watching_since_;
  std::size_t rereads_ = 0;
  std::optional<TimePoint> reread_at_;  // the member key
  std::map<NodeId, Lookup> lookups_;
  std::deque<NodeId> waiting_;  // for the pacer
  SignatureCache signatures_;
  NewestRecords newest_;
  WakeId wake_;
  TimePoint wake_when_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // callbacks of gets ask for it
};

PeerFinder::Impl::~Impl() {
  scheduler_.cancel(wake_);
  if (listening_) rendezvous_.cancel_listen(listening_);
}

// --- The members

void PeerFinder::Impl::watch_members() {
  if (reread_at_) return;
  const TimePoint now = scheduler_.now();
  listening_ = rendezvous_.listen(members_, [this](ByteView value, bool expired) {
    if (!expired) on_member_value(value);
    return true;
  });
  watching_since_ = now;
  rereads_ = 0;
  reread_at_ = now;  // first: at once
  read_members(now);
}

void PeerFinder::Impl::stop_watching() {
  if (listening_) rendezvous_.cancel_listen(listening_);
  listening_ = {};
  reread_at_.reset();
}

void PeerFinder::Impl::read_members(TimePoint now) {
  if (!reread_at_ || *reread_at_ > now) return;
  if (!pacer_.try_take(now)) {
    reread_at_ = now + no_token_pause;
  } else {
    reread_at_ = rereads_ < first_rereads.size() ? watching_since_ + first_rereads[rereads_]
                                                 : now + limits::members_reread;
    ++rereads_;
    const std::weak_ptr<char> alive = alive_;
    rendezvous_.get(members_,
                    [this, alive](ByteView value, bool) {
                      if (alive.expired()) return false;
                      on_member_value(value);
                      return true;
                    },
                    {});
  }
  arm(*reread_at_);
}

void PeerFinder::Impl::on_member_value(ByteView value) {
  if (!reread_at_) return;  // stopped meanwhile
  const UnixSeconds today = scheduler_.unix_now();
  const auto envelope = verify_envelope(value, members_, today, signatures_);
  if (!envelope || envelope->node() == settings_.own) return;
  const auto peer = read_member_record(*envelope, settings_.mesh);
  if (!peer || newest_.note(*envelope, today) != Freshness::newer) return;
  handler_.on_member_seen(*peer);
}

// --- Single nodes

void PeerFinder::Impl::find_node(const NodeId& node) {
  if (node == settings_.own || lookups_.count(node) > 0) return;
  if (lookups_.size() >= limits::node_lookups_max) return;
  lookups_[node] = {};
  waiting_.push_back(node);
  start_lookups(scheduler_.now());
}

void PeerFinder::Impl::start_lookups(TimePoint now) {
  while (!waiting_.empty() && pacer_.try_take(now)) {
    const NodeId node = waiting_.front();
    waiting_.pop_front();
    lookups_[node].begun = true;
    const std::weak_ptr<char> alive = alive_;
    rendezvous_.get(
        node_key(settings_.mesh, node),
        [this, alive, node](ByteView value, bool) {
          if (alive.expired()) return false;
          on_node_value(node, value);
          return true;
        },
        [this, alive, node](bool) {
          if (!alive.expired()) on_node_done(node);
        });
  }
  if (!waiting_.empty()) arm(pacer_.next_at(now));
}

void PeerFinder::Impl::on_node_value(const NodeId& node, ByteView value) {
  const UnixSeconds today = scheduler_.unix_now();
  const auto envelope = verify_envelope(value, node_key(settings_.mesh, node), today, signatures_);
  if (!envelope || envelope->node() != node) return;
  const auto peer = read_node_record(*envelope, settings_.mesh);
  if (!peer || newest_.note(*envelope, today) != Freshness::newer) return;
  const auto lookup = lookups_.find(node);
  if (lookup != lookups_.end()) lookup->second.found = true;
  handler_.on_member_seen(*peer);
}

void PeerFinder::Impl::on_node_done(const NodeId& node) {
  const auto lookup = lookups_.find(node);
  if (lookup == lookups_.end() || !lookup->second.begun) return;
  const bool found = lookup->second.found;
  const NodeId id = node;
  lookups_.erase(lookup);
  if (!found) handler_.on_node_not_found(id);
}

// --- Time

void PeerFinder::Impl::on_timer() {
  const TimePoint now = scheduler_.now();
  read_members(now);
  if (reread_at_) arm(*reread_at_);
  start_lookups(now);
}

void PeerFinder::Impl::arm(TimePoint when) {
  if (wake_ && wake_when_ <= when) return;
  scheduler_.cancel(wake_);
  wake_when_ = when;
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    on_timer();
  });
}

// --- The facade

PeerFinder::PeerFinder(const PeerFinderSettings& settings, Rendezvous& rendezvous,
                       Scheduler& scheduler, LookupPacer& pacer, PeerFinderHandler& handler)
    : impl_(std::make_unique<Impl>(settings, rendezvous, scheduler, pacer, handler)) {}
PeerFinder::~PeerFinder() = default;

void PeerFinder::watch_members() {
  impl_->watch_members();
}
void PeerFinder::stop_watching() {
  impl_->stop_watching();
}
void PeerFinder::find_node(const NodeId& node) {
  impl_->find_node(node);
}

}  // namespace starling
