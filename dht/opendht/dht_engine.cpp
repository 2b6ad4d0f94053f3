#include "dht/opendht/dht_engine.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <opendht/dht.h>
#include <string>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "dht/opendht/announcement_book.hpp"
#include "dht/opendht/contact_list.hpp"
#include "dht/opendht/datagram_check.hpp"
#include "dht/opendht/first_lookups.hpp"
#include "dht/opendht/port_socket.hpp"
#include "dht/opendht/record_type.hpp"
#include "dht/opendht/value_desk.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;
using ::dht::InfoHash;
using ::dht::Value;
using Values = std::vector<std::shared_ptr<Value>>;
using DhtNodes = std::vector<std::shared_ptr<::dht::Node>>;

constexpr Duration census_interval = 5s;  // between two looks at how many nodes are left
constexpr Duration stranger_ping_interval = 500ms;
// Kinds of handles: both come from counters of their own.
constexpr std::uint64_t listen_bit = std::uint64_t{1} << 63U;

::dht::Config make_config(const DhtSettings& settings) {
  ::dht::Config config;
  config.network = settings.network;
  // Both, or the bound per peer becomes -1/8 = 0 and every request is dropped.
  config.max_req_per_sec = -1;
  config.max_peer_req_per_sec = -1;
  config.max_store_size = static_cast<ssize_t>(settings.store_bytes_max);
  config.public_stable = settings.rare_refresh;
  return config;
}

}  // namespace

class DhtEngine::Impl {
 public:
  Impl(const DhtSettings& settings, Datagram& socket, Scheduler& scheduler, LogSink& log);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value);
  void withdraw(std::uint64_t id);
  void get(const DhtKey& key, OnValue on_value, OnDone on_done);
  Handle listen(const DhtKey& key, OnValue on_value);
  void cancel_listen(std::uint64_t id);
  void add_node(const Endpoint& node);
  void set_passive(bool passive) { passive_ = passive; }
  std::vector<Endpoint> known_nodes(std::size_t count_max) const;
  Status status() const;
  void connectivity_changed();
  std::vector<Endpoint> observed_addresses() const;
  DhtCounters counters() const;

 private:
  struct Listening {
    InfoHash key;
    std::size_t token = 0;
  };

  // Driving OpenDHT.
  void on_datagram(const Endpoint& from, ByteView bytes);
  void drive(ByteView datagram, const ::dht::SockAddr& from);
  ::dht::time_point run_periodic(ByteView datagram, const ::dht::SockAddr& from);
  void drive_soon();
  void on_turn_end();
  void wake_for(::dht::time_point deadline);
  void wake_at(TimePoint when);
  void on_wake();
  template <class Call>
  auto call_dht(Call call);

  // What we do of our own accord.
  void follow_status();
  void do_chores();
  void ping_contacts(TimePoint now);
  void ping_stranger(const Endpoint& from, TimePoint now);
  void run_first_lookups(TimePoint now);
  void run_announcements(TimePoint now);
  void take_census(TimePoint now);
  void put(const Announcement& announcement);
  void read_back(std::uint64_t id, const Announcement& announcement);

  Scheduler& scheduler_;
  LogSink& log_;
  Datagram& datagrams_;

  RecordCheck check_;
  ValueDesk desk_;
  AnnouncementBook book_;
  ContactList contacts_;
  FirstLookups lookups_;
  std::map<std::uint64_t, Listening> listening_;
  std::map<std::uint64_t, WakeId> get_timeouts_;

  bool connected_ = false;
  bool inside_dht_ = false;
  bool turn_end_asked_ = false;
  std::size_t most_good_nodes_ = 0;  // since the last loss
  TimePoint census_due_{};
  TimePoint stranger_pinged_at_{};
  WakeId wake_;
  TimePoint wake_when_{};
  bool passive_ = false;
  std::uint64_t datagrams_in_ = 0;
  std::uint64_t datagrams_out_ = 0;
  std::uint64_t datagrams_refused_ = 0;

  std::shared_ptr<char> alive_ = std::make_shared<char>();  // tasks of turn ends ask for it
  std::unique_ptr<::dht::Dht> dht_;  // last: its policies and callbacks use all of the above
};

