#include "bridge/link/interest_intake.hpp"

#include <string>
#include <utility>

namespace starling {

Result<std::optional<LinkEvent>> InterestIntake::take(std::size_t mesh, wire::Interests frame) {
  OfMesh& state = meshes_[mesh];
  if (frame.sequence != state.sequence + 1)
    return Error{Errc::protocol_error, "interests " + std::to_string(frame.sequence) + " after "
                                           + std::to_string(state.sequence) + " [MESH-6.1-2]"};
  state.sequence = frame.sequence;

  if (frame.part == wire::InterestsPart::change) {
    if (!state.has_set || open_ == mesh)
      return Error{Errc::protocol_error,
                   "changes to a set of interests that is not there [MESH-6.1-4]"};
    return std::optional<LinkEvent>{InterestsChanged{mesh, std::move(frame.changes)}};
  }
  if (open_ && *open_ != mesh)
    return Error{Errc::protocol_error,
                 "a set of interests inside that of another mesh [MESH-6.1-3]"};
  open_ = mesh;
  for (InterestChange& change : frame.changes) keep(change);
  if (frame.part == wire::InterestsPart::set_more) return std::optional<LinkEvent>{};

  open_.reset();
  state.has_set = true;
  coming_bytes_ = 0;
  coming_.mesh = mesh;
  return std::optional<LinkEvent>{std::exchange(coming_, {})};
}

void InterestIntake::keep(InterestChange& change) {
  const std::size_t bytes =
      change.interest.filter.text().size() + change.interest.share_group.size();
  if (coming_.interests.size() >= interests_max_ || coming_bytes_ + bytes > bytes_max_) {
    ++coming_.left_out;
    return;
  }
  coming_bytes_ += bytes;
  coming_.interests.push_back(std::move(change.interest));
}

}  // namespace starling
