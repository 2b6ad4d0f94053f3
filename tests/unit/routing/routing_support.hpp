// Peers and interests by short names.
#pragma once

#include <string>
#include <string_view>

#include "starling/ids.hpp"
#include "starling/interest.hpp"

#include "tests/support/naive_topic.hpp"

namespace starling::test {

inline NodeId peer(std::uint8_t number) {
  NodeId id;
  id.bytes[0] = number;
  id.bytes[31] = 1;
  return id;
}
inline Interest interest(std::string_view text, QoS qos = QoS::at_most_once, bool durable = false,
                         std::string group = "") {
  return Interest{filter(text), std::move(group), qos, durable};
}
inline Interest shared(std::string_view text, std::string group, QoS qos = QoS::at_most_once) {
  return interest(text, qos, false, std::move(group));
}

}  // namespace starling::test
