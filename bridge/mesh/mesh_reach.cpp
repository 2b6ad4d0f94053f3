// Mesh: where this node can be dialled. Its addresses are tested by peers before they are announced,
// and it tests theirs.
#include <algorithm>
#include <utility>

#include "bridge/mesh/mesh_impl.hpp"
#include "bridge/wire/write_frame.hpp"

namespace starling {
namespace {

constexpr auto hidden_after = std::chrono::seconds{15};
constexpr auto alone_after = std::chrono::seconds{10};
constexpr std::size_t dial_backs_max = 16;  // under way for others
// Sentences for people, told to whoever asked.
constexpr const char* not_global = "not a global address";
constexpr const char* too_many_tests = "too many tests are under way";
constexpr const char* tried_enough = "it was tried often enough in this hour";

std::string hex_of(const wire::DialNonce& nonce) {
  return to_hex(nonce);
}

std::optional<wire::DialNonce> nonce_of(const std::string& text) {
  const auto bytes = from_hex(text);
  wire::DialNonce nonce{};
  if (!bytes || bytes->size() != nonce.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), nonce.begin());
  return nonce;
}

Dialability dialability_of(const OwnAddresses::Candidate& candidate, const DialTests& tests) {
  if (!candidate.is_tested) return Dialability::assumed;
  switch (tests.verdict(candidate.endpoint)) {
    case DialVerdict::dialable:
      return Dialability::dialable;
    case DialVerdict::undialable:
      return Dialability::undialable;
    case DialVerdict::untested:
      break;
  }
  return tests.is_testing(candidate.endpoint) ? Dialability::testing : Dialability::assumed;
}

}  // namespace

// --- Our own addresses

bool Mesh::Impl::is_alone() const {
  return !testable_since_ && now() - started_at_ >= alone_after;
}

/// Those who would see us as strangers do: not from our own network, and not over a relay.
std::vector<Tester> Mesh::Impl::testers() const {
  std::vector<Tester> list;
  for (const auto& [id, peer] : peers_) {
    if (!peer.flowing || peer.kept == nullptr || peer.kept->path == PathKind::relayed) continue;
    if (peer.kept->remote.is_global()) list.push_back({id, network_of(peer.kept->remote)});
  }
  return list;
}

void Mesh::Impl::review_reach() {
  const std::vector<Tester> available = testers();
  if (available.empty()) {
    testable_since_.reset();
  } else if (!testable_since_) {
    testable_since_ = now();
  }
  std::vector<Endpoint> tested;
  for (const OwnAddresses::Candidate& candidate : addresses_.candidates()) {
    if (candidate.is_tested) tested.push_back(candidate.endpoint);
  }
  dial_tests_.set_candidates(tested, now());
  for (const DialTest& test : dial_tests_.due(available, now())) {
    const Peer& tester = *find_peer(test.tester);
    log_.debug("mesh_dial_back_asked", {{"peer", test.tester}, {"addr", test.endpoint.to_text()}});
    send(*tester.link, wire::DialBack{test.nonce, test.endpoint});
  }
  static_cast<void>(dial_tests_.review(available, now()));
  update_endpoints();
  // Whom nobody can dial nobody should count on in the DHT either.
  rendezvous_.set_passive(!is_dialable());
  // Notes are for those who know that they cannot be dialled.
  const bool is_hidden =
      !is_dialable() && testable_since_ && now() - *testable_since_ >= hidden_after;
  for (const auto& circle : circles_) circle->inbox().set_open(is_hidden);
}

/// What we had there cannot go on; nobody would notice for a while.
void Mesh::Impl::end_links_of_gone_addresses(const std::vector<Endpoint>& before) {
  const auto has = [](const std::vector<Endpoint>& list, const Endpoint& address) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Endpoint& each) { return each.address == address.address; });
  };
  std::vector<LinkId> gone;
  for (const auto& [id, link] : links_) {
    if (has(before, link.local) && !has(settings_.local_endpoints, link.local)) gone.push_back(id);
  }
  for (const LinkId id : gone) close(id, wire::CloseReason::other, "our address there has gone");
}

/// When tests, relays or paths through them are to be looked at again.
TimePoint Mesh::Impl::reach_due() const {
  TimePoint next = testable_since_ ? dial_tests_.next_deadline() : TimePoint::max();
  const bool some_relayed = std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) {
    return entry.second.kept != nullptr && entry.second.kept->path == PathKind::relayed;
  });
  const bool some_places_asked =
      std::any_of(reservations_.begin(), reservations_.end(),
                  [](const auto& entry) { return !entry.second.granted; });
  if (some_relayed || some_places_asked) next = now();
  return next;
}

