// The directory a node keeps its state in: locked by one daemon at a time, its documents replaced
// atomically and readable by their owner only.
#pragma once

#include <filesystem>
#include <string>

#include "starling/port/log.hpp"
#include "starling/port/store.hpp"

namespace starling {

class StateDirectory final : public StateFiles {
 public:
  /// Makes the directory (mode 0700) where it is missing and locks it.
  /// Throws std::runtime_error with a sentence for the operator: cannot be made or written, or
  /// another daemon (named by its process id) has it.
  StateDirectory(std::filesystem::path path, LogSink& log);
  ~StateDirectory() override;
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  std::optional<Bytes> load(std::string_view name) override;
  Result<void> save(std::string_view name, ByteView content) override;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void lock();

  std::filesystem::path path_;
  LogSink& log_;
  int lock_descriptor_ = -1;
};

}  // namespace starling
