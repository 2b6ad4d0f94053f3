# The simulator for users' own tests, as an installed package: find_package(starling-sim CONFIG REQUIRED) and the
# target starling::sim. What is installed follows from the plan of rooms: everything below the simulator's own rooms,
# their headers, and the libraries they need. README.md beside this file tells how to use it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Adds `target` and all rooms below it to the list named by `rooms`, and what is not ours to `others`.
function(starling_collect_rooms target rooms others)
  set(found ${${rooms}})
  set(foreign ${${others}})
  if(NOT TARGET ${target})
    list(APPEND foreign ${target})
  elseif(NOT target IN_LIST found)
    get_target_property(imported ${target} IMPORTED)
    if(imported)
      list(APPEND foreign ${target})
    else()
      list(APPEND found ${target})
      get_target_property(below ${target} INTERFACE_LINK_LIBRARIES)
      foreach(library ${below})
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" library "${library}")
        if(library)
          starling_collect_rooms(${library} found foreign)
        endif()
      endforeach()
    endif()
  endif()
  list(REMOVE_DUPLICATES foreign)
  set(${rooms} ${found} PARENT_SCOPE)
  set(${others} ${foreign} PARENT_SCOPE)
endfunction()

# What a user links. The virtual clocks are object files, so that they land in the user's program itself: OpenDHT's
# shared library then asks them instead of the real ones.
add_library(simulations_package INTERFACE)
set_target_properties(simulations_package PROPERTIES EXPORT_NAME sim)
set(starling_sim_doors simulations_world simulations_checkers simulations_report simulations_scenarios)
target_link_libraries(simulations_package INTERFACE ${starling_sim_doors})
target_sources(simulations_package INTERFACE
  $<BUILD_INTERFACE:$<TARGET_OBJECTS:virtual_clocks>>
  $<INSTALL_INTERFACE:$<TARGET_OBJECTS:starling::virtual_clocks>>)
target_compile_features(simulations_package INTERFACE cxx_std_20)
# Libraries with sanitizers in them need a program with the same ones.
string(REGEX MATCHALL "-fsanitize=[^ ]+" starling_sanitizers "${CMAKE_CXX_FLAGS}")
target_compile_options(simulations_package INTERFACE ${starling_sanitizers})
target_link_options(simulations_package INTERFACE ${starling_sanitizers})

set(starling_sim_rooms "")
set(starling_sim_others "")
foreach(door ${starling_sim_doors})
  starling_collect_rooms(${door} starling_sim_rooms starling_sim_others)
endforeach()

# Nobody's test needs to know how: "cmake --build ... --target sim_package" makes what is installed.
add_custom_target(sim_package DEPENDS ${starling_sim_rooms} virtual_clocks)

set(starling_sim_headers ${CMAKE_INSTALL_INCLUDEDIR}/starling-sim)
set(starling_sim_libraries ${CMAKE_INSTALL_LIBDIR}/starling-sim)  # "libcrypto.a" must not lie beside OpenSSL's
set(starling_sim_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/starling-sim)
list(REMOVE_ITEM starling_sim_rooms base)
install(TARGETS base EXPORT starling-sim
  ARCHIVE DESTINATION ${starling_sim_libraries} COMPONENT starling-sim
  FILE_SET HEADERS DESTINATION ${starling_sim_headers} COMPONENT starling-sim)
install(TARGETS ${starling_sim_rooms} virtual_clocks simulations_package EXPORT starling-sim
  ARCHIVE DESTINATION ${starling_sim_libraries} COMPONENT starling-sim
  OBJECTS DESTINATION ${starling_sim_libraries} COMPONENT starling-sim)
foreach(room ${starling_sim_rooms})
  get_target_property(path ${room} STARLING_ROOM)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${path}/ DESTINATION ${starling_sim_headers}/${path}
    COMPONENT starling-sim FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(FILES simulations/package/sim.hpp DESTINATION ${starling_sim_headers}/starling COMPONENT starling-sim)
install(EXPORT starling-sim FILE starling-sim-targets.cmake NAMESPACE starling:: DESTINATION ${starling_sim_cmake}
  COMPONENT starling-sim)

# The libraries of others, by the names under which they were found here.
set(starling_sim_needs "")
foreach(other ${starling_sim_others})
  if(other MATCHES "^PkgConfig::(.*)$")
    string(APPEND starling_sim_needs "starling_sim_needs_module(${CMAKE_MATCH_1} ${${CMAKE_MATCH_1}_MODULE_NAME})\n")
  elseif(other MATCHES "^(.*)::")
    string(APPEND starling_sim_needs "starling_sim_needs_package(${CMAKE_MATCH_1})\n")
  endif()
endforeach()
configure_package_config_file(simulations/package/starling-sim-config.cmake.in
  ${CMAKE_BINARY_DIR}/simulations/package/starling-sim-config.cmake INSTALL_DESTINATION ${starling_sim_cmake})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/simulations/package/starling-sim-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/simulations/package/starling-sim-config.cmake
  ${CMAKE_BINARY_DIR}/simulations/package/starling-sim-config-version.cmake
  DESTINATION ${starling_sim_cmake} COMPONENT starling-sim)
