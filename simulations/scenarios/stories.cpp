#include "simulations/scenarios/stories.hpp"

#include <algorithm>

namespace starling::sim {

const Story* find_story(std::string_view name) {
  const auto& all = all_stories();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Story& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace starling::sim
