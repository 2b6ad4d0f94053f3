// A report for a terminal. Every section has a bound of lines, and their sum is at most 50.
#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

#include "simulations/report/report.hpp"
#include "simulations/report/wording.hpp"

namespace starling::sim {

namespace {

constexpr std::size_t width = 80;
constexpr std::size_t story_lines_max = 3;
constexpr std::size_t claims_max = 8;
constexpr std::size_t promises_max = 14;
constexpr std::size_t totals_max = 8;  // two in a line, if there is no room for more lines
constexpr std::size_t lines_max = 50;
constexpr std::size_t replay_lines_max = 3;

using Lines = std::vector<std::string>;

/// `text`, filled up with spaces.
std::string cell(std::string_view text, std::size_t cell_width) {
  std::string result = shortened(text, cell_width);
  const std::size_t taken = columns(result);
  result.append(cell_width - std::min(taken, cell_width), ' ');
  return result;
}

std::string right_cell(std::string_view text, std::size_t cell_width) {
  const std::string result = shortened(text, cell_width);
  return std::string(cell_width - std::min(columns(result), cell_width), ' ') + result;
}

/// 9 lines at most.
void add_head(const Report& report, Lines& lines) {
  lines.push_back(shortened(
      fmt::format("{}: {}", report.scenario, report.is_good() ? "good" : "NOT GOOD"), width));
  lines.push_back(shortened("  " + verdict(report), width));
  for (const std::string& line : folded(report.story, width - 2, story_lines_max))
    lines.push_back("  " + line);
  lines.push_back(shortened(fmt::format("  {} nodes, {} clients, seed {}", grouped(report.nodes),
                                        grouped(report.clients), report.seed),
                            width));
  lines.push_back(shortened("  digest " + report.digest, width));

  std::string time = "  " + in_seconds(report.virtual_s) + " of virtual time";
  if (report.fault_phase_ends_s > 0 && report.fault_phase_ends_s < report.virtual_s)
    time += fmt::format(" (healing from {})", in_seconds(report.fault_phase_ends_s));
  time += " in " + in_seconds(report.wall_s);
  if (report.wall_s > 0) time += fmt::format(": {} x", in_number(report.virtual_s / report.wall_s));
  if (report.peak_bytes > 0) time += ", " + in_bytes(static_cast<double>(report.peak_bytes));
  lines.push_back(shortened(time, width));
}

/// What does not hold stands first: it must not be what is left out.
std::vector<const ClaimOutcome*> by_importance(const std::vector<ClaimOutcome>& claims) {
  std::vector<const ClaimOutcome*> order;
  for (const ClaimOutcome& claim : claims) order.push_back(&claim);
  std::ranges::stable_partition(order, [](const ClaimOutcome* claim) { return !claim->holds; });
  return order;
}

bool is_broken(const PromiseOutcome& promise) {
  return promise.kind == PromiseOutcome::Kind::broken || promise.broken > 0;
}

std::vector<const PromiseOutcome*> by_importance(const std::vector<PromiseOutcome>& promises) {
  std::vector<const PromiseOutcome*> order;
  for (const PromiseOutcome& promise : promises) order.push_back(&promise);
  std::ranges::stable_partition(order, [](const PromiseOutcome* p) { return is_broken(*p); });
  return order;
}

/// Title, claims_max lines, one more.
void add_claims(const Report& report, Lines& lines) {
  if (report.claims.empty()) return;
  lines.emplace_back("claims");
  const auto claims = by_importance(report.claims);
  for (std::size_t i = 0; i < std::min(claims.size(), claims_max); ++i)
    lines.push_back(fmt::format("  {} {} {}", cell(claims[i]->holds ? "holds" : "FAILS", 6),
                                cell(claims[i]->claim, 46), shortened(claims[i]->measured, 24)));
  if (claims.size() > claims_max)
    lines.push_back(fmt::format("  and {} more", claims.size() - claims_max));
}

std::string line_of(const PromiseOutcome& promise) {
  const char* word = is_broken(promise)                           ? "BROKEN"
                     : promise.kind == PromiseOutcome::Kind::kept ? "kept"
                                                                  : "not seen";
  std::string said;
  if (is_broken(promise))
    said = fmt::format("{} of {}", grouped(promise.broken), grouped(promise.seen));
  else if (promise.kind == PromiseOutcome::Kind::kept)
    said = grouped(promise.seen) + " seen";
  if (!promise.not_promised.empty())
    said += (said.empty() ? "not promised: " : "; not promised: ") + promise.not_promised;
  return fmt::format("  {} {} {}", cell(word, 8), cell(promise.name, 14), shortened(said, 54));
}

/// Title, promises_max lines, one more. An example takes the place of a promise that is kept.
void add_promises(const Report& report, Lines& lines) {
  if (report.promises.empty()) return;
  lines.emplace_back("promises");
  const auto promises = by_importance(report.promises);
  std::size_t left = promises_max;
  std::size_t told = 0;
  for (; told < promises.size() && left > 0; ++told) {
    const PromiseOutcome& promise = *promises[told];
    lines.push_back(line_of(promise));
    --left;
    if (is_broken(promise) && !promise.examples.empty() && left > 0) {
      const auto& [at_s, what] = promise.examples.front();
      const std::string example = fmt::format("at {:.3f} s: {}", at_s, what);
      for (const std::string& line : folded(example, width - 4, std::min<std::size_t>(left, 2))) {
        lines.push_back("    " + line);
        --left;
      }
    }
  }
  if (told < promises.size()) lines.push_back(fmt::format("  and {} more", promises.size() - told));
}

void add_quantiles(std::string_view name, const Quantiles& quantiles, Lines& lines) {
  if (quantiles.count == 0) return;
  lines.push_back(fmt::format("  {}{}{}{}{}{}{}", cell(name, 23),
                              right_cell(grouped(quantiles.count), 10),
                              right_cell(in_milliseconds(quantiles.p50_ms), 9),
                              right_cell(in_milliseconds(quantiles.p90_ms), 9),
                              right_cell(in_milliseconds(quantiles.p99_ms), 9),
                              right_cell(in_milliseconds(quantiles.p999_ms), 9),
                              right_cell(in_milliseconds(quantiles.max_ms), 9)));
}

/// 6 lines.
void add_latency(const Report& report, Lines& lines) {
  Lines table;
  add_quantiles("PUBLISH to delivery", report.delivery, table);
  add_quantiles("  over the mesh", report.delivery_over_mesh, table);
  add_quantiles("  first of a pair", report.first_delivery, table);
  add_quantiles("DHT lookup", report.lookup, table);
  add_quantiles("  to its first value", report.lookup_first_value, table);
  if (table.empty()) return;
  lines.push_back(fmt::format("{}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}", cell("latency", 25), "count",
                              "p50", "p90", "p99", "p99.9", "max"));
  lines.insert(lines.end(), table.begin(), table.end());
}

/// Title and a line each if that is not more than `room`; else title and totals_max / 2 lines.
void add_totals(const Report& report, std::size_t room, Lines& lines) {
  if (report.totals.empty()) return;
  if (report.totals.size() < room) {
    lines.emplace_back("totals");
    for (const auto& [name, value] : report.totals)
      lines.push_back(fmt::format("  {}{}", cell(name, 40), right_cell(in_number(value), 16)));
    return;
  }
  const std::size_t told = std::min(report.totals.size(), totals_max);
  lines.push_back(told < report.totals.size()
                      ? fmt::format("totals ({} of {})", told, report.totals.size())
                      : "totals");
  for (std::size_t i = 0; i < told; i += 2) {
    std::string line = " ";
    for (std::size_t j = i; j < std::min(i + 2, told); ++j)
      line += fmt::format(" {}{}{}", cell(report.totals[j].first, 22),
                          right_cell(in_number(report.totals[j].second), 14), j == i ? "  " : "");
    lines.push_back(line);
  }
}

/// Folded at spaces with backslashes, as a shell takes it. Above replay_lines_max lines it is left
/// as long as it is: shortened it would be of no use.
void add_replay(const Report& report, Lines& lines) {
  if (report.replay.empty()) return;
  lines.emplace_back("replay");
  constexpr std::size_t indent = 2;
  constexpr std::size_t mark = 2;  // " \"
  Lines parts = folded(report.replay, width - indent - mark, replay_lines_max + 1);
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : " ") + part;
  // Between quotes a shell would take the folds for text.
  const bool can_fold = parts.size() <= replay_lines_max && joined == report.replay
                        && report.replay.find_first_of("'\"\\") == std::string::npos;
  if (!can_fold) parts = {shortened(report.replay, std::string_view::npos)};
  for (std::size_t i = 0; i < parts.size(); ++i)
    lines.push_back("  " + parts[i] + (i + 1 < parts.size() ? " \\" : ""));
}

}  // namespace

std::string write_text(const Report& report) {
  Lines lines;
  add_head(report, lines);
  add_claims(report, lines);
  add_promises(report, lines);
  add_latency(report, lines);
  Lines replay;
  add_replay(report, replay);
  add_totals(report, lines_max - lines.size() - replay.size(), lines);
  lines.insert(lines.end(), replay.begin(), replay.end());
  std::string text;
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace starling::sim
