#include "src/config/diagnostics.hpp"

#include <algorithm>
#include <numeric>

#include "starling/limits.hpp"

namespace starling::config {
namespace {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal
/// string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t word_size_max = 64;  // no key is longer; keeps the distance cheap
  if (word.size() > word_size_max) return {};
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view best;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

void report(std::vector<Diagnostic>& trouble, Diagnostic diagnostic) {
  if (trouble.size() > limits::config_troubles_max) return;
  if (trouble.size() == limits::config_troubles_max) {
    Diagnostic last;
    last.source = diagnostic.source;
    last.message = "there is more that is wrong; these first";
    diagnostic = std::move(last);
  }
  trouble.push_back(std::move(diagnostic));
}

std::string printable(std::string_view text) {
  constexpr std::size_t shown_max = 160;
  std::string shown(text.substr(0, shown_max));
  if (text.size() > shown_max) shown += "...";
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return shown;
}

std::string excerpt_of(std::string_view text, std::size_t number) {
  std::size_t begin = 0;
  for (std::size_t line = 1; line < number; ++line) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  std::string_view line = text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return printable(line);
}

std::string Diagnostic::to_text() const {
  std::string text = source;
  if (line > 0) text += ":" + std::to_string(line);
  if (line > 0 && column > 0) text += ":" + std::to_string(column);
  text += ": " + message;
  if (excerpt.empty() || column == 0 || column > excerpt.size() + 1) {
    if (!suggestion.empty()) text += " - did you mean \"" + suggestion + "\"?";
    return text;
  }
  const std::string number = std::to_string(line);
  const std::string margin(number.size() + 3, ' ');
  text += "\n   " + number + " | " + excerpt;
  text += "\n" + margin + " | " + std::string(column - 1, ' ')
          + std::string(std::max<std::size_t>(1, marked), '^');
  if (!suggestion.empty()) text += " did you mean \"" + suggestion + "\"?";
  return text;
}

}  // namespace starling::config