DhtEngine::Impl::Impl(const DhtSettings& settings, Datagram& socket, Scheduler& scheduler,
                      LogSink& log)
    : scheduler_(scheduler),
      log_(log),
      datagrams_(socket),
      check_(scheduler, settings.signatures),
      desk_(check_) {
  dht_ =
      std::make_unique<::dht::Dht>(std::make_unique<PortSocket>(socket, datagrams_out_, &passive_),
                                   make_config(settings), std::shared_ptr<::dht::Logger>{});
  dht_->registerType(make_record_type(check_));
  census_due_ = scheduler_.now() + census_interval;
  datagrams_.set_handler(
      [this](const Endpoint& from, ByteView bytes) { on_datagram(from, bytes); });
  drive_soon();
}

DhtEngine::Impl::~Impl() {
  datagrams_.set_handler({});
  alive_.reset();
  scheduler_.cancel(wake_);
  for (const auto& [id, wake] : get_timeouts_) scheduler_.cancel(wake);
  dht_.reset();
}

// --- Driving OpenDHT

/// OpenDHT may throw at what it reads from strangers; that must cost the one datagram, never the
/// node.
::dht::time_point DhtEngine::Impl::run_periodic(ByteView datagram, const ::dht::SockAddr& from) {
  STARLING_CHECK(!inside_dht_);
  inside_dht_ = true;
  // Its calls read this very clock by themselves; a cached time would run behind them. The nanosecond:
  // a cancelled listen is forgotten after exactly a minute, when that is less than now, by a job that
  // runs when it is not more than now. Woken at that very instant, it would begin anew for ever; on a
  // virtual clock that happens.
  const auto now = ::dht::clock::now() + 1ns;
  auto deadline = now + 1s;
  try {
    deadline = dht_->periodic(datagram.data(), datagram.size(), from, now);
  } catch (const std::exception& trouble) {
    log_.debug("dht_datagram_refused", {{"why", trouble.what()}});
  }
  inside_dht_ = false;
  return deadline;
}

void DhtEngine::Impl::drive(ByteView datagram, const ::dht::SockAddr& from) {
  auto deadline = run_periodic(datagram, from);
  dht_->updateStatus(AF_INET);
  dht_->updateStatus(AF_INET6);
  const bool connected = dht_->getStatus() == ::dht::NodeStatus::Connected;
  if (connected != connected_) {
    follow_status();
    deadline = run_periodic({}, {});
  }
  wake_for(deadline);
  if (desk_.has_something()) drive_soon();
}

void DhtEngine::Impl::on_datagram(const Endpoint& from, ByteView bytes) {
  ++datagrams_in_;
  if (bytes.size() > limits::datagram_max || from.port == 0 || !is_safe_for_opendht(bytes)) {
    ++datagrams_refused_;
    return;
  }
  drive(bytes, to_sockaddr(from));
  if (!connected_) ping_stranger(from, scheduler_.now());
}

/// Every call into OpenDHT may start jobs; they run, and what they brought is handed out, at the
/// turn's end.
void DhtEngine::Impl::drive_soon() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  scheduler_.at_turn_end([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    turn_end_asked_ = false;
    on_turn_end();
  });
}

void DhtEngine::Impl::on_turn_end() {
  do_chores();
  drive({}, {});
  desk_.deliver();
}

template <class Call>
auto DhtEngine::Impl::call_dht(Call call) {
  STARLING_CHECK(!inside_dht_);
  inside_dht_ = true;
  auto result = call(*dht_);
  inside_dht_ = false;
  drive_soon();
  return result;
}

/// Strictly after the deadline: a request that is looked at exactly at its deadline never expires,
/// so dead nodes would never be noticed.
void DhtEngine::Impl::wake_for(::dht::time_point deadline) {
  if (deadline == ::dht::time_point::max()) return;
  const auto left = std::max(deadline - ::dht::clock::now(), ::dht::clock::duration::zero());
  wake_at(scheduler_.now() + std::chrono::ceil<std::chrono::milliseconds>(left) + 1ms);
}

