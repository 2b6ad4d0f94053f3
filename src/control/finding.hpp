// Finding: what one check has found, and what follows from it for who asked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/result.hpp"

namespace starling::control {

enum class Verdict : std::uint8_t {
  ok,
  warning,  ///< it works, and could be better
  problem,  ///< something does not work
  skipped,  ///< nothing to examine here, or not yet
};

struct Finding {
  std::string check;  ///< one of check_names()
  Verdict verdict = Verdict::ok;
  std::string evidence;  ///< what was seen, one line
  std::string why;       ///< what it comes from, or what follows from it; may be empty
  std::string fix;       ///< what to do; may be empty

  bool operator==(const Finding&) const = default;
};

/// Of every check, in the order they are told in.
std::span<const std::string_view> check_names();

/// {"schema":1,"version":"0.1.0","findings":[...]}; `version`: of the program that examined.
std::string write_findings(const std::vector<Finding>& findings, std::string_view version);
/// Reads that back; unknown verdicts are warnings. Errors: malformed, or what an error document
/// says.
Result<std::vector<Finding>> read_findings(std::string_view document);

/// What stands at "version"; empty: nothing.
std::string version_of(std::string_view document);

/// In the order of check_names(); of two with one name the first.
void sort_findings(std::vector<Finding>& findings);

/// A line for each, why and fix below, a sum at the end. `colour`: for a terminal that has some.
std::string findings_text(const std::vector<Finding>& findings, bool colour);
/// "1 problem, 2 warnings"; "all is well".
std::string sum_text(const std::vector<Finding>& findings);

/// 0: all is well; 1: a problem; 4: only warnings.
int exit_status_of(const std::vector<Finding>& findings);

}  // namespace starling::control
