// The directory a node keeps its state in: locked by one daemon at a time, its documents replaced
// atomically and readable by their owner only. It is held open, so it stays reachable when the
// process gives up the rights that led to it.
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>

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

  /// The directory and the documents in it belong to this user from now on: before root's rights
  /// are given up. Throws std::runtime_error with a sentence for the operator.
  void hand_over_to(uid_t user, gid_t group);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void open();
  void lock();
  void close();

  std::filesystem::path path_;
  LogSink& log_;
  int directory_ = -1;  // descriptors
  int lock_ = -1;
};

}  // namespace starling