/// Waking too early costs one look around; so an earlier wake-up is left to stand.
void DhtEngine::Impl::wake_at(TimePoint when) {
  if (wake_ && wake_when_ <= when) return;
  scheduler_.cancel(wake_);
  wake_when_ = when;
  wake_ = scheduler_.wake_at(when, [this] {
    wake_ = {};
    on_wake();
  });
}

void DhtEngine::Impl::on_wake() {
  drive({}, {});
  drive_soon();  // chores
}

// --- What we do of our own accord

void DhtEngine::Impl::follow_status() {
  const TimePoint now = scheduler_.now();
  connected_ = !connected_;
  contacts_.on_status_changed(now, connected_);
  if (connected_) {
    log_.info("dht_connected", {{"good_nodes", status().good_nodes}});
    lookups_.on_connected(now);
    // What was put before the connection was lost may have been lost with it.
    book_.put_all_again(now);
  } else {
    log_.warn("dht_disconnected", {{"contacts", contacts_.size()}});
    lookups_.on_disconnected();
  }
  most_good_nodes_ = 0;
  drive_soon();
}

void DhtEngine::Impl::do_chores() {
  const TimePoint now = scheduler_.now();
  ping_contacts(now);
  run_first_lookups(now);
  run_announcements(now);
  take_census(now);

  TimePoint next = census_due_;
  if (const auto due = contacts_.next_deadline()) next = std::min(next, *due);
  if (const auto due = lookups_.next_deadline()) next = std::min(next, *due);
  if (lookups_.tables_are_filled())
    if (const auto due = book_.next_deadline()) next = std::min(next, *due);
  wake_at(std::max(next, now + 1ms));
}

void DhtEngine::Impl::ping_contacts(TimePoint now) {
  for (const Endpoint& endpoint : contacts_.take_due(now, connected_))
    dht_->pingNode(to_sockaddr(endpoint));
}

/// The first to find an isolated node is not yet good in its eyes; asking back at once makes it so.
void DhtEngine::Impl::ping_stranger(const Endpoint& from, TimePoint now) {
  if (now < stranger_pinged_at_ + stranger_ping_interval) return;
  stranger_pinged_at_ = now;
  dht_->pingNode(to_sockaddr(from));
  drive_soon();
}

void DhtEngine::Impl::run_first_lookups(TimePoint now) {
  while (const auto task = lookups_.next_task(now)) {
    const InfoHash target =
        task->target == FirstLookups::Target::own_id ? dht_->getNodeId() : InfoHash::getRandom();
    const auto ignore = [](const Values&) { return true; };
    const auto done = [this, id = task->id](bool, const DhtNodes&) {
      lookups_.on_done(id, scheduler_.now());
      drive_soon();
    };
    dht_->get(target, ::dht::GetCallback(ignore), ::dht::DoneCallback(done));
  }
}

void DhtEngine::Impl::run_announcements(TimePoint now) {
  if (!lookups_.tables_are_filled()) return;
  while (const auto task = book_.next_task(now)) {
    const Announcement& announcement = *book_.find(task->id);
    if (task->chore == AnnouncementBook::Chore::put)
      put(announcement);
    else
      read_back(task->id, announcement);
  }
}

/// Losing half of the nodes one by one is as bad as losing the connection: with them went those
/// that stored for us, and OpenDHT's own refresh comes only after ten minutes.
void DhtEngine::Impl::take_census(TimePoint now) {
  if (now < census_due_) return;
  census_due_ = now + census_interval;
  const std::size_t good = status().good_nodes;
  if (connected_ && good * 2 < most_good_nodes_) {
    log_.info("dht_nodes_lost", {{"left", good}, {"before", most_good_nodes_}});
    book_.put_all_again(now);
    most_good_nodes_ = good;
  }
  most_good_nodes_ = std::max(most_good_nodes_, good);
}

void DhtEngine::Impl::put(const Announcement& announcement) {
  dht_->put(to_infohash(announcement.key),
            make_record_value(announcement.value_id, announcement.value), ::dht::DoneCallback{},
            ::dht::time_point::max(), /*permanent*/ true);
}

