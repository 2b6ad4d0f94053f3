// How each MQTT 5 property looks on the wire and which values it may have (2.2.2.2, table 2-4).
// Which packets have it is said by property_fields.hpp.
#pragma once

#include <cstdint>

#include "src/mqtt/reason_code.hpp"

namespace starling::mqtt {

enum class PropertyId : std::uint8_t {
  payload_format_indicator = 1,
  message_expiry_interval = 2,
  content_type = 3,
  response_topic = 8,
  correlation_data = 9,
  subscription_identifier = 11,
  session_expiry_interval = 17,
  assigned_client_identifier = 18,
  server_keep_alive = 19,
  authentication_method = 21,
  authentication_data = 22,
  request_problem_information = 23,
  will_delay_interval = 24,
  request_response_information = 25,
  response_information = 26,
  server_reference = 28,
  reason_string = 31,
  receive_maximum = 33,
  topic_alias_maximum = 34,
  topic_alias = 35,
  maximum_qos = 36,
  retain_available = 37,
  user_property = 38,
  maximum_packet_size = 39,
  wildcard_subscription_available = 40,
  subscription_identifiers_available = 41,
  shared_subscription_available = 42,
};

enum class PropertyType : std::uint8_t {
  byte,
  two_bytes,
  four_bytes,
  variable,  ///< variable byte integer (1.5.5)
  text,
  topic_name,  ///< text that is a topic name
  binary,
  text_pair,
};

struct PropertyRule {
  PropertyId id;
  PropertyType type;
  const char* name;
  std::uint32_t min;  ///< numbers only
  std::uint32_t max;
  ReasonCode out_of_range;  ///< what a number outside is answered with
};

/// nullptr: no property has this id.
const PropertyRule* find_property_rule(std::uint32_t id);

}  // namespace starling::mqtt
