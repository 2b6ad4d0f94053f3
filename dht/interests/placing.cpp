#include "dht/interests/placing.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t readings_max = 6;    // at a time: some four a second
constexpr double file_unread_up_to = 100;  // members: a root can take that many for ten minutes
constexpr Duration patience = 700ms;
// Renewals (of six minutes) from one reading of a root to the next, when nothing is to be expected.
constexpr unsigned skips_when_quiet = 4;
// Who finds room at a root in a mesh that starts was early, and so were many. They look again once
// the others are there, not only when all renew together: with 300 nodes started within a minute that
// saves a fifth of the datagrams of their first renewal.
constexpr Duration second_look_after = 60s;

}  // namespace

Placing::Placing(const NodeId& own, const crypto::MeshKeys& mesh, bool open_mesh,
                 Rendezvous& rendezvous, Scheduler& scheduler,
                 std::shared_ptr<SignatureCache> signatures, OnPlace on_place)
    : own_(own),
      mesh_(mesh),
      open_mesh_(open_mesh),
      rendezvous_(rendezvous),
      scheduler_(scheduler),
      on_place_(std::move(on_place)),
      members_(member_key(mesh)),
      signatures_(std::move(signatures)) {}

Placing::~Placing() {
  for (const auto& [key, root] : roots_) {
    scheduler_.cancel(root.patience);
    scheduler_.cancel(root.second_look);
  }
}

std::optional<Shard> Placing::place(const DhtKey& root) const {
  const auto found = roots_.find(root);
  return found == roots_.end() ? std::nullopt : found->second.place;
}

bool Placing::may_be_hot(const DhtKey& root) const {
  if (root == members_) return true;
  return mesh_size_ && *mesh_size_ > static_cast<double>(root_leave);
}

void Placing::use(const DhtKey& key) {
  const auto [at, is_new] = roots_.try_emplace(key);
  if (!is_new) return;
  Root& root = at->second;
  if (!open_mesh_ || (mesh_size_ && *mesh_size_ <= file_unread_up_to)) {
    root.place = Shard{};
  } else if (mesh_size_ && rendezvous_.status().connected) {
    root.patience = scheduler_.wake_at(scheduler_.now() + patience, [this, key] {
      const auto found = roots_.find(key);
      if (found == roots_.end()) return;
      found->second.patience = {};
      if (!found->second.place) settle(key, {});
    });
  }
  if (may_be_hot(key)) read(key);
}

void Placing::forget(const DhtKey& key) {
  const auto found = roots_.find(key);
  if (found == roots_.end()) return;
  scheduler_.cancel(found->second.patience);
  scheduler_.cancel(found->second.second_look);
  if (found->second.reading) --reading_;
  if (found->second.is_waiting) std::erase(waiting_, key);
  roots_.erase(found);
}

bool Placing::look_again(const DhtKey& key) {
  const auto found = roots_.find(key);
  if (found == roots_.end() || !may_be_hot(key)) return false;
  Root& root = found->second;
  if (root.reading || root.is_waiting) return false;
  if (root.skips > 0) {
    --root.skips;
    return false;
  }
  read(key);
  return true;
}

// --- Reading

void Placing::read(const DhtKey& key) {
  Root& root = roots_.at(key);
  if (root.reading || root.is_waiting) return;
  root.is_waiting = true;
  // Everything depends on the member key.
  if (key == members_)
    waiting_.push_front(key);
  else
    waiting_.push_back(key);
  read_waiting();
}

void Placing::read_waiting() {
  while (!waiting_.empty() && reading_ < readings_max) {
    const DhtKey key = waiting_.front();
    waiting_.pop_front();
    const auto found = roots_.find(key);
    if (found == roots_.end() || !found->second.is_waiting) continue;
    found->second.is_waiting = false;
    ++reading_;
    found->second.reading = std::make_unique<KeyReading>(
        key, mesh_, rendezvous_, scheduler_, *signatures_, KeyReading::OnRecord{},
        [this, key](const KeySketch& sketch) { on_read(key, sketch); });
  }
}

void Placing::on_read(const DhtKey& key, const KeySketch& sketch) {
  Root& root = roots_.at(key);
  root.reading.reset();
  --reading_;
  root.was_read = true;
  const UnixSeconds today = scheduler_.unix_now();
  const Shard place = sketch.place_for(own_, root.place, today);
  // Who has just come to its place looks again sooner, as a mesh that starts grows by the second; but
  // not all that have come together look again together.
  if (place == Shard{} || sketch.is_near_border(own_, today)) {
    const bool has_room = sketch.size() < root_keep / 2;
    root.skips = has_room && root.place == place ? skips_when_quiet : 0;
  } else {
    root.skips = root.place == place ? skips_when_quiet : own_.bytes.back() % skips_when_quiet;
  }
  if ((place == Shard{} || sketch.is_near_border(own_, today))
      && !std::exchange(root.had_second_look, true)) {
    root.second_look = scheduler_.wake_at(scheduler_.now() + second_look_after, [this, key] {
      const auto found = roots_.find(key);
      if (found == roots_.end()) return;
      found->second.second_look = {};
      read(key);
    });
  }
  settle(key, place);
  if (key == members_) {
    mesh_size_ = sketch.estimate(today);
    on_mesh_size();
  }
  read_waiting();
}

void Placing::settle(const DhtKey& key, Shard place) {
  Root& root = roots_.at(key);
  scheduler_.cancel(std::exchange(root.patience, {}));
  if (root.place == place) return;
  root.place = place;
  on_place_(key);
}

/// The interests that have waited for it, and those that were filed without knowing it.
void Placing::on_mesh_size() {
  std::vector<DhtKey> unread;
  std::vector<DhtKey> unplaced;
  for (const auto& [key, root] : roots_) {
    if (!root.was_read && may_be_hot(key)) unread.push_back(key);
    if (!root.place && *mesh_size_ <= file_unread_up_to) unplaced.push_back(key);
  }
  for (const DhtKey& key : unplaced)
    if (roots_.contains(key)) settle(key, {});
  for (const DhtKey& key : unread)
    if (roots_.contains(key)) read(key);
}

}  // namespace starling
