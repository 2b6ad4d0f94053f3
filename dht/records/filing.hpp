// Filing: which records a set of interests makes. Filters are grouped by literal prefix; what is
// too much for one record, or for one node, is told more coarsely and filtered at the receiver.
#pragma once

#include <cstddef>
#include <vector>

#include "starling/interest.hpp"
#include "starling/limits.hpp"

#include "dht/keys/prefix_key.hpp"

namespace starling {

/// What goes into one interest record.
struct FiledInterests {
  LiteralPrefix prefix;
  std::vector<Interest> interests;  ///< sorted by filter and share group
  bool coarse = false;              ///< `interests` is the one filter prefix.everything_below()

  friend bool operator==(const FiledInterests&, const FiledInterests&) = default;
};

struct FilingRules {
  std::size_t keys_max = limits::announced_keys_max;
  /// May anything be filed under the empty prefix? No in open meshes, where that one key would be
  /// everybody's.
  bool root_allowed = true;
};

struct Filing {
  std::vector<FiledInterests>
      records;  ///< sorted by prefix; each fits its record with all endpoints
  /// Interests that no record covers: '$' filters, and what would have to go under the empty prefix
  /// where that is not allowed.
  std::size_t left_out = 0;
};

/// * More than limits::record_filters_max filters under one prefix, or more bytes than a record
/// holds,
///   become "prefix/#" with the greatest QoS of all and durable if any is; share groups are
///   dropped.
/// * A prefix above limits::record_prefix_max bytes goes to its parent, as "parent/#".
/// * With more than `keys_max` prefixes, those two-level prefixes that share their first level with
/// the
///   most others are joined to "first/#", and at last everything to "#".
/// The outcome depends on the set only, not on its order: an unchanged set gives unchanged records.
Filing file_interests(const std::vector<Interest>& interests, const FilingRules& rules = {});

}  // namespace starling
