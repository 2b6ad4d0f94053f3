// What `starling doctor` can find out without a daemon: the configuration, whether its ports are
// free, the key, the disk, the clock.
#pragma once

#include <vector>

#include "src/cli/node_place.hpp"
#include "src/control/finding.hpp"

namespace starling::cli {

/// Reads well, or what is wrong with it.
control::Finding check_config(const NodePlace& place);

/// Binds each listener's port, and that of the mesh, for a moment. Only while the daemon is not running.
control::Finding check_ports_are_free(const NodePlace& place);

/// What is known about a daemon that cannot be asked; `why`: as control_client says it.
control::Finding check_no_daemon(const NodePlace& place, const std::string& why);

/// Everything while there is no daemon: `why` says so. Takes up to some seconds where the disk is
/// slow.
std::vector<control::Finding> check_without_daemon(const NodePlace& place, const std::string& why);

}  // namespace starling::cli
