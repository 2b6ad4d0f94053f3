// What can still be read of a damaged store, brought into a new one. Row by row and around what is
// damaged; a row is taken only if it makes sense by itself and what it refers to was taken too.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace starling {

/// How many came over.
struct Salvaged {
  std::uint64_t sessions = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t retained = 0;  ///< messages
  std::uint64_t queued = 0;    ///< messages waiting for a session, or on their way to one
};

/// The new store could not be written. `what()`: a sentence for the operator.
class RescueFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Makes the store `fresh`, which must not exist, and fills it from `damaged`, of which only a
/// log's index (-shm) may change. `now_ms`: Unix time. Whatever is in `damaged` is no error. Throws
/// RescueFailed. `fresh` is on the disk when it returns; half of it may be there when it throws.
Salvaged salvage_store(const std::string& damaged, const std::string& fresh, std::int64_t now_ms);

}  // namespace starling
