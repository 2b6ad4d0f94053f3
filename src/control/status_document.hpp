// A NodeStatus as JSON: {"schema":1,"status":{...}}. Names that are there stay.
#pragma once

#include <string>
#include <vector>

#include "src/control/finding.hpp"
#include "src/control/node_status.hpp"

namespace starling::control {

/// `health`: what the checks have found; warnings and problems of it become "health", in order.
/// One line, without its end.
std::string write_status(const NodeStatus& status, const std::vector<Finding>& health);

/// The words of the document, for texts too.
const char* word_of(PeerState state);
const char* word_of(PathKind path);
const char* word_of(AddressSource source);
const char* word_of(Dialability dialability);
const char* word_of(NatMapping mapping);

}  // namespace starling::control
