// SUBSCRIBE and UNSUBSCRIBE: what clients want, and what the mesh is told of it.
#include <algorithm>
#include <utility>

#include "src/broker/broker.hpp"
#include "src/session/topic_mount.hpp"

namespace starling {

using mqtt::ReasonCode;

namespace {

/// The Subscription Options byte (3.8.3.1).
std::uint8_t options_byte(const mqtt::Subscription& asked, QoS granted) {
  unsigned byte = static_cast<unsigned>(granted);
  if (asked.no_local) byte |= 1U << 2U;
  if (asked.retain_as_published) byte |= 1U << 3U;
  byte |= static_cast<unsigned>(asked.retain_handling) << 4U;
  return static_cast<std::uint8_t>(byte);
}

std::size_t levels_of(const TopicFilter& filter) {
  return static_cast<std::size_t>(std::ranges::count(filter.text(), '/')) + 1;
}

/// A subscription as this broker knows it: the filter behind the mount point of its client.
std::optional<SubscriptionId> parse_subscription(std::string_view text, std::string_view mount) {
  auto parsed = SubscriptionName::parse(text);
  if (!parsed) return std::nullopt;
  if (mount.empty())
    return SubscriptionId{std::move(parsed->filter), std::move(parsed->share_group)};
  auto filter = TopicFilter::parse(mounted(mount, parsed->filter.text()));
  if (!filter) return std::nullopt;
  return SubscriptionId{*std::move(filter), std::move(parsed->share_group)};
}

/// The way back, without the mount point taken off again: for the store.
std::string text_of(const SubscriptionId& id) {
  if (id.share_group.empty()) return std::string(id.filter.text());
  return "$share/" + id.share_group + '/' + std::string(id.filter.text());
}

ReasonCode granted(QoS qos) {
  return static_cast<ReasonCode>(qos);
}

}  // namespace

void Broker::on_subscribe(Connection& connection, const mqtt::Subscribe& packet) {
  Acknowledgement suback;
  suback.kind = Acknowledgement::Kind::suback;
  suback.packet_id = packet.packet_id;
  suback.reasons.reserve(packet.subscriptions.size());
  const std::uint32_t identifier = packet.properties.subscription_identifier.value_or(0);
  ++connection.subacks_owed;
  for (const mqtt::Subscription& asked : packet.subscriptions)  // [MQTT-3.8.4-4] [MQTT5-3.8.4-5]
    suback.reasons.push_back(static_cast<std::uint8_t>(subscribe(connection, asked, identifier)));
  promise(connection, suback, rests_on(*connection.session));
}

ReasonCode Broker::subscribe(Connection& connection, const mqtt::Subscription& asked,
                             std::uint32_t identifier) {
  LocalSession& session = *connection.session;
  const auto parsed = parse_subscription(asked.filter, session.machine.mount());
  if (!parsed || levels_of(parsed->filter) > settings_.topic_levels_max)
    return ReasonCode::topic_filter_invalid;
  const SubscriptionId& id = *parsed;
  const QoS qos = lower(asked.qos, static_cast<QoS>(connection.qos_max));  // [MQTT5-3.2.2-10]
  const SubscriptionOptions options{identifier & subscription_identifier_max, qos, asked.no_local,
                                    asked.retain_as_published};

  if (session.stored != 0 && store_fails()) return ReasonCode::quota_exceeded;
  const bool is_new = !subscriptions_.contains(session, id);
  if (is_new && session.subscriptions.size() >= settings_.subscriptions_max)
    return ReasonCode::quota_exceeded;
  put_subscription(session, id, options);
  journal(session,
          SubscriptionSaved{session.stored, {text_of(id), options_byte(asked, qos), identifier}});
  if (log_.wants(LogLevel::debug))
    log_.debug("client_subscribed", {{"client", session.client_id()},
                                     {"filter", asked.filter},
                                     {"qos", static_cast<int>(qos)}});

  const bool wants_retained =
      id.share_group.empty() &&  // (4.8.2): a shared subscription brings none
      (asked.retain_handling == mqtt::RetainHandling::send
       || (asked.retain_handling == mqtt::RetainHandling::send_if_new && is_new));
  if (wants_retained) {  // [MQTT-3.3.1-6] [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]
    // There can be none for a new one. (With a thousand filters in each SUBSCRIBE a third of the
    // work was to look for them.)
    if (!is_new) stop_replay(session, id.filter);
    if (!retained_.empty())
      session.replays.push_back(
          {id.filter, options.qos, options.no_local, identifier, connection.subacks_owed, nullptr});
  }
  return granted(options.qos);
}

void Broker::put_subscription(LocalSession& session, const SubscriptionId& id,
                              const SubscriptionOptions& options) {
  const std::size_t before = session.subscriptions.size();
  const auto change = subscriptions_.put(session, id, options);
  if (session.subscriptions.size() > before) {
    ++counters_.subscriptions;
    if (!id.share_group.empty()) ++counters_.shared_subscriptions;
  }
  tell(change);
}

void Broker::on_unsubscribe(Connection& connection, const mqtt::Unsubscribe& packet) {
  LocalSession& session = *connection.session;
  Acknowledgement unsuback;
  unsuback.kind = Acknowledgement::Kind::unsuback;
  unsuback.packet_id = packet.packet_id;
  unsuback.reasons.reserve(packet.filters.size());
  for (const std::string_view filter : packet.filters) {
    const bool existed = unsubscribe(session, filter);
    unsuback.reasons.push_back(static_cast<std::uint8_t>(
        existed ? ReasonCode::success : ReasonCode::no_subscription_existed));
  }
  promise(connection, unsuback, rests_on(session));
}

bool Broker::unsubscribe(LocalSession& session, std::string_view filter) {
  const auto parsed = parse_subscription(filter, session.machine.mount());
  if (!parsed) return false;
  if (!subscriptions_.contains(session, *parsed)) return false;  // [MQTT-3.10.4-1] [MQTT5-3.10.4-1]
  --counters_.subscriptions;
  if (!parsed->share_group.empty()) --counters_.shared_subscriptions;
  tell(subscriptions_.remove(session, *parsed));
  if (parsed->share_group.empty()) stop_replay(session, parsed->filter);
  journal(session, SubscriptionErased{session.stored, text_of(*parsed)});
  if (log_.wants(LogLevel::debug))
    log_.debug("client_unsubscribed", {{"client", session.client_id()}, {"filter", filter}});
  return true;
}

void Broker::drop_subscriptions(LocalSession& session, std::size_t count_max) {
  const SessionSubscriptions& own = session.subscriptions;
  counters_.subscriptions -= static_cast<std::int64_t>(own.size());
  counters_.shared_subscriptions -= static_cast<std::int64_t>(own.groups.size());
  subscriptions_.remove_some(session, count_max, [this](const auto& change) { tell(change); });
  counters_.subscriptions += static_cast<std::int64_t>(own.size());
  counters_.shared_subscriptions += static_cast<std::int64_t>(own.groups.size());
}

void Broker::shed_subscriptions(ConnectionId id, std::size_t count) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->session == nullptr) return;
  // Nobody asks for what the rest brought.
  connection->session->replays.clear();
  drop_subscriptions(*connection->session, count);
}

void Broker::stop_replay(LocalSession& session, const TopicFilter& filter) {
  session.replays.extract(
      [&filter](const RetainedReplay& replayed) { return replayed.filter == filter; });
}

void Broker::tell(const std::optional<InterestChange>& change) {
  if (change) host_.on_interest_change(*change);
}

}  // namespace starling
