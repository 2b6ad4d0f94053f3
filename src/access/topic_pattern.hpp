// TopicPattern: a topic filter in which %c stands for the client's id and %u for its user name, as
// in Mosquitto's "pattern" lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "starling/result.hpp"
#include "starling/topic.hpp"

namespace starling {

/// Who asks. The views live as long as their owner says.
struct Principal {
  std::optional<std::string_view> user;  ///< nullopt: anonymous
  std::string_view client_id;
};

class TopicPattern {
 public:
  /// Errors: malformed (not a filter, or a %c or %u that does not fill a whole level: what it would
  /// match then depends on the broker and its version).
  static Result<TopicPattern> parse(std::string_view text);

  [[nodiscard]] std::string_view text() const { return filter_.text(); }
  /// %c and %u match exactly one level, which must equal the id or name: an id that holds a '/'
  /// matches nothing, so nobody climbs out of his own place by his choice of name. A pattern with
  /// %u matches nothing for an anonymous client. '$' names only match patterns that begin with '$'.
  [[nodiscard]] bool matches(const TopicName& name, const Principal& principal) const;

 private:
  explicit TopicPattern(TopicFilter filter) : filter_(std::move(filter)) {}
  TopicFilter filter_;  // "%c" and "%u" are levels like others to TopicFilter
};

}  // namespace starling
