// Ends the process where a test wants it to end, in builds for tests.
#pragma once

#include <functional>
#include <string_view>

namespace starling {

/// From the environment: STARLING_FAULT="after_apply:17" kills the process (SIGKILL) when the point
/// of that name is passed for the 17th time. Null where nothing is set, and in builds without
/// STARLING_FAULT_POINTS. May be called on any one thread. Throws std::runtime_error for a text that
/// is not of this form.
std::function<void(std::string_view point)> fault_from_environment();

}  // namespace starling
