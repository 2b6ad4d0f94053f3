#include "simulations/checkers/topic_match.hpp"

#include <optional>

namespace starling::sim {
namespace {

/// What is left of a name behind its first level; nullopt: that was the last one.
std::optional<std::string_view> rest_of(std::string_view levels) {
  const std::size_t slash = levels.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return levels.substr(slash + 1);
}

std::string_view first_of(std::string_view levels) {
  return levels.substr(0, levels.find('/'));
}

}  // namespace

bool naive_matches(std::string_view filter, std::string_view topic) {
  const bool leads_with_wildcard = filter.starts_with('+') || filter.starts_with('#');
  if (leads_with_wildcard && topic.starts_with('$')) return false;  // [MQTT-4.7.2-1]
  std::optional<std::string_view> wanted = filter;
  std::optional<std::string_view> given = topic;
  while (wanted && given) {
    const std::string_view level = first_of(*wanted);
    if (level == "#") return true;
    if (level != "+" && level != first_of(*given)) return false;
    wanted = rest_of(*wanted);
    given = rest_of(*given);
  }
  // "a/#" matches "a" as well (4.7.1.2).
  if (wanted) return *wanted == "#";
  return !given;
}

WrittenFilter split_share(std::string_view written) {
  constexpr std::string_view share = "$share/";
  if (!written.starts_with(share)) return {{}, written};
  const std::string_view behind = written.substr(share.size());
  const std::size_t slash = behind.find('/');
  if (slash == std::string_view::npos) return {{}, written};
  return {behind.substr(0, slash), behind.substr(slash + 1)};
}

std::string_view literal_prefix(std::string_view filter) {
  std::size_t begin = 0;
  while (begin <= filter.size()) {
    const std::size_t end = filter.find('/', begin);
    const std::string_view level = filter.substr(begin, end - begin);
    if (level == "+" || level == "#") return filter.substr(0, begin == 0 ? 0 : begin - 1);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  return filter;
}

}  // namespace starling::sim
