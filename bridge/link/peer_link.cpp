#include "bridge/link/peer_link.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "starling/check.hpp"

#include "bridge/wire/read_frame.hpp"

namespace starling {
namespace {

bool is_dialable(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.is_unspecified();
}

std::vector<Endpoint> told(std::span<const Endpoint> endpoints) {
  std::vector<Endpoint> chosen;
  for (const Endpoint& endpoint : endpoints)
    if (is_dialable(endpoint) && chosen.size() < limits::told_endpoints_max)
      chosen.push_back(endpoint);
  return chosen;
}

/// At most `size_max` bytes of a text for people, without half a character at its end; nothing if
/// it is no text.
std::string cut_text(std::string_view text, std::size_t size_max) {
  text = text.substr(0, size_max);
  for (int i = 0; i < 3 && !is_mqtt_text(text); ++i) text.remove_suffix(1);
  return is_mqtt_text(text) ? std::string(text) : std::string();
}

constexpr auto relayed_heartbeat_interval = std::chrono::seconds{2};
constexpr auto relayed_lost_after = std::chrono::seconds{8};
constexpr auto drain_max = std::chrono::seconds{3};  // for what was under way on a superseded link

ChannelIdentity channel_of(const NodeId& self, const LinkOpening& opening) {
  const bool we_dialled = opening.role == LinkRole::dialler;
  return {opening.secret, we_dialled ? self : opening.peer, we_dialled ? opening.peer : self};
}

/// Rounded up, so that what has a moment left does not arrive as expired.
std::optional<std::chrono::milliseconds> in_milliseconds(const std::optional<Duration>& left) {
  if (!left) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*left);
}

}  // namespace

PeerLink::PeerLink(const PeerLinkSettings& settings, LinkOpening opening, TimePoint now)
    : settings_(&settings),
      opening_(std::move(opening)),
      channel_(channel_of(settings.self, opening_)),
      opened_at_(now),
      last_heard_(now),
      receiving_{ReceivingLane(settings.best_effort_messages, settings.best_effort_bytes),
                 ReceivingLane(settings.lane_messages, settings.lane_bytes)},
      topics_{KeptTopicNumbers(settings.topic_numbers), KeptTopicNumbers(settings.topic_numbers)},
      last_ping_(now) {
  STARLING_CHECK(settings.meshes.size() <= limits::link_meshes_max);
  STARLING_CHECK(settings.frame_max >= limits::link_frame_max);
}

void PeerLink::start(LinkEvents& events, OutputBuffer& out) {
  STARLING_CHECK(phase_ == Phase::created);
  phase_ = Phase::awaits_hello;
  if (opening_.expected && *opening_.expected != peer())
    return fail(
        {wire::CloseReason::bad_identity,
         {Errc::bad_identity, "dialled " + opening_.expected->to_short_text() + " and reached "
                                  + peer().to_short_text() + " [MESH-2.1-4]"}},
        events, out);
  if (peer() == settings_->self)
    return fail({wire::CloseReason::bad_identity,
                 {Errc::bad_identity, "the link leads back to this node [MESH-2.1-4]"}},
                events, out);

  wire::Hello hello;
  hello.software = cut_text(settings_->software, limits::link_software_max);
  hello.node = settings_->self;
  hello.epoch = settings_->epoch;
  for (const crypto::Key& member_key : settings_->meshes)
    hello.meshes.push_back(mesh_tag(member_key, channel_, role()));
  hello.endpoints = told(opening_.endpoints);
  if (is_dialable(opening_.remote)) hello.observed = opening_.remote;
  hello.frame_max = settings_->frame_max;
  hello.windows = {
      {wire::Lane::best_effort, settings_->best_effort_messages, settings_->best_effort_bytes},
      {wire::Lane::guaranteed, settings_->lane_messages, settings_->lane_bytes}};
  hello.ordinal = opening_.ordinal;
  hello.holds_other = opening_.holds_other;
  hello.topic_numbers = settings_->topic_numbers;
  hello.offers_relay = settings_->offers_relay;
  wire::write_frame(hello, out);
}

// --- Time.

std::optional<TimePoint> PeerLink::next_deadline() const {
  switch (phase_) {
    case Phase::created:
    case Phase::ended:
      return std::nullopt;
    case Phase::awaits_hello:
    case Phase::awaits_proof:
      return opened_at_ + limits::link_handshake_timeout;
    case Phase::draining:
      return drains_until_;
    case Phase::ready:
      break;
  }
  return std::min(last_ping_ + heartbeat_interval(), last_heard_ + lost_after());
}

