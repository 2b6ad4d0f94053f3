// Mesh: beginning, end, the passing of time, and the view from outside.
#include "bridge/mesh/mesh.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

#include "bridge/mesh/mesh_impl.hpp"
#include "dht/records/envelope.hpp"

namespace starling {
namespace {

constexpr std::string_view book_file = "peers";
constexpr auto tick_interval = std::chrono::seconds{1};
constexpr auto quiet_tick_interval = std::chrono::seconds{10};  // nothing is due, nobody is missing
constexpr auto addresses_interval = std::chrono::seconds{10};
constexpr std::size_t world_samples = 16;  // DHT nodes looked at
constexpr auto save_interval = std::chrono::seconds{10};

PeerLinkSettings link_settings_of(const MeshSettings& settings) {
  PeerLinkSettings link;
  link.self = settings.identity.node_id();
  link.epoch = settings.epoch;
  link.software = settings.software;
  link.offers_relay = settings.relay == RelayUse::offer;
  for (const MeshConfig& mesh : settings.meshes) link.meshes.push_back(mesh.keys.member);
  return link;
}

}  // namespace

Mesh::Impl::Impl(MeshSettings settings, MeshHost& host, Rendezvous& rendezvous,
                 Scheduler& scheduler, Entropy& entropy, StateFiles& files, LogSink& log,
                 Metrics& metrics)
    : settings_(std::move(settings)),
      own_(settings_.identity.node_id()),
      host_(host),
      rendezvous_(rendezvous),
      scheduler_(scheduler),
      entropy_(entropy),
      files_(files),
      log_(log),
      links_metric_(metrics.metric("starling_mesh_links")),
      received_metric_(metrics.metric("starling_mesh_messages_received_total")),
      sent_metric_(metrics.metric("starling_mesh_messages_sent_total")),
      dropped_qos0_metric_(metrics.metric("starling_mesh_dropped_total{reason=\"qos0\"}")),
      dropped_outbox_metric_(metrics.metric("starling_mesh_dropped_total{reason=\"outbox\"}")),
      duplicates_metric_(metrics.metric("starling_mesh_duplicates_total")),
      refused_metric_(metrics.metric("starling_mesh_refused_total")),
      parked_metric_(metrics.metric("starling_mesh_parked")),
      denied_metric_(metrics.metric("starling_acl_denied_total{access=\"mesh\"}")),
      link_settings_(link_settings_of(settings_)),
      addresses_(settings_.mesh_port),
      dial_tests_(entropy),
      meetings_(own_),
      relay_(settings_.relay_bounds, *this, ledger_),
      channels_(own_, *this, scheduler),
      book_(own_, entropy),
      interests_(settings_.meshes.size(), HashSeed::from(entropy)),
      routes_(routes_first),
      recent_topics_(settings_.meshes.size()) {
  addresses_.set_configured(settings_.configured_endpoints);
  addresses_.set_local(settings_.local_endpoints);
  addresses_.set_bootstrap(settings_.bootstrap_endpoints);
  const CirclePorts ports{
      rendezvous_, scheduler_, entropy_, log_, pacer_, *this, shared_or_own(settings_.signatures)};
  for (const MeshConfig& mesh : settings_.meshes) {
    circles_.push_back(std::make_unique<Circle>(static_cast<MeshIndex>(circles_.size()), mesh,
                                                settings_.identity, settings_.epoch, ports));
    standings_.push_back(Standing{!mesh.open, false});
  }
  if (const auto document = files_.load(book_file)) {
    const auto loaded = book_.load(*document, now());
    if (!loaded) log_.warn("mesh_peers_unreadable", {{"why", loaded.error().what}});
  }
}

Mesh::Impl::~Impl() {
  *self_ = nullptr;
  scheduler_.cancel(dial_wake_);
  scheduler_.cancel(tick_wake_);
  scheduler_.cancel(relay_wake_);
  scheduler_.cancel(parking_wake_);
  for (auto& [id, link] : links_) scheduler_.cancel(link.wake);
}

void Mesh::Impl::start() {
  STARLING_CHECK(!running_);
  running_ = true;
  started_at_ = saved_at_ = now();
  announced_ = addresses_.announced(dial_tests_, false);
  rendezvous_.set_passive(!is_dialable());
  for (const auto& circle : circles_) {
    circle->start(announced_);
    log_.info("mesh_joined",
              {{"mesh", circle->name()}, {"open", circle->is_open()}, {"node", own_}});
  }
  topology_changed_ = true;
  ask_turn_end();
  tick_by(now() + tick_interval);
}

void Mesh::Impl::stop() {
  if (!running_) return;
  running_ = false;
  std::vector<LinkId> all;
  for (const auto& [id, link] : links_) all.push_back(id);
  for (const LinkId id : all) {
    Link& link = links_.at(id);
    OutputBuffer& out = host_.link_output(id);
    link.machine.close(wire::CloseReason::shutting_down, "the node stops", out);
    host_.flush_link(id);
    host_.close_link(id);
    scheduler_.cancel(link.wake);
  }
  links_.clear();
  for (const auto& [id, order] : dials_) host_.close_link(id);
  dials_.clear();
  save_book();
  *self_ = nullptr;
  scheduler_.cancel(dial_wake_);
  scheduler_.cancel(tick_wake_);
  scheduler_.cancel(relay_wake_);
  scheduler_.cancel(parking_wake_);
}

void Mesh::Impl::mark_dirty(const NodeId& id) {
  if (Peer* peer = find_peer(id)) mark_dirty(id, *peer);
}

void Mesh::Impl::mark_dirty(const NodeId& id, Peer& peer) {
  if (!std::exchange(peer.dirty, true)) dirty_peers_.push_back(id);
  ask_turn_end();
}

void Mesh::Impl::ask_turn_end() {
  if (turn_end_asked_ || !running_) return;
  turn_end_asked_ = true;
  scheduler_.at_turn_end([self = self_] {
    if (*self) (*self)->on_turn_end();
  });
}

/// Whatever happened in this turn is told to the peers once, in one batch per link.
void Mesh::Impl::on_turn_end() {
  turn_end_asked_ = false;
  if (!running_) return;
  send_interest_changes();
  const bool topology_changed = topology_changed_;
  if (topology_changed) review_topology();
  if (parking_changed_) settle_parking();
  for (const NodeId& id : std::exchange(dirty_peers_, {})) {
    if (Peer* peer = find_peer(id)) {
      peer->dirty = false;
      pump(id, *peer);
    }
  }
  if (!topology_changed) return;
  run_dials();
  tick_by(now() + tick_interval);
}

/// Looks after what only time changes. A quiet mesh is woken every ten seconds, not every second: of
/// simulated nodes that is a fifth of their work.
void Mesh::Impl::on_tick() {
  tick_wake_ = WakeId{};
  TimePoint next = std::min(look_after_peers(), now() + quiet_tick_interval);
  std::erase_if(acquaintances_, [this](const auto& entry) {
    const Acquaintance& a = entry.second;
    return a.dials_under_way == 0 && !wanted_.contains(entry.first) && !peers_.contains(entry.first)
           && (!a.exchange_until || *a.exchange_until < now());
  });
  // Who was given no bootstrap address lives where those live who have come to it.
  const bool knows_its_world = !settings_.bootstrap_endpoints.empty();
  if (!knows_its_world) addresses_.set_bootstrap(rendezvous_.known_nodes(world_samples));
  if (!knows_its_world || now() >= addresses_due_) {
    addresses_due_ = now() + addresses_interval;
    addresses_.expire(now());
    nat_.expire(now());
  }
  review_reach();
  review_paths();
  review_relays();
  next = std::min(next, reach_due());
  if (book_changed_ && now() - saved_at_ >= save_interval) save_book();
  if (is_topology_settled()) {
    next = std::min(next, exchange_ends_at_);
  } else {
    next = now();
    topology_changed_ = true;
    ask_turn_end();
  }
  tick_by(std::max(next, now() + tick_interval));
}

void Mesh::Impl::tick_by(TimePoint when) {
  if (tick_wake_ && ticks_at_ <= when) return;
  scheduler_.cancel(tick_wake_);
  ticks_at_ = when;
  tick_wake_ = scheduler_.wake_at(when, [this] { on_tick(); });
}

/// Lets go what has waited too long for them. Returns when that is to be looked at again.
TimePoint Mesh::Impl::look_after_peers() {
  TimePoint next = TimePoint::max();
  std::vector<NodeId> gone;
  for (auto& [id, peer] : peers_) {
    expire_waiting(peer);
    if (!peer.waiting.empty()) next = now();
    if (!peer.away_since) continue;
    const Duration away = now() - *peer.away_since;
    if (peer.interests_known && away >= limits::live_interest_kept_for)
      end_live_interests(id, peer);
    const std::size_t expired = peer.outbox.expire(now());
    dropped_outbox_metric_.add(static_cast<std::int64_t>(expired));
    if (!peer.outbox.empty()) next = now();
    if (peer.interests_known) {
      if (away < limits::live_interest_kept_for)
        next = std::min<TimePoint>(next, *peer.away_since + limits::live_interest_kept_for);
      continue;
    }
    if (away < limits::outbox_without_interest_max) {
      next = std::min<TimePoint>(next, *peer.away_since + limits::outbox_without_interest_max);
      continue;
    }
    if (!peer.outbox.empty()) {
      const std::size_t lost = peer.outbox.clear();
      dropped_outbox_metric_.add(static_cast<std::int64_t>(lost));
      log_.warn("mesh_outbox_given_up", {{"peer", id}, {"messages", lost}});
    }
    gone.push_back(id);
  }
  for (const NodeId& id : gone) peers_.erase(id);
  if (!gone.empty()) ++generation_;  // routes name peers
  return next;
}

void Mesh::Impl::save_book() {
  book_changed_ = false;
  saved_at_ = now();
  const auto saved = files_.save(book_file, book_.save());
  if (!saved) log_.warn("mesh_peers_not_saved", {{"why", saved.error().what}});
}

void Mesh::Impl::on_peer_seen(MeshIndex mesh, const PeerSeen& seen) {
  const Circle& circle = *circles_[mesh];
  if (book_.on_seen(seen.peer, PeerSource::record, circle.name(), now(), scheduler_.unix_now())) {
    book_changed_ = topology_changed_ = true;
  }
  ++generation_;
  parking_changed_ = true;
  ask_turn_end();
  if (is_flowing(seen.peer.id)) return;
  // Somebody we publish for, though nothing may wait for it right now: be linked before the next
  // message.
  for (const auto& recent : recent_topics_[mesh]) {
    const std::string& topic = recent.first;
    const bool wants = std::any_of(seen.interests.begin(), seen.interests.end(),
                                   [&](const Interest& i) { return i.filter.matches(topic); });
    if (!wants) continue;
    want_for_exchange(seen.peer.id);
    return;
  }
}

void Mesh::Impl::on_member_seen(MeshIndex mesh, const PeerRecord& peer) {
  if (book_.on_seen(peer, PeerSource::record, circles_[mesh]->name(), now(),
                    scheduler_.unix_now())) {
    if (Acquaintance* known = acquaintance(peer.id)) known->rounds_failed = 0;
    book_changed_ = true;
  }
  topology_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::on_lookup_complete(MeshIndex) {
  ++generation_;
  parking_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::set_local_endpoints(std::vector<Endpoint> endpoints) {
  const std::vector<Endpoint> before = std::exchange(settings_.local_endpoints, endpoints);
  addresses_.set_local(std::move(endpoints));
  if (!running_) return update_endpoints();
  end_links_of_gone_addresses(before);
  book_.retry_all(now());
  review_reach();
  topology_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::set_mapped_endpoints(std::vector<Endpoint> endpoints) {
  addresses_.set_mapped(std::move(endpoints));
  if (!running_) return update_endpoints();
  review_reach();
  topology_changed_ = true;
  ask_turn_end();
}

void Mesh::Impl::set_bootstrap_endpoints(const std::vector<Endpoint>& endpoints) {
  if (settings_.bootstrap_endpoints != endpoints) doors_due_ = TimePoint{};
  settings_.bootstrap_endpoints = endpoints;
  addresses_.set_bootstrap(endpoints);
  update_endpoints();
}

// --- The facade

Mesh::Mesh(MeshSettings settings, MeshHost& host, Rendezvous& rendezvous, Scheduler& scheduler,
           Entropy& entropy, StateFiles& files, LogSink& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(settings), host, rendezvous, scheduler, entropy, files,
                                   log, metrics)) {}
Mesh::~Mesh() = default;
void Mesh::start() {
  impl_->start();
}
void Mesh::stop() {
  impl_->stop();
}
LinkId Mesh::next_link_id() {
  return impl_->next_link_id();
}
void Mesh::on_link_open(LinkId link, LinkFacts facts) {
  impl_->on_link_open(link, std::move(facts));
}
void Mesh::on_link_bytes(LinkId link, ByteView plain) {
  impl_->on_link_bytes(link, plain);
}
void Mesh::on_link_writable(LinkId link) {
  impl_->on_link_writable(link);
}
void Mesh::on_link_closed(LinkId link, const std::string& why) {
  impl_->on_link_closed(link, why);
}
void Mesh::on_dial_failed(LinkId link, const Error& error) {
  impl_->on_dial_failed(link, error);
}
void Mesh::publish(const SharedPublication& message) {
  impl_->publish(message);
}
void Mesh::on_interest_change(const InterestChange& change) {
  impl_->on_interest_change(change);
}
bool Mesh::has_unsealed_deliveries() const {
  return impl_->has_unsealed_deliveries();
}
void Mesh::on_batch_sealed(BatchNumber number) {
  impl_->on_batch_sealed(number);
}
void Mesh::on_committed(BatchNumber last) {
  impl_->on_committed(last);
}
void Mesh::on_message_placed(const MessageId& id) {
  impl_->on_message_placed(id);
}
void Mesh::on_access_changed() {
  impl_->on_access_changed();
}
void Mesh::set_local_endpoints(std::vector<Endpoint> endpoints) {
  impl_->set_local_endpoints(std::move(endpoints));
}
void Mesh::set_mapped_endpoints(std::vector<Endpoint> endpoints) {
  impl_->set_mapped_endpoints(std::move(endpoints));
}
void Mesh::set_bootstrap_endpoints(const std::vector<Endpoint>& endpoints) {
  impl_->set_bootstrap_endpoints(endpoints);
}
void Mesh::on_neighbour(std::size_t mesh, const NodeId& peer, const Endpoint& endpoint) {
  impl_->on_neighbour(mesh, peer, endpoint);
}
MeshStatus Mesh::status() const {
  return impl_->status();
}
MeshLoad Mesh::load() const {
  return impl_->load();
}

}  // namespace starling
