# Puts the stories, which are TOML files, into a .cpp file.
file(GLOB story_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/stories/*.toml)
list(SORT story_files)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${story_files})
set(stories "")
foreach(file ${story_files})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND stories "      {\"${name}\", R\"story(${text})story\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/simulations/scenarios/all_stories.cpp @ONLY CONTENT
"// Made from simulations/scenarios/stories/*.toml.
#include \"simulations/scenarios/stories.hpp\"

namespace starling::sim {

const std::vector<Story>& all_stories() {
  static const std::vector<Story> stories = {
@stories@  };
  return stories;
}

}  // namespace starling::sim
")
target_sources(simulations_scenarios PRIVATE ${CMAKE_BINARY_DIR}/simulations/scenarios/all_stories.cpp)
