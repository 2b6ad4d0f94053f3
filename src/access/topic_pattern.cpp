#include "src/access/topic_pattern.hpp"

#include <string>
#include <utility>

namespace starling {
namespace {

/// The level at the front of `rest`, which is taken off; `ended` is set with the last one.
std::string_view take_level(std::string_view& rest, bool& ended) {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  ended = slash == std::string_view::npos;
  rest.remove_prefix(ended ? rest.size() : slash + 1);
  return level;
}

bool level_matches(std::string_view wanted, std::string_view level, const Principal& who) {
  if (wanted == "+") return true;
  if (wanted == "%c") return level == who.client_id;
  if (wanted == "%u") return who.user && level == *who.user;
  return level == wanted;
}

}  // namespace

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  auto filter = TopicFilter::parse(text);
  if (!filter) return filter.error();
  for (const std::string_view level : split_levels(filter->text()))
    for (const std::string_view place : {"%c", "%u"})
      if (level != place && level.find(place) != std::string_view::npos)
        return Error{Errc::malformed,
                     "'" + std::string(place)
                         + "' must fill a whole level of a pattern, as in 'devices/"
                         + std::string(place) + "/#'"};
  return TopicPattern(std::move(filter).value());
}

bool TopicPattern::matches(const TopicName& name, const Principal& who) const {
  std::string_view wanted_rest = text();
  std::string_view name_rest = name.text();
  if (name.is_dollar() && wanted_rest.front() != '$') return false;
  while (true) {
    bool wanted_ended = false;
    bool name_ended = false;
    const std::string_view wanted = take_level(wanted_rest, wanted_ended);
    if (wanted == "#") return true;
    if (!level_matches(wanted, take_level(name_rest, name_ended), who)) return false;
    if (wanted_ended || name_ended)
      // "devices/%c/#" also matches "devices/<id>" (4.7.1.2).
      return wanted_ended == name_ended || (name_ended && wanted_rest == "#");
  }
}

}  // namespace starling
