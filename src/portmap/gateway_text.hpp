// Requests and answers as text: what the daemon and the process that asks the router tell each
// other. Answers hold bytes of a router, so their reader trusts nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/portmap/gateway.hpp"

namespace starling {

constexpr std::size_t gateway_answer_bytes_max = 2048;  // of the whole text
constexpr std::size_t gateway_text_max = 256;           // bytes of one field in it

/// The words of a command line, e.g. "map natpmp 21883 21884 3600" and, if known, the gateway.
[[nodiscard]] std::vector<std::string> words_of(const GatewayRequest& request);
/// Nullopt: not such words.
[[nodiscard]] std::optional<GatewayRequest> parse_request(const std::vector<std::string>& words);

/// One "key value" a line; text of the router is made printable and cut at `gateway_text_max`.
[[nodiscard]] std::string to_text(const GatewayAnswer& answer);
/// Nullopt: cut off, too long, or not such a text.
[[nodiscard]] std::optional<GatewayAnswer> parse_answer(std::string_view text);

}  // namespace starling
