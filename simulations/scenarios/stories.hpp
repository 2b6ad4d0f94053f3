// The stories that the simulator brings along (stories/*.toml), by name.
#pragma once

#include <string_view>
#include <vector>

namespace starling::sim {

struct Story {
  std::string_view name;
  std::string_view text;  ///< TOML
};

/// Ordered by name.
const std::vector<Story>& all_stories();
/// Null: there is none.
const Story* find_story(std::string_view name);

}  // namespace starling::sim
