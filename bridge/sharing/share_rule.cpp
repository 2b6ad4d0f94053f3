#include "bridge/sharing/share_rule.hpp"

#include <algorithm>
#include <utility>

#include "starling/limits.hpp"

#include "src/topic/filter_algebra.hpp"

namespace starling {
namespace {

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

Result<void> check_prefix(std::string_view prefix, const char* side) {
  if (prefix.find_first_of("+#") != std::string_view::npos)
    return Error{Errc::malformed,
                 std::string(side) + " prefix " + quoted(prefix) + " holds a wildcard"};
  return {};
}

/// The filter as it applies on one side of the border.
Result<TopicFilter> make_side(const std::string& prefix, const std::string& filter,
                              const char* side) {
  auto made = TopicFilter::parse(prefix + filter);
  if (!made) {
    std::string what = quoted(prefix + filter) + " is no topic filter: " + made.error().what;
    if (!prefix.empty() && prefix.back() != '/')
      what += "; a prefix usually ends with '/', as in " + quoted(prefix + "/");
    return Error{Errc::malformed, std::move(what)};
  }
  if (made->text().front() == '$')
    return Error{Errc::not_authorized,
                 quoted(made->text()) + " on the " + side + " side: '$' topics are never shared"};
  if (split_levels(made->text()).size() > limits::topic_levels_max)
    return Error{Errc::malformed, quoted(made->text().substr(0, 40)) + "... has more than "
                                      + std::to_string(limits::topic_levels_max) + " levels"};
  return made;
}

Result<void> check_open(const ShareRuleText& text, const TopicFilter& local,
                        const TopicFilter& mesh) {
  if (!text.direction)
    return Error{Errc::not_authorized,
                 "in an open mesh a share rule names its direction, as in 'both:" + text.filter
                     + "', 'in:" + text.filter + "' or 'out:" + text.filter + "'"};
  // It would put every member's record under one key of the DHT, and every message to everybody.
  if (mesh.starts_with_wildcard())
    return Error{Errc::not_authorized,
                 quoted(mesh.text()) + ": in an open mesh a filter begins with a literal level, as "
                                       "in 'chat/#'; one that begins with a wildcard would ask all "
                                       "its strangers for everything"};
  if (*text.direction != ShareDirection::in && local.starts_with_wildcard())
    return Error{Errc::not_authorized,
                 quoted(local.text()) + ": in an open mesh a filter begins with a literal level; one "
                                        "that begins with a wildcard would tell strangers everything "
                                        "that is published here"};
  return {};
}

/// `name` with its prefix exchanged; nullopt if it lacks the prefix or the result is no ordinary
/// name.
std::optional<TopicName> exchange_prefix(const TopicName& name, const std::string& from,
                                         const std::string& to) {
  if (from == to) return name;
  if (!name.text().starts_with(from)) return std::nullopt;
  auto made = TopicName::parse(to + std::string(name.text().substr(from.size())));
  if (!made || made->is_dollar()) return std::nullopt;
  return std::move(made).value();
}

}  // namespace

std::optional<ShareDirection> parse_direction(std::string_view word) {
  if (word == "in") return ShareDirection::in;
  if (word == "out") return ShareDirection::out;
  if (word == "both") return ShareDirection::both;
  return std::nullopt;
}

Result<ShareRuleText> ShareRuleText::parse(std::string_view text) {
  ShareRuleText rule;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view word = text.substr(0, colon);
    rule.direction = parse_direction(word);
    if (rule.direction) text.remove_prefix(colon + 1);
    std::string lower(word);
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    // A filter may hold a colon, but hardly behind one of these.
    if (!rule.direction && (parse_direction(lower) || lower == "inout" || lower == "outin"))
      return Error{Errc::malformed, "unknown direction " + quoted(word) + ", did you mean "
                                        + quoted(parse_direction(lower) ? lower : "both") + "?"};
  }
  if (text.empty()) return Error{Errc::malformed, "a share rule needs a filter, as in 'home/#'"};
  rule.filter = std::string(text);
  return rule;
}

Result<ShareRule> ShareRule::make(const ShareRuleText& text, bool open_mesh) {
  if (auto plain = TopicFilter::parse(text.filter); !plain)
    return Error{Errc::malformed,
                 quoted(text.filter) + " is no topic filter: " + plain.error().what};
  if (auto checked = check_prefix(text.local_prefix, "local"); !checked) return checked.error();
  if (auto checked = check_prefix(text.mesh_prefix, "mesh"); !checked) return checked.error();
  auto local = make_side(text.local_prefix, text.filter, "local");
  if (!local) return local.error();
  auto mesh = make_side(text.mesh_prefix, text.filter, "mesh");
  if (!mesh) return mesh.error();
  if (open_mesh)
    if (auto checked = check_open(text, *local, *mesh); !checked) return checked.error();
  return ShareRule(text.direction.value_or(ShareDirection::both), text.local_prefix,
                   text.mesh_prefix, std::move(local).value(), std::move(mesh).value());
}

ShareRule::ShareRule(ShareDirection direction, std::string local_prefix, std::string mesh_prefix,
                     TopicFilter local_filter, TopicFilter mesh_filter)
    : direction_(direction),
      local_prefix_(std::move(local_prefix)),
      mesh_prefix_(std::move(mesh_prefix)),
      local_filter_(std::move(local_filter)),
      mesh_filter_(std::move(mesh_filter)) {}

std::optional<TopicName> ShareRule::to_mesh(const TopicName& local) const {
  if (!local_filter_.matches(local)) return std::nullopt;
  return exchange_prefix(local, local_prefix_, mesh_prefix_);
}

std::optional<TopicName> ShareRule::to_local(const TopicName& mesh_side) const {
  if (!mesh_filter_.matches(mesh_side)) return std::nullopt;
  return exchange_prefix(mesh_side, mesh_prefix_, local_prefix_);
}

std::optional<TopicFilter> ShareRule::to_mesh(const TopicFilter& local) const {
  auto both = intersect(local_filter_, local);
  // With the prefix "home/", "home/#" matches "home" as well, which has no name on the other side.
  if (!both || !both->text().starts_with(local_prefix_)) return std::nullopt;
  if (local_prefix_ == mesh_prefix_) return both;
  auto made =
      TopicFilter::parse(mesh_prefix_ + std::string(both->text().substr(local_prefix_.size())));
  if (!made || made->text().front() == '$') return std::nullopt;
  return std::move(made).value();
}

}  // namespace starling
