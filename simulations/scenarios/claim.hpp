// Claim: a sentence about the outcome of a run that a program can check: "delivery p90 <= 1.5 s".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/result.hpp"

#include "simulations/report/report.hpp"

namespace starling::sim {

struct Claim {
  enum class Relation : std::uint8_t { at_most, at_least };
  std::string text;      ///< as it was written
  std::string quantity;  ///< "delivery p90"
  Relation relation = Relation::at_most;
  double bound = 0;  ///< milliseconds for times, else as it is
};

/// QUANTITY (<=|>=) NUMBER [ms|s|min|%]. Errors: malformed, with what is known.
Result<Claim> parse_claim(std::string_view text);
/// All that can be claimed, for people: "delivery p50", ...
std::vector<std::string> known_quantities();
/// What the report says of it. A quantity that was never measured does not hold.
ClaimOutcome check_claim(const Claim& claim, const Report& report);

}  // namespace starling::sim
