// Topic names and filters: parsed once where they enter, trusted afterwards. (4.7)
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

namespace starling {

/// Is `text` well-formed UTF-8 without U+0000? [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT5-1.5.4-1]
/// [MQTT5-1.5.4-2]
bool is_mqtt_text(std::string_view text);

/// The levels of a name or filter, in order. "a//b" has three, the middle one empty; "/" has two.
/// The views live as long as `text`.
std::vector<std::string_view> split_levels(std::string_view text);

/// A place to publish to. Copies share one text.
class TopicName {
 public:
  /// Checks `text` and keeps a copy: 1 to 65535 bytes [MQTT-4.7.3-1] [MQTT-4.7.3-3], MQTT text
  /// [MQTT-4.7.3-2], no wildcard [MQTT-3.3.2-2]. Errors: malformed.
  static Result<TopicName> parse(std::string_view text);

  [[nodiscard]] std::string_view text() const { return as_text(text_.view()); }
  /// '$' names hide from filters that open with a wildcard [MQTT-4.7.2-1].
  [[nodiscard]] bool is_dollar() const { return text_.data()[0] == '$'; }

  friend bool operator==(const TopicName& a, const TopicName& b) { return a.text() == b.text(); }
  friend auto operator<=>(const TopicName& a, const TopicName& b) { return a.text() <=> b.text(); }

 private:
  explicit TopicName(std::string_view text) : text_(as_bytes(text)) {}
  SharedBytes text_;
};

/// What a subscriber asks for, without any "$share/group/" (see ShareName). Only `parse` makes one,
/// so holding a TopicFilter is the proof that its wildcards stand where the standard allows.
class TopicFilter {
 public:
  /// Checks `text` and keeps a copy. Errors: malformed (length, text, or a misplaced wildcard
  /// [MQTT-4.7.1-2] [MQTT-4.7.1-3]).
  static Result<TopicFilter> parse(std::string_view text);

  [[nodiscard]] std::string_view text() const { return as_text(text_.view()); }
  [[nodiscard]] bool has_wildcard() const;
  [[nodiscard]] bool starts_with_wildcard() const {
    return text_.data()[0] == '+' || text_.data()[0] == '#';
  }

  /// A filter that opens with a wildcard never sees a name that opens with '$' [MQTT-4.7.2-1].
  [[nodiscard]] bool matches(const TopicName& name) const { return matches(name.text()); }
  /// The same for a text that is known to be a topic name.
  [[nodiscard]] bool matches(std::string_view name) const;

  friend bool operator==(const TopicFilter& a, const TopicFilter& b) {
    return a.text() == b.text();
  }
  friend auto operator<=>(const TopicFilter& a, const TopicFilter& b) {
    return a.text() <=> b.text();
  }

 private:
  explicit TopicFilter(std::string_view text) : text_(as_bytes(text)) {}
  SharedBytes text_;
};

/// A subscription as a client writes it: "$share/group/filter" (4.8.2) or a plain filter.
struct SubscriptionName {
  std::string share_group;  ///< empty: not shared
  TopicFilter filter;

  /// Errors: malformed, also for a share name that is empty or holds '/', '+' or '#'
  /// [MQTT5-4.8.2-1] [MQTT5-4.8.2-2].
  static Result<SubscriptionName> parse(std::string_view text);
};

}  // namespace starling