void PeerLink::on_timer(TimePoint now, LinkEvents& events, OutputBuffer& out) {
  const auto due = next_deadline();
  if (!due || now < *due) return;
  if (is_draining()) {
    end();
    events.emplace_back(LinkClosed{wire::CloseReason::duplicate_link, ""});
    return;
  }
  if (phase_ != Phase::ready)
    return fail({wire::CloseReason::timeout,
                 {Errc::unreachable, std::string("no ")
                                         + (phase_ == Phase::awaits_hello ? "hello" : "proof")
                                         + " within 10 s [MESH-4.3-1]"}},
                events, out);
  if (now >= last_heard_ + lost_after())
    return fail(
        {wire::CloseReason::timeout,
         {Errc::unreachable, is_relayed() ? "nothing heard through the relay for 8 s [MESH-7.1-4]"
                                          : "nothing heard for 15 s [MESH-7.1-2]"}},
        events, out);
  send_ping(now, out);
}

Duration PeerLink::heartbeat_interval() const {
  return is_relayed() ? Duration{relayed_heartbeat_interval} : Duration{limits::heartbeat_interval};
}

Duration PeerLink::lost_after() const {
  return is_relayed() ? Duration{relayed_lost_after} : Duration{limits::heartbeat_lost_after};
}

Duration PeerLink::unanswered_for(TimePoint now) const {
  return unanswered_since_ ? now - *unanswered_since_ : Duration{};
}

void PeerLink::send_ping(TimePoint now, OutputBuffer& out) {
  last_ping_ = now;
  if (!unanswered_since_) unanswered_since_ = now;
  wire::write_frame(wire::Ping{++ping_stamp_}, out);
}

// --- Publications.

bool PeerLink::can_send(wire::Lane lane) const {
  return is_ready() && sending_[index_of(lane)].has_credit();
}

SendResult PeerLink::send(const OutgoingPublication& outgoing, OutputBuffer& out) {
  if (!is_ready()) return {SendOutcome::not_linked, 0};
  STARLING_CHECK(shares(outgoing.mesh));
  if (outgoing.expires_in && *outgoing.expires_in <= Duration::zero())
    return {SendOutcome::expired, 0};
  const Publication& message = outgoing.message;
  const std::size_t size_max = message.payload.size() + outgoing.topic.text().size()
                               + wire::properties_size_max(message.properties.get())
                               + wire::entry_overhead_max + wire::batch_overhead_max;
  if (size_max > std::min(frame_max_theirs_, limits::publication_frame_max))
    return {SendOutcome::too_large, 0};
  SendingLane& to = sending(wire::lane_of(outgoing.qos));
  if (!to.has_credit()) return {SendOutcome::no_credit, 0};
  ++counters_.sent;
  const auto mesh = static_cast<std::uint32_t>(outgoing.mesh);
  const SendingLane::Message entry{
      outgoing.topic, mesh, outgoing.qos, outgoing.hops, in_milliseconds(outgoing.expires_in),
      message};
  return {SendOutcome::sent, to.add(entry, floor_of(outgoing.qos), settings_->self, out)};
}

void PeerLink::set_floor(const std::optional<MessageId>& floor) {
  floor_ = floor;
}

void PeerLink::flush(OutputBuffer& out) {
  if (!is_ready()) return;
  sending(wire::Lane::guaranteed).flush(floor_, settings_->self, out);
  sending(wire::Lane::best_effort).flush({}, settings_->self, out);
}

void PeerLink::acknowledge(std::uint64_t number, OutputBuffer& out) {
  if (!is_ready() || !receiving(wire::Lane::guaranteed).release(number)) return;
  wire::write_frame(wire::Acknowledgement{wire::Lane::guaranteed, number}, out);
  grant_credit(wire::Lane::guaranteed, out);
}

void PeerLink::hold_credit(wire::Lane lane, bool held, OutputBuffer& out) {
  if (!is_ready()) return;
  receiving(lane).hold(held);
  grant_credit(lane, out);
}

void PeerLink::grant_credit(wire::Lane lane, OutputBuffer& out) {
  if (const auto credit = receiving(lane).take_credit(lane)) wire::write_frame(*credit, out);
}

std::uint64_t PeerLink::under_way() const {
  return sending_[index_of(wire::Lane::guaranteed)].under_way();
}

// --- Interests, members, requests.

void PeerLink::send_interests(std::size_t mesh, std::span<const Interest> interests,
                              OutputBuffer& out) {
  if (!is_ready()) return;
  STARLING_CHECK(shares(mesh));
  write_interests(mesh, interests, true, out);
}

void PeerLink::send_interest_changes(std::size_t mesh, std::span<const InterestChange> changes,
                                     OutputBuffer& out) {
  if (!is_ready()) return;
  STARLING_CHECK(interests_sequence_.contains(mesh));
  if (!changes.empty()) write_interests(mesh, changes, false, out);
}