void DhtEngine::Impl::read_back(std::uint64_t id, const Announcement& announcement) {
  // A get answers from our own store first, and from what a listen has brought, if there is one on
  // the key; what others hold are other objects than the one in our store.
  const InfoHash key = to_infohash(announcement.key);
  const auto own = dht_->getLocalById(key, announcement.value_id);
  const auto found = std::make_shared<bool>(false);
  const auto filter = [own](const Value& value) { return &value != own.get(); };
  const auto on_values = [found](const Values& values) {
    if (!values.empty()) *found = true;
    return values.empty();
  };
  const auto done = [this, id, found](bool ok, const DhtNodes&) {
    const ReadBack outcome = *found ? ReadBack::found
                             : ok   ? ReadBack::missing
                                    : ReadBack::unanswered;
    book_.on_read_back(id, outcome, scheduler_.now());
    drive_soon();
  };
  dht_->get(key, ::dht::GetCallback(on_values), ::dht::DoneCallback(done), Value::Filter(filter),
            ::dht::Where().id(announcement.value_id));
}

// --- The port

Rendezvous::Handle DhtEngine::Impl::announce(const DhtKey& key, std::uint64_t value_id,
                                             Bytes value) {
  STARLING_CHECK(value_id != 0 && value.size() <= limits::record_bytes_max);
  const std::uint64_t id = book_.add({key, value_id, std::move(value)}, scheduler_.now());
  if (id == 0) log_.warn("dht_announcement_refused", {{"why", "too many"}});
  drive_soon();
  return {id};
}

void DhtEngine::Impl::withdraw(std::uint64_t id) {
  const auto gone = book_.remove(id);
  if (!gone) return;
  call_dht([&](::dht::Dht& dht) { return dht.cancelPut(to_infohash(gone->key), gone->value_id); });
}

void DhtEngine::Impl::get(const DhtKey& key, OnValue on_value, OnDone on_done) {
  const auto refuse = on_done;
  const std::uint64_t id = desk_.open_get(key, std::move(on_value), std::move(on_done));
  if (id == 0) {
    if (refuse) scheduler_.at_turn_end([refuse] { refuse(false); });
    return;
  }
  get_timeouts_[id] = scheduler_.wake_at(scheduler_.now() + limits::dht_get_timeout, [this, id] {
    get_timeouts_.erase(id);
    desk_.on_done(id, false);
    drive_soon();
  });
  call_dht([&](::dht::Dht& dht) {
    dht.get(to_infohash(key), ::dht::GetCallback([this, id](const Values& values) {
              return desk_.on_values(id, values, false);
            }),
            ::dht::DoneCallback([this, id](bool ok, const DhtNodes&) {
              const auto timeout = get_timeouts_.find(id);
              if (timeout != get_timeouts_.end()) {
                scheduler_.cancel(timeout->second);
                get_timeouts_.erase(timeout);
              }
              desk_.on_done(id, ok);
              drive_soon();
            }),
            Value::TypeFilter(record_type_id), ::dht::Where().valueType(record_type_id));
    return true;
  });
}

Rendezvous::Handle DhtEngine::Impl::listen(const DhtKey& key, OnValue on_value) {
  const std::uint64_t id = desk_.open_listen(key, std::move(on_value));
  if (id == 0) return {};
  const InfoHash hash = to_infohash(key);
  const std::size_t token = call_dht([&](::dht::Dht& dht) {
    // No filter and no query: with either, values that other nodes tell are never handed on
    // (measured: only those that happen to lie in our own store arrive). The desk sorts out what is
    // not ours.
    return dht.listen(hash, ::dht::ValueCallback([this, id](const Values& values, bool expired) {
                        desk_.on_values(id, values, expired);
                        return true;
                      }));
  });
  listening_[id] = {hash, token};
  return {id | listen_bit};
}

