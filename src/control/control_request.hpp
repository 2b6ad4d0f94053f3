// A line that came in at the control socket into a request, and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "starling/result.hpp"

namespace starling::control {

enum class RequestKind : std::uint8_t { status, doctor };

struct ControlRequest {
  RequestKind kind = RequestKind::status;
  std::vector<std::string> checks;  ///< doctor: only these (check_names()); empty: all

  auto operator<=>(const ControlRequest&) const = default;
};

/// `line`: JSON without its line end. Errors: malformed, unsupported (a request or a check that we
/// do not know); `what` is a sentence for who wrote it.
Result<ControlRequest> parse_request(std::string_view line);
/// With its line end.
std::string write_request(const ControlRequest& request);

/// {"schema":1,"error":"..."}: the answer to what could not be done.
std::string error_document(std::string_view why);

}  // namespace starling::control
