#include "simulations/report/report.hpp"

#include <algorithm>

namespace starling::sim {

bool Report::is_good() const {
  const auto is_broken = [](const PromiseOutcome& promise) {
    return promise.kind == PromiseOutcome::Kind::broken || promise.broken > 0;
  };
  return std::ranges::none_of(promises, is_broken)
         && std::ranges::all_of(claims, [](const ClaimOutcome& claim) { return claim.holds; });
}

}  // namespace starling::sim
