#include "dht/interests/peer_finder.hpp"

#include <deque>
#include <map>
#include <utility>

#include "starling/limits.hpp"

#include "dht/interests/member_watch.hpp"
#include "dht/keys/prefix_key.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/newest_records.hpp"
#include "dht/records/node_record.hpp"

namespace starling {

class PeerFinder::Impl {
 public:
  Impl(const PeerFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
       LookupPacer& pacer, PeerFinderHandler& handler)
      : settings_(settings),
        rendezvous_(rendezvous),
        scheduler_(scheduler),
        pacer_(pacer),
        handler_(handler),
        members_(settings_, rendezvous, scheduler, pacer,
                 [this](const PeerRecord& peer) { handler_.on_member_seen(peer); }),
        signatures_(shared_or_own(settings_.signatures)) {}
  ~Impl() { scheduler_.cancel(wake_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  MemberWatch& members() { return members_; }
  void find_node(const NodeId& node);

 private:
  struct Lookup {
    bool begun = false;
    bool found = false;
  };

  void start_lookups(TimePoint now);
  void on_node_value(const NodeId& node, ByteView value);
  void on_node_done(const NodeId& node);
  void arm(TimePoint when);

  PeerFinderSettings settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  LookupPacer& pacer_;
  PeerFinderHandler& handler_;
  MemberWatch members_;

  std::map<NodeId, Lookup> lookups_;
  std::deque<NodeId> waiting_;  // for the pacer
  std::shared_ptr<SignatureCache> signatures_;
  NewestRecords newest_;
  WakeId wake_;
  TimePoint wake_when_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // callbacks of gets ask for it
};

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
  const auto envelope = verify_envelope(value, node_key(settings_.mesh, node), today, *signatures_);
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

void PeerFinder::Impl::arm(TimePoint when) {
  if (wake_ && wake_when_ <= when) return;
  scheduler_.cancel(wake_);
  wake_when_ = when;
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    start_lookups(scheduler_.now());
  });
}

// --- The facade

PeerFinder::PeerFinder(const PeerFinderSettings& settings, Rendezvous& rendezvous,
                       Scheduler& scheduler, LookupPacer& pacer, PeerFinderHandler& handler)
    : impl_(std::make_unique<Impl>(settings, rendezvous, scheduler, pacer, handler)) {}
PeerFinder::~PeerFinder() = default;

void PeerFinder::watch_members() {
  impl_->members().start();
}
void PeerFinder::stop_watching() {
  impl_->members().stop();
}
void PeerFinder::seek_members() {
  impl_->members().seek();
}
std::size_t PeerFinder::members_estimate() const {
  return impl_->members().estimate();
}
void PeerFinder::find_node(const NodeId& node) {
  impl_->find_node(node);
}

}  // namespace starling