namespace {

InterestChange as_change(const Interest& interest) {
  return {interest, true};
}
const InterestChange& as_change(const InterestChange& change) {
  return change;
}

}  // namespace

template <class Change>
void PeerLink::write_interests(std::size_t mesh, std::span<const Change> interests, bool is_set,
                               OutputBuffer& out) {
  using wire::InterestsPart;
  constexpr std::size_t entry_overhead_max = 16;  // bytes beside the two texts
  wire::Interests frame;
  frame.mesh = static_cast<std::uint32_t>(mesh);
  std::size_t frame_bytes = 0;
  const auto write = [&](InterestsPart part) {
    frame.part = part;
    frame.sequence = ++interests_sequence_[mesh];
    wire::write_frame(frame, out);
    frame.changes.clear();
    frame_bytes = 0;
  };
  for (const Change& one : interests) {
    const InterestChange& change = as_change(one);
    const std::size_t bytes = change.interest.filter.text().size()
                              + change.interest.share_group.size() + entry_overhead_max;
    if (frame.changes.size() == limits::frame_interests_max
        || (frame_bytes > 0 && frame_bytes + bytes > limits::link_batch_bytes))
      write(is_set ? InterestsPart::set_more : InterestsPart::change);
    frame.changes.push_back(change);
    frame_bytes += bytes;
  }
  write(is_set ? InterestsPart::set_last : InterestsPart::change);
}

void PeerLink::send_dial_me(std::size_t mesh, const NodeId& asked, const NodeId& asker,
                            std::span<const Endpoint> endpoints, OutputBuffer& out) {
  if (!is_ready()) return;
  STARLING_CHECK(shares(mesh));
  wire::write_frame(wire::DialMe{static_cast<std::uint32_t>(mesh), asked, asker, told(endpoints)},
                    out);
}

void PeerLink::send_peers(std::size_t mesh, std::span<const wire::Peers::Entry> peers,
                          OutputBuffer& out) {
  if (!is_ready()) return;
  STARLING_CHECK(shares(mesh));
  while (!peers.empty()) {
    wire::Peers frame;
    frame.mesh = static_cast<std::uint32_t>(mesh);
    const auto part = peers.first(std::min(peers.size(), limits::frame_peers_max));
    for (const wire::Peers::Entry& entry : part)
      frame.entries.push_back({entry.node, told(entry.endpoints), entry.linked});
    wire::write_frame(frame, out);
    peers = peers.subspan(part.size());
  }
}

void PeerLink::send_reach(const wire::ReachFrame& frame, OutputBuffer& out) {
  if (!is_ready()) return;
  std::visit([&](const auto& kind) { wire::write_frame(kind, out); }, frame);
}

bool PeerLink::shares(std::size_t mesh) const {
  return std::find(shared_.begin(), shared_.end(), mesh) != shared_.end();
}

LinkStanding PeerLink::standing() const {
  const LinkSide ours{settings_->self, settings_->epoch, opening_.ordinal, opening_.holds_other};
  return role() == LinkRole::dialler ? LinkStanding{ours, theirs_, opening_.relayed}
                                     : LinkStanding{theirs_, ours, opening_.relayed};
}

// --- The end.

void PeerLink::supersede(TimePoint now, OutputBuffer& out) {
  if (!is_ready()) return;
  flush(out);
  write_bye(wire::CloseReason::duplicate_link, "another link stays", out);
  phase_ = Phase::draining;
  drains_until_ = now + drain_max;
}

void PeerLink::close(wire::CloseReason reason, std::string_view text, OutputBuffer& out) {
  if (phase_ == Phase::ended) return;
  flush(out);
  if (phase_ != Phase::created && !is_draining()) write_bye(reason, text, out);
  end();
}

void PeerLink::fail(Trouble trouble, LinkEvents& events, OutputBuffer& out) {
  if (!is_draining()) write_bye(trouble.reason, trouble.error.what, out);
  end();
  events.emplace_back(LinkFailed{std::move(trouble.error), trouble.reason});
}

void PeerLink::write_bye(wire::CloseReason reason, std::string_view text, OutputBuffer& out) {
  wire::write_frame(wire::Bye{reason, cut_text(text, limits::link_reason_text_max)}, out);
}

void PeerLink::end() {
  phase_ = Phase::ended;
  sending_ = {SendingLane(wire::Lane::best_effort), SendingLane(wire::Lane::guaranteed)};
  topics_ = {KeptTopicNumbers(0), KeptTopicNumbers(0)};
  intake_ = InterestIntake();
}

}  // namespace starling
