#include "simulations/scenarios/claim.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace starling::sim {
namespace {

struct Times {
  std::string_view name;
  Quantiles Report::*quantiles;
};
constexpr Times times[] = {{"delivery", &Report::delivery},
                           {"mesh delivery", &Report::delivery_over_mesh},
                           {"first delivery", &Report::first_delivery},
                           {"lookup", &Report::lookup},
                           {"first value", &Report::lookup_first_value}};
struct Part {
  std::string_view name;
  double Quantiles::*value;
};
constexpr Part parts[] = {{"p50", &Quantiles::p50_ms},
                          {"p90", &Quantiles::p90_ms},
                          {"p99", &Quantiles::p99_ms},
                          {"p99.9", &Quantiles::p999_ms},
                          {"max", &Quantiles::max_ms}};
// Of Report::totals, under their names there.
constexpr std::string_view totals[] = {"messages published",
                                       "messages acknowledged",
                                       "messages delivered",
                                       "messages delivered over the mesh",
                                       "links per node",
                                       "relayed links",
                                       "links carried by one relay",
                                       "datagrams per node and second",
                                       "link bytes per node and second",
                                       "DHT bytes per node and second",
                                       "lookups"};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

struct Found {
  double value = 0;
  bool is_time = false;
};
std::optional<Found> find(std::string_view quantity, const Report& report) {
  for (const Times& each : times) {
    if (!quantity.starts_with(each.name) || quantity.size() <= each.name.size()) continue;
    const std::string_view rest = trim(quantity.substr(each.name.size()));
    const Quantiles& quantiles = report.*each.quantiles;
    for (const Part& part : parts)
      if (rest == part.name)
        return quantiles.count == 0 ? std::nullopt
                                    : std::optional(Found{quantiles.*part.value, true});
  }
  for (const auto& [name, value] : report.totals)
    if (name == quantity) return Found{value, false};
  return std::nullopt;
}

std::string tell(double value, bool is_time) {
  if (!is_time) return fmt::format("{:.6g}", value);
  return value < 10'000 ? fmt::format("{:.4g} ms", value) : fmt::format("{:.4g} s", value / 1'000);
}

}  // namespace

std::vector<std::string> known_quantities() {
  std::vector<std::string> known;
  for (const Times& each : times)
    for (const Part& part : parts) known.push_back(fmt::format("{} {}", each.name, part.name));
  known.insert(known.end(), std::begin(totals), std::end(totals));
  return known;
}

Result<Claim> parse_claim(std::string_view text) {
  Claim claim;
  claim.text = std::string(text);
  std::size_t at = text.find("<=");
  if (at == std::string_view::npos) {
    at = text.find(">=");
    claim.relation = Claim::Relation::at_least;
  }
  if (at == std::string_view::npos)
    return Error{
        Errc::malformed,
        "a claim is QUANTITY <= NUMBER or QUANTITY >= NUMBER, as in \"delivery p90 <= 1.5 s\""};
  claim.quantity = std::string(trim(text.substr(0, at)));
  const auto known = known_quantities();
  if (std::find(known.begin(), known.end(), claim.quantity) == known.end())
    return Error{Errc::malformed, fmt::format("nothing measures \"{}\"; what can be claimed: {}",
                                              claim.quantity, fmt::join(known, ", "))};
  const std::string_view bound = trim(text.substr(at + 2));
  const auto read = std::from_chars(bound.data(), bound.data() + bound.size(), claim.bound);
  if (read.ec != std::errc{} || !std::isfinite(claim.bound))
    return Error{Errc::malformed, fmt::format("\"{}\" is no number", bound)};
  const std::string_view unit =
      trim(bound.substr(static_cast<std::size_t>(read.ptr - bound.data())));
  if (unit == "s")
    claim.bound *= 1'000;
  else if (unit == "min")
    claim.bound *= 60'000;
  else if (unit == "%")
    claim.bound /= 100;
  else if (!unit.empty() && unit != "ms")
    return Error{Errc::malformed, fmt::format("\"{}\" is no unit: ms, s, min or %", unit)};
  return claim;
}

ClaimOutcome check_claim(const Claim& claim, const Report& report) {
  ClaimOutcome outcome;
  outcome.claim = claim.text;
  const auto found = find(claim.quantity, report);
  if (!found) {
    outcome.measured = "never measured";
    return outcome;
  }
  outcome.measured = tell(found->value, found->is_time);
  outcome.holds = claim.relation == Claim::Relation::at_most ? found->value <= claim.bound
                                                             : found->value >= claim.bound;
  return outcome;
}

}  // namespace starling::sim
