#include "simulations/world/sim_rendezvous.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace starling::sim {
namespace {

using namespace std::chrono_literals;

// As measured with 100 to 2 000 real nodes and 20 to 80 ms one way.
constexpr Duration put_min = 350ms;  // until other nodes find the value
constexpr Duration put_max = 750ms;
constexpr Duration get_min = 60ms;  // until the first value
constexpr Duration get_max = 260ms;
constexpr Duration get_end = 320ms;  // from there until all have answered
constexpr Duration listen_min = 100ms;
constexpr Duration listen_max = 450ms;
constexpr Duration told_min = 20ms;  // a listener, of what has become visible
constexpr Duration told_max = 90ms;
constexpr Duration lifetime = 10min;  // of what nobody keeps alive
constexpr Duration join_time = 300ms;
constexpr Duration missed_retry = 2min;  // until what a cut has hidden is found

}  // namespace

class SimRendezvous final : public Rendezvous {
 public:
  SimRendezvous(RendezvousModel& model, std::uint64_t number, HostNumber host,
                ProcessNumber process, const Endpoint& at)
      : model_(model), number_(number), host_(host), process_(process), endpoint_(at) {}

  ~SimRendezvous() override {
    for (const auto& [handle, what] : announced_) model_.let_go(what.first, what.second);
    for (const auto& [handle, key] : listening_) drop_listener(key, handle);
    model_.members_.erase(number_);
  }
  SimRendezvous(const SimRendezvous&) = delete;
  SimRendezvous& operator=(const SimRendezvous&) = delete;

  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override {
    RendezvousModel::Value made;
    made.id = value_id;
    made.owner = host_;
    made.bytes = std::make_shared<const Bytes>(std::move(value));
    model_.put(key, std::move(made));
    const std::uint64_t handle = ++model_.last_handle_;
    announced_[handle] = {key, value_id};
    return {handle};
  }

  void withdraw(Handle announcement) override {
    const auto found = announced_.find(announcement.value);
    if (found == announced_.end()) return;
    model_.let_go(found->second.first, found->second.second);
    announced_.erase(found);
  }

  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override {
    ++model_.lookups_;
    if (!status().connected) {
      agenda().add(now() + get_max, process_, [on_done] {
        if (on_done) on_done(false);
      });
      return;
    }
    struct Get {
      OnValue on_value;
      bool is_open = true;
    };
    const auto get = std::make_shared<Get>(Get{std::move(on_value)});
    const Duration first = model_.dice_.between(get_min, get_max);
    agenda().add(now() + first, process_, [this, key, get] {
      const auto found = model_.keys_.find(key);
      if (found == model_.keys_.end()) return;
      const auto values = found->second.values;  // those who hear may announce
      for (const RendezvousModel::Value& value : values)
        if (get->is_open && value.visible <= now() && model_.can_see(value, host_))
          get->is_open = get->on_value(*value.bytes, false);
    });
    agenda().add(now() + first + get_end, process_, [on_done] {
      if (on_done) on_done(true);
    });
  }

  Handle listen(const DhtKey& key, OnValue on_value) override {
    const std::uint64_t handle = ++model_.last_handle_;
    RendezvousModel::Listener listener{handle, host_, process_,
                                       std::make_shared<OnValue>(std::move(on_value))};
    RendezvousModel::Key& entry = model_.keys_[key];
    for (const RendezvousModel::Value& value : entry.values)
      if (value.visible <= now())
        model_.tell(key, value, listener, model_.dice_.between(listen_min, listen_max), false);
    entry.listeners.push_back(std::move(listener));
    listening_[handle] = key;
    return {handle};
  }

  void cancel_listen(Handle listening) override {
    const auto found = listening_.find(listening.value);
    if (found == listening_.end()) return;
    drop_listener(found->second, found->first);
    listening_.erase(found);
  }

  void add_node(const Endpoint& node) override {
    if (node == endpoint_ || contacts_.size() >= 64) return;
    if (contacts_.insert(node).second && !joined_at_) joined_at_ = now() + join_time;
  }

  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t count_max) const override {
    std::vector<Endpoint> known;
    // Whoever joined next to us, in a circle: different for each node, the same in each run.
    auto next = model_.members_.upper_bound(number_);
    for (std::size_t i = 0; i + 1 < model_.members_.size() && known.size() < count_max;
         ++i, ++next) {
      if (next == model_.members_.end()) next = model_.members_.begin();
      known.push_back(next->second->endpoint_);
    }
    return known;
  }

  [[nodiscard]] Status status() const override {
    const bool is_found = joined_at_ ? now() >= *joined_at_ : false;
    const bool connected = model_.members_.size() > 1 && (is_found || is_first());
    const std::size_t good = connected ? std::min<std::size_t>(model_.members_.size() - 1, 64) : 0;
    return {connected, good, 0};
  }

 private:
  /// It was given nobody to ask, and others have found it.
  [[nodiscard]] bool is_first() const { return !joined_at_; }
  [[nodiscard]] Agenda& agenda() const { return model_.network_.agenda(); }
  [[nodiscard]] TimePoint now() const { return agenda().now(); }
  void drop_listener(const DhtKey& key, std::uint64_t handle) {
    const auto entry = model_.keys_.find(key);
    if (entry == model_.keys_.end()) return;
    std::erase_if(entry->second.listeners,
                  [&](const RendezvousModel::Listener& each) { return each.handle == handle; });
    model_.forget_if_empty(key);
  }

  friend class RendezvousModel;
  RendezvousModel& model_;
  std::uint64_t number_;
  HostNumber host_;
  ProcessNumber process_;
  Endpoint endpoint_;
  std::map<std::uint64_t, std::pair<DhtKey, std::uint64_t>> announced_;
  std::map<std::uint64_t, DhtKey> listening_;
  std::set<Endpoint> contacts_;
  std::optional<TimePoint> joined_at_;
};

