// Which filter matches which topic: section 4.7 of the standard, written once more and shared with
// nobody. The product's own matcher (src/topic) is judged by this one.
#pragma once

#include <string_view>

namespace starling::sim {

/// Expects what clients of a simulation write: valid names and filters, without "$share".
[[nodiscard]] bool naive_matches(std::string_view filter, std::string_view topic);

/// "$share/<group>/<filter>" in its parts; any other filter has no group.
struct WrittenFilter {
  std::string_view group = {};
  std::string_view filter = {};
};
[[nodiscard]] WrittenFilter split_share(std::string_view written);

/// The levels before the first wildcard, without the '/' that ends them: "a/b" of "a/b/#", "" of
/// "+/x". The whole filter if it has no wildcard.
[[nodiscard]] std::string_view literal_prefix(std::string_view filter);

}  // namespace starling::sim
