#include "src/app/fault_point.hpp"

#ifdef STARLING_FAULT_POINTS
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <unistd.h>
#endif

namespace starling {

#ifdef STARLING_FAULT_POINTS
std::function<void(std::string_view)> fault_from_environment() {
  const char* written = std::getenv("STARLING_FAULT");
  if (written == nullptr || *written == '\0') return nullptr;
  const std::string_view text(written);
  const std::size_t colon = text.find(':');
  std::uint64_t left = 0;
  const bool is_count =
      colon != std::string_view::npos
      && std::from_chars(text.data() + colon + 1, text.data() + text.size(), left).ptr
             == text.data() + text.size();
  if (!is_count || left == 0)
    throw std::runtime_error("STARLING_FAULT=\"" + std::string(text)
                             + "\" is not of the form POINT:COUNT");
  return [point = std::string(text.substr(0, colon)), left](std::string_view passed) mutable {
    if (passed == point && --left == 0) ::kill(::getpid(), SIGKILL);
  };
}
#else
std::function<void(std::string_view)> fault_from_environment() {
  return nullptr;
}
#endif

}  // namespace starling
