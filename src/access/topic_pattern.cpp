#include "src/access/topic_pattern.hpp"

#include <algorithm>
#include <utility>

namespace starling {
namespace {

/// Reads a pattern with the names put in, one character at a time and without writing it anywhere.
class Expansion {
 public:
  Expansion(std::string_view pattern, const Principal& who) : rest_(pattern), who_(who) {
    settle();
  }
  [[nodiscard]] bool ended() const { return inserted_.empty() && rest_.empty(); }
  [[nodiscard]] bool is_at(char c) const {
    return !ended() && (inserted_.empty() ? rest_ : inserted_).front() == c;
  }
  /// Does a wildcard stand here? Those of a name that was put in are ordinary characters.
  [[nodiscard]] bool is_wildcard(char which) const {
    return inserted_.empty() && !rest_.empty() && rest_.front() == which;
  }
  void next() {
    (inserted_.empty() ? rest_ : inserted_).remove_prefix(1);
    settle();
  }

 private:
  void settle() {
    while (inserted_.empty() && (rest_.starts_with("%c") || rest_.starts_with("%u"))) {
      inserted_ = rest_[1] == 'c' ? who_.client_id : who_.user.value_or(std::string_view{});
      rest_.remove_prefix(2);
    }
  }
  std::string_view rest_;      // of the pattern, behind what is inserted
  std::string_view inserted_;  // what is left of an id or a name
  const Principal& who_;
};

bool matches_from(Expansion& wanted, std::string_view name) {
  while (true) {
    if (wanted.is_wildcard('#')) return true;
    if (wanted.is_wildcard('+')) {
      name.remove_prefix(std::min(name.find('/'), name.size()));
      wanted.next();
    }
    while (!name.empty() && name.front() != '/' && wanted.is_at(name.front())) {
      wanted.next();
      name.remove_prefix(1);
    }
    if (name.empty()) {
      if (!wanted.is_at('/')) return wanted.ended();
      // "devices/%c/#" also matches "devices/<id>" (4.7.1.2).
      wanted.next();
      return wanted.is_wildcard('#');
    }
    if (name.front() != '/' || !wanted.is_at('/')) return false;
    wanted.next();
    name.remove_prefix(1);
  }
}

}  // namespace

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  auto filter = TopicFilter::parse(text);
  if (!filter) return filter.error();
  return TopicPattern(std::move(filter).value());
}

bool TopicPattern::has_placeholder() const {
  return text().find("%c") != std::string_view::npos || needs_user_;
}

bool TopicPattern::matches(const TopicName& name, const Principal& who) const {
  if (needs_user_ && !who.user) return false;
  Expansion wanted(text(), who);
  if (name.is_dollar() != wanted.is_at('$')) return false;
  return matches_from(wanted, name.text());
}

}  // namespace starling
