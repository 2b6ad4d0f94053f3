// The two lists that a row holds as JSON text, so that a person can read them and SQLite's json
// functions can take them apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starling {

using UserProperties = std::vector<std::pair<std::string, std::string>>;

/// [["name","value"],...]: the order and repeated names matter in MQTT, so it is no object.
std::string write_user_properties(const UserProperties& properties);
/// nullopt: not such a text. Spaces between the parts do no harm.
std::optional<UserProperties> read_user_properties(std::string_view text);

/// [1,7]: Subscription Identifiers, 1 to 268 435 455.
std::string write_identifiers(const std::vector<std::uint32_t>& identifiers);
std::optional<std::vector<std::uint32_t>> read_identifiers(std::string_view text);

}  // namespace starling
