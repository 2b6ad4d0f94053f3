// The words of a status.
#include "bridge/mesh/mesh_status.hpp"

namespace starling {

std::string_view to_text(PathKind path) {
  switch (path) {
    case PathKind::none:
      return "none";
    case PathKind::dialled:
      return "dialled";
    case PathKind::dialled_us:
      return "dialled us";
    case PathKind::dialled_back:
      return "dialled back";
    case PathKind::met:
      return "met";
    case PathKind::relayed:
      return "relayed";
  }
  return "none";
}

}  // namespace starling
