#include "src/config/state_dir.hpp"

#include <cstdlib>
#include <unistd.h>

namespace starling::config {

std::string default_state_dir() {
  if (::geteuid() == 0) return system_state_dir;
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state)
    return std::string(state) + "/starling";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.local/state/starling";
}

}  // namespace starling::config