RendezvousModel::RendezvousModel(Network& network, std::uint64_t seed)
    : network_(network), dice_(seed, 0x646874) {}
RendezvousModel::~RendezvousModel() = default;

std::unique_ptr<Rendezvous> RendezvousModel::join(HostNumber host, ProcessNumber process,
                                                  const Endpoint& at) {
  const std::uint64_t number = ++last_member_;
  auto member = std::make_unique<SimRendezvous>(*this, number, host, process, at);
  members_[number] = member.get();
  return member;
}

bool RendezvousModel::can_see(const Value& value, HostNumber reader) const {
  return value.owner == reader || !network_.is_cut(value.owner, reader)
         || !network_.has_power(value.owner);  // those who store for it are elsewhere
}

void RendezvousModel::put(const DhtKey& key, Value value) {
  Key& entry = keys_[key];
  for (Value& known : entry.values) {
    if (known.id != value.id) continue;
    known.is_kept_alive = true;  // put again: no news
    known.owner = value.owner;
    return;
  }
  Agenda& agenda = network_.agenda();
  value.visible = agenda.now() + dice_.between(put_min, put_max);
  entry.values.push_back(value);
  agenda.add(value.visible, 0, [this, key, value] {
    const auto entry_now = keys_.find(key);
    if (entry_now == keys_.end()) return;
    for (const Listener& listener : entry_now->second.listeners)
      tell(key, value, listener, dice_.between(told_min, told_max), false);
  });
}

void RendezvousModel::tell(const DhtKey& key, const Value& value, const Listener& listener,
                           Duration after, bool expired) {
  Agenda& agenda = network_.agenda();
  if (!expired && !can_see(value, listener.host)) {
    agenda.add(agenda.now() + missed_retry, 0, [this, key, value, handle = listener.handle] {
      const auto entry = keys_.find(key);
      if (entry == keys_.end()) return;
      const auto is_it = [&](const Listener& each) { return each.handle == handle; };
      const auto still =
          std::find_if(entry->second.listeners.begin(), entry->second.listeners.end(), is_it);
      const bool lives = std::any_of(entry->second.values.begin(), entry->second.values.end(),
                                     [&](const Value& each) { return each.id == value.id; });
      if (still != entry->second.listeners.end() && lives)
        tell(key, value, *still, dice_.between(told_min, told_max), false);
    });
    return;
  }
  agenda.add(agenda.now() + after, listener.process,
             [on_value = std::weak_ptr<Rendezvous::OnValue>(listener.on_value), bytes = value.bytes,
              expired] {
               if (const auto alive = on_value.lock()) (*alive)(*bytes, expired);
             });
}

void RendezvousModel::let_go(const DhtKey& key, std::uint64_t id) {
  const auto entry = keys_.find(key);
  if (entry == keys_.end()) return;
  for (Value& value : entry->second.values)
    if (value.id == id) value.is_kept_alive = false;
  // Its last refresh was some time ago.
  Agenda& agenda = network_.agenda();
  agenda.add(agenda.now() + dice_.between({}, lifetime), 0, [this, key, id] {
    const auto later = keys_.find(key);
    if (later == keys_.end()) return;
    auto& values = later->second.values;
    const auto gone = std::find_if(values.begin(), values.end(), [&](const Value& value) {
      return value.id == id && !value.is_kept_alive;
    });
    if (gone == values.end()) return;
    const Value value = *gone;
    values.erase(gone);
    for (const Listener& listener : later->second.listeners)
      tell(key, value, listener, dice_.between(told_min, told_max), true);
    forget_if_empty(key);
  });
}

void RendezvousModel::forget_if_empty(const DhtKey& key) {
  const auto entry = keys_.find(key);
  if (entry != keys_.end() && entry->second.values.empty() && entry->second.listeners.empty())
    keys_.erase(entry);
}

}  // namespace starling::sim
