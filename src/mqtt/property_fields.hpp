// Which properties each packet has (2.2.2.2, table 2-4), in the order in which we write them, and
// the member each is kept in. Whether one may repeat follows from the member: vectors may,
// optionals not.
#pragma once

#include "src/mqtt/packet.hpp"
#include "src/mqtt/property_table.hpp"

namespace starling::mqtt {

template <PropertyId Id, auto Member>
struct PropertyField {
  static constexpr PropertyId id = Id;
  template <class Properties>
  static auto& of(Properties& properties) {
    return properties.*Member;
  }
};

template <class... Fields>
struct PropertyFieldList {
  /// visit(field) for each, in order.
  template <class Visit>
  static void for_each(Visit&& visit) {
    (visit(Fields{}), ...);
  }
  /// visit(field) for the one with this id; false if there is none.
  template <class Visit>
  static bool visit(PropertyId id, Visit&& visit) {
    return ((Fields::id == id && (visit(Fields{}), true)) || ...);
  }
};

template <class Properties>
struct PropertyFields;

template <>
struct PropertyFields<ConnectProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::session_expiry_interval,
                        &ConnectProperties::session_expiry_interval_s>,
          PropertyField<PropertyId::receive_maximum, &ConnectProperties::receive_maximum>,
          PropertyField<PropertyId::maximum_packet_size, &ConnectProperties::maximum_packet_size>,
          PropertyField<PropertyId::topic_alias_maximum, &ConnectProperties::topic_alias_maximum>,
          PropertyField<PropertyId::request_response_information,
                        &ConnectProperties::request_response_information>,
          PropertyField<PropertyId::request_problem_information,
                        &ConnectProperties::request_problem_information>,
          PropertyField<PropertyId::authentication_method,
                        &ConnectProperties::authentication_method>,
          PropertyField<PropertyId::authentication_data, &ConnectProperties::authentication_data>,
          PropertyField<PropertyId::user_property, &ConnectProperties::user_properties>> {};

template <>
struct PropertyFields<WillProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::will_delay_interval, &WillProperties::will_delay_interval_s>,
          PropertyField<PropertyId::payload_format_indicator,
                        &WillProperties::payload_format_indicator>,
          PropertyField<PropertyId::message_expiry_interval,
                        &WillProperties::message_expiry_interval_s>,
          PropertyField<PropertyId::content_type, &WillProperties::content_type>,
          PropertyField<PropertyId::response_topic, &WillProperties::response_topic>,
          PropertyField<PropertyId::correlation_data, &WillProperties::correlation_data>,
          PropertyField<PropertyId::user_property, &WillProperties::user_properties>> {};

// In the order in which Mosquitto writes them: test suites compare this packet byte for byte.
template <>
struct PropertyFields<ConnackProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::topic_alias_maximum, &ConnackProperties::topic_alias_maximum>,
          PropertyField<PropertyId::server_keep_alive, &ConnackProperties::server_keep_alive_s>,
          PropertyField<PropertyId::assigned_client_identifier,
                        &ConnackProperties::assigned_client_identifier>,
          PropertyField<PropertyId::authentication_method,
                        &ConnackProperties::authentication_method>,
          PropertyField<PropertyId::authentication_data, &ConnackProperties::authentication_data>,
          PropertyField<PropertyId::session_expiry_interval,
                        &ConnackProperties::session_expiry_interval_s>,
          PropertyField<PropertyId::retain_available, &ConnackProperties::retain_available>,
          PropertyField<PropertyId::maximum_packet_size, &ConnackProperties::maximum_packet_size>,
          PropertyField<PropertyId::receive_maximum, &ConnackProperties::receive_maximum>,
          PropertyField<PropertyId::maximum_qos, &ConnackProperties::maximum_qos>,
          PropertyField<PropertyId::wildcard_subscription_available,
                        &ConnackProperties::wildcard_subscription_available>,
          PropertyField<PropertyId::subscription_identifiers_available,
                        &ConnackProperties::subscription_identifiers_available>,
          PropertyField<PropertyId::shared_subscription_available,
                        &ConnackProperties::shared_subscription_available>,
          PropertyField<PropertyId::response_information, &ConnackProperties::response_information>,
          PropertyField<PropertyId::server_reference, &ConnackProperties::server_reference>,
          PropertyField<PropertyId::reason_string, &ConnackProperties::reason_string>,
          PropertyField<PropertyId::user_property, &ConnackProperties::user_properties>> {};

template <>
struct PropertyFields<PublishProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::payload_format_indicator,
                        &PublishProperties::payload_format_indicator>,
          PropertyField<PropertyId::message_expiry_interval,
                        &PublishProperties::message_expiry_interval_s>,
          PropertyField<PropertyId::topic_alias, &PublishProperties::topic_alias>,
          PropertyField<PropertyId::response_topic, &PublishProperties::response_topic>,
          PropertyField<PropertyId::correlation_data, &PublishProperties::correlation_data>,
          PropertyField<PropertyId::subscription_identifier,
                        &PublishProperties::subscription_identifiers>,
          PropertyField<PropertyId::content_type, &PublishProperties::content_type>,
          PropertyField<PropertyId::user_property, &PublishProperties::user_properties>> {};

template <>
struct PropertyFields<AckProperties>
    : PropertyFieldList<PropertyField<PropertyId::reason_string, &AckProperties::reason_string>,
                        PropertyField<PropertyId::user_property, &AckProperties::user_properties>> {
};

template <>
struct PropertyFields<SubscribeProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::subscription_identifier,
                        &SubscribeProperties::subscription_identifier>,
          PropertyField<PropertyId::user_property, &SubscribeProperties::user_properties>> {};

template <>
struct PropertyFields<UnsubscribeProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::user_property, &UnsubscribeProperties::user_properties>> {};

template <>
struct PropertyFields<DisconnectProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::session_expiry_interval,
                        &DisconnectProperties::session_expiry_interval_s>,
          PropertyField<PropertyId::reason_string, &DisconnectProperties::reason_string>,
          PropertyField<PropertyId::server_reference, &DisconnectProperties::server_reference>,
          PropertyField<PropertyId::user_property, &DisconnectProperties::user_properties>> {};

template <>
struct PropertyFields<AuthProperties>
    : PropertyFieldList<
          PropertyField<PropertyId::authentication_method, &AuthProperties::authentication_method>,
          PropertyField<PropertyId::authentication_data, &AuthProperties::authentication_data>,
          PropertyField<PropertyId::reason_string, &AuthProperties::reason_string>,
          PropertyField<PropertyId::user_property, &AuthProperties::user_properties>> {};

}  // namespace starling::mqtt
