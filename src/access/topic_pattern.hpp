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
  /// Errors: malformed (not a topic filter).
  static Result<TopicPattern> parse(std::string_view text);

  [[nodiscard]] std::string_view text() const { return filter_.text(); }
  /// Without one it is a rule for everybody, which may not be what its author meant.
  [[nodiscard]] bool has_placeholder() const;
  /// %c and %u are replaced where they stand, also within a level, and by all of the id or name: one
  /// that holds a '/' spans levels, one that begins with '$' reaches '$' names. Wildcards in it are
  /// ordinary characters. A pattern with %u matches nothing for an anonymous client.
  [[nodiscard]] bool matches(const TopicName& name, const Principal& principal) const;

 private:
  explicit TopicPattern(TopicFilter filter)
      : filter_(std::move(filter)), needs_user_(text().find("%u") != std::string_view::npos) {}
  TopicFilter filter_;  // "%c" and "%u" are ordinary characters to TopicFilter
  bool needs_user_;
};

}  // namespace starling
