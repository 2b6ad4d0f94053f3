// ShareRule: one sentence about which topics flow between local clients and a mesh, checked when it
// is made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "starling/result.hpp"
#include "starling/topic.hpp"

namespace starling {

enum class ShareDirection : std::uint8_t {
  in,   ///< what members publish reaches local clients
  out,  ///< what local clients publish reaches members
  both,
};

/// "in", "out" or "both"; nullopt for anything else.
[[nodiscard]] std::optional<ShareDirection> parse_direction(std::string_view word);

/// A rule as a person writes it.
struct ShareRuleText {
  std::string filter;
  std::optional<ShareDirection> direction;  ///< nullopt: not written
  std::string local_prefix;                 ///< local name = local_prefix + what the filter matches
  std::string mesh_prefix;                  ///< name in the mesh = mesh_prefix + the same

  /// Reads "[in:|out:|both:]FILTER", as --share has it. Errors: malformed (no filter; a direction
  /// that looks like a slip: "Both:", "inout:").
  static Result<ShareRuleText> parse(std::string_view text);
};

class ShareRule {
 public:
  /// Direction left out: both ways in a private mesh. Errors, each with its reason: malformed
  /// (filter or prefix that makes no topic filter, a prefix with a wildcard, more than
  /// limits::topic_levels_max levels), not_authorized ('$' topics; in an open mesh a direction that
  /// was not written, or a filter that begins with a wildcard).
  static Result<ShareRule> make(const ShareRuleText& text, bool open_mesh);

  [[nodiscard]] bool admits_in() const { return direction_ != ShareDirection::out; }
  [[nodiscard]] bool admits_out() const { return direction_ != ShareDirection::in; }
  [[nodiscard]] ShareDirection direction() const { return direction_; }
  /// The filter with its prefix, as it applies on either side.
  [[nodiscard]] const TopicFilter& local_filter() const { return local_filter_; }
  [[nodiscard]] const TopicFilter& mesh_filter() const { return mesh_filter_; }

  /// The mesh-side name of a local name under this rule, or nullopt: it does not match, or would be
  /// a
  /// '$' name, empty or too long on the other side. Says nothing about the direction.
  [[nodiscard]] std::optional<TopicName> to_mesh(const TopicName& local) const;
  /// The other way round.
  [[nodiscard]] std::optional<TopicName> to_local(const TopicName& mesh_side) const;
  /// The mesh-side filter of what `local` asks for within this rule; nullopt: nothing.
  [[nodiscard]] std::optional<TopicFilter> to_mesh(const TopicFilter& local) const;

 private:
  ShareRule(ShareDirection direction, std::string local_prefix, std::string mesh_prefix,
            TopicFilter local_filter, TopicFilter mesh_filter);

  ShareDirection direction_;
  std::string local_prefix_;
  std::string mesh_prefix_;
  TopicFilter local_filter_;
  TopicFilter mesh_filter_;
};

}  // namespace starling
