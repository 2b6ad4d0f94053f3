// What is wrong with a configuration, as its author should read it: place, trouble, excerpt,
// suggestion.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace starling::config {

struct Diagnostic {
  std::string source;      ///< a file's path or a flag
  std::size_t line = 0;    ///< from 1; 0: the source has no lines
  std::size_t column = 0;  ///< from 1; 0: the whole line
  std::string message;     ///< without a full stop
  std::string excerpt;     ///< the line itself, where there is one
  std::size_t marked = 0;  ///< characters to underline from `column` on
  std::string suggestion;  ///< a better word, or empty

  /// "file:line:col: message", then the excerpt with a marker and the suggestion.
  [[nodiscard]] std::string to_text() const;
};

/// Appends `diagnostic`. Of more than limits::config_troubles_max only that there are more is kept.
void report(std::vector<Diagnostic>& trouble, Diagnostic diagnostic);

/// Line `number` (from 1) of `text` as an excerpt; see `printable`.
std::string excerpt_of(std::string_view text, std::size_t number);

/// `text` on one line for a message: control characters become spaces, a long one is cut.
std::string printable(std::string_view text);

/// The nearest of `known` to `word` if it is near enough to be a slip of the finger (an edit
/// distance of at most a third of the word), else empty.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace starling::config
