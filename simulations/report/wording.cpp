#include "simulations/report/wording.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace starling::sim {

namespace {

/// Three digits that matter, no decimals that are zero: 0.82, 8.2, 82, 820.
std::string in_three_digits(double number) {
  const double size = std::abs(number);
  std::string text = fmt::format("{:.{}f}", number, size < 10 ? 2 : size < 100 ? 1 : 0);
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

/// "1 promise", "3 promises".
std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Where the code point after the one at `at` begins; broken UTF-8 counts byte by byte.
std::size_t next_code_point(std::string_view text, std::size_t at) {
  const auto is_continuation = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
  };
  std::size_t next = at + 1;
  while (next < text.size() && next - at < 4 && is_continuation(text[next])) ++next;
  return next;
}

bool is_control(std::string_view code_point) {
  const auto first = static_cast<unsigned char>(code_point[0]);
  if (code_point.size() == 1) return first < 0x20 || first >= 0x7F;  // also bytes of broken UTF-8
  return first == 0xC2 && static_cast<unsigned char>(code_point[1]) < 0xA0;  // U+0080 to U+009F
}

std::string without_controls(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = next_code_point(text, at);
    const std::string_view code_point = text.substr(at, next - at);
    if (is_control(code_point))
      result += ' ';
    else
      result += code_point;
    at = next;
  }
  return result;
}

/// Bytes of the first `width` columns.
std::size_t bytes_of_columns(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (; width > 0 && at < text.size(); --width) at = next_code_point(text, at);
  return at;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ' ');
  return digits;
}

std::string in_number(double number) {
  if (!std::isfinite(number)) return "-";
  constexpr double exact_max = 9e15;  // above it a double has no units
  if (std::abs(number) < 100) return in_three_digits(number);
  if (number > 0 && number < exact_max) return grouped(static_cast<std::uint64_t>(number + 0.5));
  return fmt::format("{:.3g}", number);
}

std::string in_milliseconds(double ms) {
  if (!std::isfinite(ms)) return "-";
  if (ms < 999.5) return in_three_digits(ms) + " ms";
  if (ms < 99'950) return in_three_digits(ms / 1e3) + " s";
  return in_three_digits(ms / 60e3) + " min";
}

std::string in_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 99.95) return in_three_digits(seconds) + " s";
  const auto whole = static_cast<std::uint64_t>(std::clamp(seconds, 0.0, 1e15) + 0.5);
  const std::uint64_t minutes = whole / 60;
  if (minutes < 60) {
    const std::string rest = whole % 60 == 0 ? "" : fmt::format(" {} s", whole % 60);
    return fmt::format("{} min{}", minutes, rest);
  }
  const std::string rest = minutes % 60 == 0 ? "" : fmt::format(" {} min", minutes % 60);
  return fmt::format("{} h{}", grouped(minutes / 60), rest);
}

std::string in_bytes(double bytes) {
  if (!std::isfinite(bytes)) return "-";
  constexpr std::array<std::string_view, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < units.size(); ++unit) bytes /= 1000;
  return fmt::format("{} {}", in_three_digits(bytes), units[unit]);
}

std::string verdict(const Report& report) {
  const auto broken = static_cast<std::size_t>(
      std::ranges::count_if(report.promises, [](const PromiseOutcome& promise) {
        return promise.kind == PromiseOutcome::Kind::broken || promise.broken > 0;
      }));
  const auto not_seen = static_cast<std::size_t>(
      std::ranges::count_if(report.promises, [](const PromiseOutcome& promise) {
        return promise.kind == PromiseOutcome::Kind::not_seen && promise.broken == 0;
      }));
  const auto failed = static_cast<std::size_t>(
      std::ranges::count_if(report.claims, [](const ClaimOutcome& claim) { return !claim.holds; }));
  const std::size_t tested = report.promises.size() - not_seen;
  const std::size_t claims = report.claims.size();

  std::string promises_part;
  if (broken > 0)
    promises_part = fmt::format("{} of {} broken", broken, counted(tested, "promise"));
  else if (tested == 1)
    promises_part = "the promise is kept";
  else if (tested > 1)
    promises_part = fmt::format("all {} promises kept", tested);

  std::string claims_part;
  if (failed > 0)
    claims_part = fmt::format("{} of {} not met", failed, counted(claims, "claim"));
  else if (claims == 1)
    claims_part = "the claim holds";
  else if (claims > 1)
    claims_part = fmt::format("all {} claims hold", claims);

  std::string text = promises_part;
  if (!claims_part.empty()) text += (text.empty() ? "" : ", ") + claims_part;
  if (text.empty()) text = "nothing was put to the test";
  if (not_seen > 0 && tested + claims > 0)
    text += fmt::format(" ({} not seen)", counted(not_seen, "promise"));
  text[0] = static_cast<char>(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
  return text;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = next_code_point(text, at)) ++count;
  return count;
}

std::string shortened(std::string_view text, std::size_t width) {
  std::string clean = without_controls(text);
  if (columns(clean) <= width) return clean;
  constexpr std::string_view mark = "...";
  if (width <= mark.size()) return clean.substr(0, bytes_of_columns(clean, width));
  return clean.substr(0, bytes_of_columns(clean, width - mark.size())).append(mark);
}

std::vector<std::string> folded(std::string_view text, std::size_t width, std::size_t lines_max) {
  const std::string clean = without_controls(text);
  std::vector<std::string> lines;
  std::string_view rest = clean;
  const auto skip_spaces = [&rest] {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  };
  for (skip_spaces(); !rest.empty() && lines.size() < lines_max; skip_spaces()) {
    if (lines.size() + 1 == lines_max || columns(rest) <= width) {
      lines.push_back(shortened(rest, width));
      break;
    }
    std::size_t end = bytes_of_columns(rest, width);
    if (rest[end] != ' ') {
      const std::size_t space = rest.substr(0, end).rfind(' ');
      if (space != std::string_view::npos) end = space;
    }
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return lines;
}

}  // namespace starling::sim
