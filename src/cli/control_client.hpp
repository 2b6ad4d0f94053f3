// Asks a daemon at its control socket, and waits for the answer.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "starling/result.hpp"

#include "src/control/control_request.hpp"

namespace starling::cli {

enum class AskFailure : std::uint8_t {
  not_running,    ///< nobody listens there
  not_permitted,  ///< the socket is another user's
  no_answer,      ///< somebody listens, and does not answer in time or hangs up
};

struct AskError {
  AskFailure failure;
  std::string what;  ///< a sentence with what to do

  /// 69, 77 or 75, as in sysexits.h.
  [[nodiscard]] int exit_status() const;
};

/// Tries the sockets in order, and goes on to the next where there is none. The answer is one line,
/// without its end, of at most answer_bytes_max.
Result<std::string, AskError> ask(const std::vector<std::string>& sockets,
                                  const control::ControlRequest& request,
                                  std::chrono::milliseconds patience = std::chrono::seconds{15});

}  // namespace starling::cli
