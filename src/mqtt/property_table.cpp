#include "src/mqtt/property_table.hpp"

#include <array>

namespace starling::mqtt {
namespace {

constexpr std::uint32_t any = 0xFFFF'FFFF;
constexpr std::uint32_t variable_max = 268'435'455;
constexpr auto wrong = ReasonCode::protocol_error;
constexpr std::size_t ids_end = 43;

using Id = PropertyId;
using Type = PropertyType;

// One-byte properties are switches or, for the maximum QoS, 0 or 1; the payload format indicator is
// the application's, and goes through unaltered whatever it says [MQTT5-3.3.2-4]. Where 0 is not in
// the range the standard calls it a Protocol Error; a topic alias of 0 has a reason code of its own
// (3.3.2.3.4).
constexpr std::array rules{
    PropertyRule{Id::payload_format_indicator, Type::byte, "payload format indicator", 0, any,
                 wrong},
    PropertyRule{Id::message_expiry_interval, Type::four_bytes, "message expiry interval", 0, any,
                 wrong},
    PropertyRule{Id::content_type, Type::text, "content type", 0, 0, wrong},
    PropertyRule{Id::response_topic, Type::topic_name, "response topic", 0, 0, wrong},
    PropertyRule{Id::correlation_data, Type::binary, "correlation data", 0, 0, wrong},
    PropertyRule{Id::subscription_identifier, Type::variable, "subscription identifier", 1,
                 variable_max, wrong},
    PropertyRule{Id::session_expiry_interval, Type::four_bytes, "session expiry interval", 0, any,
                 wrong},
    PropertyRule{Id::assigned_client_identifier, Type::text, "assigned client identifier", 0, 0,
                 wrong},
    PropertyRule{Id::server_keep_alive, Type::two_bytes, "server keep alive", 0, any, wrong},
    PropertyRule{Id::authentication_method, Type::text, "authentication method", 0, 0, wrong},
    PropertyRule{Id::authentication_data, Type::binary, "authentication data", 0, 0, wrong},
    PropertyRule{Id::request_problem_information, Type::byte, "request problem information", 0, 1,
                 wrong},
    PropertyRule{Id::will_delay_interval, Type::four_bytes, "will delay interval", 0, any, wrong},
    PropertyRule{Id::request_response_information, Type::byte, "request response information", 0, 1,
                 wrong},
    PropertyRule{Id::response_information, Type::text, "response information", 0, 0, wrong},
    PropertyRule{Id::server_reference, Type::text, "server reference", 0, 0, wrong},
    PropertyRule{Id::reason_string, Type::text, "reason string", 0, 0, wrong},
    PropertyRule{Id::receive_maximum, Type::two_bytes, "receive maximum", 1, any, wrong},
    PropertyRule{Id::topic_alias_maximum, Type::two_bytes, "topic alias maximum", 0, any, wrong},
    PropertyRule{Id::topic_alias, Type::two_bytes, "topic alias", 1, any,
                 ReasonCode::topic_alias_invalid},
    PropertyRule{Id::maximum_qos, Type::byte, "maximum QoS", 0, 1, wrong},
    PropertyRule{Id::retain_available, Type::byte, "retain available", 0, 1, wrong},
    PropertyRule{Id::user_property, Type::text_pair, "user property", 0, 0, wrong},
    PropertyRule{Id::maximum_packet_size, Type::four_bytes, "maximum packet size", 1, any, wrong},
    PropertyRule{Id::wildcard_subscription_available, Type::byte, "wildcard subscription available",
                 0, 1, wrong},
    PropertyRule{Id::subscription_identifiers_available, Type::byte,
                 "subscription identifiers available", 0, 1, wrong},
    PropertyRule{Id::shared_subscription_available, Type::byte, "shared subscription available", 0,
                 1, wrong},
};

constexpr std::uint8_t none = 0xFF;
constexpr auto row_by_id = [] {
  std::array<std::uint8_t, ids_end> rows{};
  rows.fill(none);
  for (std::size_t i = 0; i < rules.size(); ++i)
    rows[static_cast<std::size_t>(rules[i].id)] = static_cast<std::uint8_t>(i);
  return rows;
}();

}  // namespace

const PropertyRule* find_property_rule(std::uint32_t id) {
  if (id >= ids_end || row_by_id[id] == none) return nullptr;
  return &rules[row_by_id[id]];
}

}  // namespace starling::mqtt
