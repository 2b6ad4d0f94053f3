#include "src/auth/acl_file.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

namespace starling {
namespace {

using Words = std::span<const std::string_view>;
constexpr std::array<std::string_view, 4> access_words = {"read", "write", "readwrite", "deny"};
constexpr std::array<Access, 4> access_values = {Access::read, Access::write, Access::read_write,
                                                 Access::deny};
constexpr std::array<std::string_view, 3> line_words = {"topic", "user", "pattern"};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// ", did you mean 'read'?" if one of `known` is near enough to be meant, else nothing.
std::string did_you_mean(std::string_view word, Words known) {
  if (word.size() > 20) return {};
  const auto nearest = std::ranges::min_element(
      known, {}, [&](std::string_view each) { return edit_distance(word, each); });
  if (edit_distance(word, *nearest) * 2 > nearest->size()) return {};
  return ", did you mean '" + std::string(*nearest) + "'?";
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/// Takes words off one line, and knows where they stood.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) {
    while (!line_.empty() && is_space(line_.back())) line_.remove_suffix(1);
    skip_blanks();
  }
  [[nodiscard]] bool at_end() const { return at_ == line_.size(); }
  /// From 1: where the next word begins, or the end of the line.
  [[nodiscard]] std::uint32_t column() const { return static_cast<std::uint32_t>(at_ + 1); }
  [[nodiscard]] std::string_view rest() const { return line_.substr(at_); }
  std::string_view take_word() {
    const std::string_view word = rest().substr(0, rest().find(' '));
    at_ += word.size();
    skip_blanks();
    return word;
  }

 private:
  void skip_blanks() {
    while (at_ < line_.size() && line_[at_] == ' ') ++at_;
  }
  std::string_view line_;
  std::size_t at_ = 0;
};

class AclReader {
 public:
  AclFile read(std::string_view text) {
    result_.rules.restrict();
    for (std::uint32_t line = 1; !text.empty(); ++line) {
      line_ = line;
      const std::size_t end = text.find('\n');
      read_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return std::move(result_);
  }

 private:
  void read_line(std::string_view line) {
    if (line.substr(0, 1) == "#") return;
    LineReader reader(line);
    if (reader.at_end()) return;
    const std::uint32_t column = reader.column();
    const std::string_view word = reader.take_word();
    if (word == "topic")
      read_rule(reader, false);
    else if (word == "pattern")
      read_rule(reader, true);
    else if (word == "user")
      read_user(reader);
    else if (word[0] == '#')
      report(column, "a comment begins in the first column");
    else if (word.find('\t') != std::string_view::npos)
      report(column, "words are separated by spaces, not tabs");
    else
      report(column, "unknown word " + quoted_for_problem(word) + did_you_mean(word, line_words));
  }

  void read_user(LineReader& reader) {
    if (reader.at_end()) return report(reader.column(), "a user name is missing");
    user_ = std::string(reader.rest());
  }

  void read_rule(LineReader& reader, bool is_pattern) {
    if (reader.at_end()) return report(reader.column(), "a topic filter is missing");
    auto access = Access::read_write;
    LineReader rest = reader;
    const std::uint32_t first_column = rest.column();
    const std::string_view first = rest.take_word();
    if (!rest.at_end()) {  // two words: the first one must be the access
      const auto known = std::ranges::find(access_words, first);
      if (known == access_words.end()) return report_access(first_column, first, reader.rest());
      access = access_values[static_cast<std::size_t>(known - access_words.begin())];
      reader = rest;
    }
    add_rule(reader, access, is_pattern);
  }

  void report_access(std::uint32_t column, std::string_view word, std::string_view both) {
    const std::string hint = did_you_mean(word, access_words);
    report(column,
           "unknown access " + quoted_for_problem(word)
               + (hint.empty() ? ": a filter that holds a space needs the access before it, "
                                 "did you mean "
                                     + quoted_for_problem("readwrite " + std::string(both)) + "?"
                               : hint));
  }

  void add_rule(const LineReader& reader, Access access, bool is_pattern) {
    const std::string_view text = reader.rest();
    if (!is_mqtt_text(text) && text.find('\0') == std::string_view::npos)
      return warn(reader.column(), "a filter that is not UTF-8 matches nothing");
    if (text.find('\t') != std::string_view::npos)
      warn(reader.column(),
           "the tab is taken for a part of the filter (words are separated by spaces)");
    if (is_pattern) {
      auto pattern = TopicPattern::parse(text);
      if (!pattern) return report(reader.column(), pattern.error().what);
      if (!pattern->has_placeholder())
        warn(reader.column(), "a pattern without '%c' or '%u' is for everybody");
      result_.rules.add_pattern(access, std::move(pattern).value(), line_);
    } else {
      auto filter = TopicFilter::parse(text);
      if (!filter) return report(reader.column(), filter.error().what);
      result_.rules.add_rule(user_, access, std::move(filter).value(), line_);
    }
  }

  void report(std::uint32_t column, std::string what) {
    note(result_.problems, column, std::move(what));
  }
  void warn(std::uint32_t column, std::string what) {
    note(result_.warnings, column, std::move(what));
  }
  void note(std::vector<AclProblem>& where, std::uint32_t column, std::string what) const {
    if (where.size() < acl_problems_max)
      where.push_back(AclProblem{line_, column, std::move(what)});
  }

  AclFile result_;
  std::uint32_t line_ = 0;
  std::optional<std::string> user_;  // of the present section; none: anonymous clients
};

}  // namespace

AclFile parse_acl_file(std::string_view text) {
  return AclReader().read(text);
}

}  // namespace starling
