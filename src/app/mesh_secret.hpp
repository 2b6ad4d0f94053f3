// The secret of a mesh, from where the operator keeps it.
#pragma once

#include <string>

#include "starling/result.hpp"

#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// The secret of mesh `name`: follows from the name of an open mesh, else comes from `file`: 64
/// hexadecimal digits, in a file that only its owner can read.
/// Errors, each a sentence that says how to mend it: not_found (no such file, or none named for a
/// mesh that is not open), not_authorized (others can read it), malformed.
Result<crypto::MeshSecret> load_mesh_secret(const std::string& name, const std::string& file);

}  // namespace starling
