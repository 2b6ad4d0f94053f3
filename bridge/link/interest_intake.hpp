// InterestIntake: puts the interests frames of a peer together again. A full set comes in parts and
// is handed on when it is complete; changes are handed on as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "starling/limits.hpp"
#include "starling/result.hpp"

#include "bridge/link/link_event.hpp"
#include "bridge/wire/frame.hpp"

namespace starling {

class InterestIntake {
 public:
  /// Of one full set; what is more is counted and left out. `bytes_max`: of the filters' texts.
  explicit InterestIntake(std::size_t interests_max = limits::peer_interests_max,
                          std::size_t bytes_max = limits::peer_interests_bytes_max)
      : interests_max_(interests_max), bytes_max_(bytes_max) {}

  /// What the frame completes: InterestsReplaced, InterestsChanged, or nothing yet. `mesh`: our
  /// number. Errors: protocol_error (a gap in the sequence; changes before the first set of the
  /// mesh or inside one; a set inside the set of another mesh).
  Result<std::optional<LinkEvent>> take(std::size_t mesh, wire::Interests frame);

 private:
  struct OfMesh {
    std::uint64_t sequence = 0;  // of the latest frame
    bool has_set = false;        // a set has been completed
  };
  void keep(InterestChange& change);

  std::size_t interests_max_;
  std::size_t bytes_max_;
  std::map<std::size_t, OfMesh> meshes_;  // shared ones only: at most limits::link_meshes_max
  std::optional<std::size_t> open_;       // the mesh whose set is coming in
  InterestsReplaced coming_;
  std::size_t coming_bytes_ = 0;
};

}  // namespace starling
