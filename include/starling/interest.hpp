// Interest: what the clients of one node want, as rooms and nodes tell each other.
#pragma once

#include <string>

#include "starling/publication.hpp"
#include "starling/topic.hpp"

namespace starling {

/// One filter that at least one client of a node has subscribed to.
struct Interest {
  TopicFilter filter;
  std::string share_group;          ///< empty: an ordinary subscription
  QoS qos_max = QoS::at_most_once;  ///< the greatest any of its subscribers asked for
  bool durable = false;             ///< a session that outlives its connection stands behind it

  friend bool operator==(const Interest&, const Interest&) = default;
};

/// The first subscriber of (filter, share group) came, its greatest QoS or durability changed, or
/// the last one left. Never sent once per client.
struct InterestChange {
  Interest interest;
  bool wanted = true;  ///< false: nobody wants it any more; qos_max and durable mean nothing then
};

}  // namespace starling
