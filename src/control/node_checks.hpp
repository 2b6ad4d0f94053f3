// What follows from a node's status. Pure: everything is in the NodeStatus.
#pragma once

#include <vector>

#include "src/control/finding.hpp"
#include "src/control/node_status.hpp"

namespace starling::control {

Finding check_daemon(const NodeStatus& status);
Finding check_config(const NodeStatus& status);
Finding check_listeners(const NodeStatus& status);
Finding check_auth(const NodeStatus& status);
Finding check_nat_mapping(const NodeStatus& status);
Finding check_port_open(const NodeStatus& status);
Finding check_ipv6(const NodeStatus& status);
Finding check_dht(const NodeStatus& status);
Finding check_mesh(const NodeStatus& status);

/// All of them, in order.
std::vector<Finding> check_node(const NodeStatus& status);
/// Those whose warnings are worth a line of every status: whether it works, not how it was meant.
std::vector<Finding> check_health(const NodeStatus& status);

}  // namespace starling::control