void DhtEngine::Impl::cancel_listen(std::uint64_t handle) {
  const std::uint64_t id = handle & ~listen_bit;
  const auto found = listening_.find(id);
  if (found == listening_.end()) return;
  const Listening listening = found->second;
  listening_.erase(found);
  desk_.close(id);
  call_dht([&](::dht::Dht& dht) { return dht.cancelListen(listening.key, listening.token); });
}

void DhtEngine::Impl::add_node(const Endpoint& node) {
  if (node.port == 0 || node.is_unspecified()) return;
  contacts_.add(node, scheduler_.now());
  drive_soon();
}

std::vector<Endpoint> DhtEngine::Impl::known_nodes(std::size_t count_max) const {
  std::vector<Endpoint> nodes;
  for (const ::dht::NodeExport& node : dht_->exportNodes()) {
    if (nodes.size() >= count_max) break;
    const auto endpoint = to_endpoint(::dht::SockAddr(node.ss, node.sslen));
    if (endpoint && std::find(nodes.begin(), nodes.end(), *endpoint) == nodes.end())
      nodes.push_back(*endpoint);
  }
  return nodes;
}

Rendezvous::Status DhtEngine::Impl::status() const {
  const auto v4 = dht_->getNodesStats(AF_INET);
  const auto v6 = dht_->getNodesStats(AF_INET6);
  return {connected_, std::size_t{v4.good_nodes} + v6.good_nodes,
          std::size_t{v4.dubious_nodes} + v6.dubious_nodes};
}

void DhtEngine::Impl::connectivity_changed() {
  call_dht([](::dht::Dht& dht) {
    dht.connectivityChanged();
    return true;
  });
  contacts_.on_status_changed(scheduler_.now(), false);
  book_.put_all_again(scheduler_.now());
}

std::vector<Endpoint> DhtEngine::Impl::observed_addresses() const {
  std::vector<Endpoint> endpoints;
  for (const ::dht::SockAddr& address : dht_->getPublicAddress())
    if (const auto endpoint = to_endpoint(address)) endpoints.push_back(*endpoint);
  return endpoints;
}

DhtCounters DhtEngine::Impl::counters() const {
  DhtCounters counters;
  counters.announcements_verified = book_.verified();
  counters.announcements_repeated = book_.repeated();
  counters.records_stored = check_.stored;
  counters.records_refused = check_.refused;
  counters.values_refused = desk_.refused;
  counters.datagrams_in = datagrams_in_;
  counters.datagrams_out = datagrams_out_;
  counters.datagrams_refused = datagrams_refused_;
  return counters;
}

// --- The facade

DhtEngine::DhtEngine(const DhtSettings& settings, Datagram& socket, Scheduler& scheduler,
                     LogSink& log)
    : impl_(std::make_unique<Impl>(settings, socket, scheduler, log)) {}
DhtEngine::~DhtEngine() = default;

Rendezvous::Handle DhtEngine::announce(const DhtKey& key, std::uint64_t value_id, Bytes value) {
  return impl_->announce(key, value_id, std::move(value));
}
void DhtEngine::withdraw(Handle announcement) {
  impl_->withdraw(announcement.value);
}
void DhtEngine::get(const DhtKey& key, OnValue on_value, OnDone on_done) {
  impl_->get(key, std::move(on_value), std::move(on_done));
}
Rendezvous::Handle DhtEngine::listen(const DhtKey& key, OnValue on_value) {
  return impl_->listen(key, std::move(on_value));
}
void DhtEngine::cancel_listen(Handle listening) {
  impl_->cancel_listen(listening.value);
}
void DhtEngine::add_node(const Endpoint& node) {
  impl_->add_node(node);
}
void DhtEngine::set_passive(bool passive) {
  impl_->set_passive(passive);
}
std::vector<Endpoint> DhtEngine::known_nodes(std::size_t count_max) const {
  return impl_->known_nodes(count_max);
}
Rendezvous::Status DhtEngine::status() const {
  return impl_->status();
}
void DhtEngine::connectivity_changed() {
  impl_->connectivity_changed();
}
std::vector<Endpoint> DhtEngine::observed_addresses() const {
  return impl_->observed_addresses();
}
DhtCounters DhtEngine::counters() const {
  return impl_->counters();
}

}  // namespace starling
