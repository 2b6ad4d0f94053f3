// How options of mosquitto.conf take their values: for the node, or for the listener they belong to.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "src/config/mosquitto_option.hpp"

namespace starling::config::mosquitto {

using Option = MosquittoOption;

inline constexpr std::int64_t int_min = std::numeric_limits<std::int32_t>::min();
inline constexpr std::int64_t int_max = std::numeric_limits<std::int32_t>::max();

// --- Values of the node

inline void node_flag(Option& option, std::string_view path, bool& into) {
  if (const auto value = option.flag()) {
    into = *value;
    option.set(path);
  }
}

inline void node_text(Option& option, std::string_view path, std::string& into) {
  if (auto value = option.text_once(option.draft().written)) {
    into = std::move(*value);
    option.set(path);
  }
}

template <class T>
void node_number(Option& option, std::string_view path, T& into, std::int64_t least,
                 std::int64_t most) {
  if (const auto value = option.number(least, most)) {
    into = static_cast<T>(*value);
    option.set(path);
  }
}

/// A bound for which zero and everything below means "none", which is `none` here.
template <class T>
void node_bound(Option& option, std::string_view path, T& into, T none) {
  if (const auto value = option.number(int_min, int_max)) {
    into = *value <= 0 ? none : static_cast<T>(*value);
    option.set(path);
  }
}

// --- Values of a listener

inline void listener_flag(Option& option, std::string_view key, bool& into) {
  if (const auto value = option.flag()) {
    into = *value;
    option.set_in_listener(key);
  }
}

inline void listener_text(Option& option, std::string_view key, std::string& into) {
  if (auto value = option.text_once(option.listener().written)) {
    into = std::move(*value);
    option.set_in_listener(key);
  }
}

inline void listener_alias(Option& option, std::string_view key,
                           std::optional<std::uint16_t>& into) {
  if (const auto value = option.number(0, 65'535)) {
    into = static_cast<std::uint16_t>(*value);
    option.set_in_listener(key);
  }
}

}  // namespace starling::config::mosquitto