void Mesh::Impl::update_endpoints() {
  const bool was_dialable = is_dialable();
  std::vector<Endpoint> announced = addresses_.announced(dial_tests_, is_alone());
  const bool changed = announced != announced_;
  announced_ = std::move(announced);
  std::vector<Via> ways = vias();
  if (!changed && ways == vias_) return;
  vias_ = std::move(ways);
  if (changed) {
    std::string text;
    for (const Endpoint& endpoint : announced_)
      text += (text.empty() ? "" : " ") + endpoint.to_text();
    log_.info("mesh_addresses", {{"announced", text}, {"dialable", is_dialable()}});
  }
  if (!running_) return;
  relay_.set_open(settings_.relay == RelayUse::offer && is_dialable());
  for (const auto& circle : circles_) circle->set_reach(announced_, vias_);
  if (!changed || !is_dialable() || was_dialable) return;
  // Others may dial us now: who is reached through a relay is asked to.
  for (auto& [id, about] : acquaintances_) about.direct_not_before = now();
}

/// Where a peer sees us.
void Mesh::Impl::on_observed(const Link& link, const Endpoint& observed) {
  addresses_.on_observed(link.peer, link.remote, observed, now());
  if (link.from_mesh_port)
    nat_.on_observed(link.peer, observed, addresses_.is_of_interface(observed), now());
  review_reach();
}

void Mesh::Impl::on_reach(LinkId id, const wire::DialBackFailed& frame) {
  dial_tests_.on_failed(links_.at(id).peer, frame.nonce, frame.why, now());
  review_reach();
}

/// Somebody who was asked has dialled us, and says the number that proves it.
void Mesh::Impl::on_dialled_back(const NodeId& tester, const std::string& text) {
  const auto nonce = nonce_of(text);
  if (!nonce || !dial_tests_.on_dialled(tester, *nonce, now())) return;
  log_.debug("mesh_dialled_back", {{"peer", tester}});
  review_reach();
}

std::vector<AddressStatus> Mesh::Impl::address_status() const {
  std::vector<AddressStatus> list;
  for (const OwnAddresses::Candidate& candidate : addresses_.candidates()) {
    AddressStatus status;
    status.endpoint = candidate.endpoint;
    status.source = candidate.source;
    status.dialability = dialability_of(candidate, dial_tests_);
    status.announced =
        std::find(announced_.begin(), announced_.end(), candidate.endpoint) != announced_.end();
    if (status.dialability == Dialability::undialable)
      status.why = dial_tests_.why(candidate.endpoint);
    list.push_back(std::move(status));
  }
  return list;
}

NatMapping Mesh::Impl::nat_mapping() const {
  switch (nat_.mapping()) {
    case NatObserver::Mapping::unknown:
      return NatMapping::unknown;
    case NatObserver::Mapping::none:
      return NatMapping::none;
    case NatObserver::Mapping::endpoint_independent:
      return NatMapping::endpoint_independent;
    case NatObserver::Mapping::endpoint_dependent:
      return NatMapping::endpoint_dependent;
  }
  return NatMapping::unknown;
}

// --- Testing the addresses of others

void Mesh::Impl::on_reach(LinkId id, const wire::DialBack& frame) {
  const Link& link = links_.at(id);
  const auto under_way = std::count_if(
      undertakings_.begin(), undertakings_.end(),
      [](const auto& entry) { return entry.second.kind == Undertaking::Kind::dial_back; });
  const char* why_not = nullptr;
  if (!frame.endpoint.is_global()) {
    why_not = not_global;
  } else if (static_cast<std::size_t>(under_way) >= dial_backs_max) {
    why_not = too_many_tests;
  } else if (!book_.may_dial_unproven(frame.endpoint, now())) {
    why_not = tried_enough;
  }
  if (why_not != nullptr) {
    send(id, wire::DialBackFailed{frame.nonce, why_not});
    return;
  }
  Undertaking test;
  test.kind = Undertaking::Kind::dial_back;
  test.peer = link.peer;
  test.endpoint = frame.endpoint;
  test.nonce = frame.nonce;
  test.asked_over = id;
  undertake(std::move(test));
}

/// The node that asked has answered at its address: the number is said there, and that is all.
void Mesh::Impl::finish_dial_back(LinkId id, const Undertaking& done) {
  book_.on_dial_succeeded(done.endpoint);
  wire::write_frame(wire::Bye{wire::CloseReason::dialled_back, hex_of(done.nonce)},
                    host_.link_output(id));
  host_.flush_link(id);
  host_.close_link(id);
}

}  // namespace starling
