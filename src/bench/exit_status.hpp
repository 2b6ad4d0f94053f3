// How a program of the command line ends, and the exception that carries it up to main.
#pragma once

#include <stdexcept>
#include <string>

namespace starling::bench {

/// Exit statuses; 69 and 77 are those of sysexits.h.
enum class ExitStatus : int { ok = 0, failed = 1, usage = 2, unreachable = 69, permission = 77 };

/// What went wrong, as a sentence for the person at the keyboard, and how the program ends for it.
struct Trouble {
  ExitStatus status = ExitStatus::failed;
  std::string what;
};

/// Thrown where nothing can go on; caught once, by run().
class TroubleError : public std::runtime_error {
 public:
  explicit TroubleError(Trouble trouble)
      : std::runtime_error(trouble.what), trouble_(std::move(trouble)) {}
  [[nodiscard]] const Trouble& trouble() const { return trouble_; }

 private:
  Trouble trouble_;
};

}  // namespace starling::bench
