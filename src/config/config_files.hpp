// ConfigFiles: where configuration comes from, so that tests and fuzzers need no file system.
#pragma once

#include <string>
#include <vector>

#include "starling/result.hpp"

namespace starling::config {

class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;
  /// Errors: not_found, io, too_large (limits::config_file_max); `what` says why without naming the file.
  virtual Result<std::string> read(const std::string& path) = 0;
  /// Names (without the folder) of the files in `folder`, in the order of their bytes. Errors:
  /// not_found, io, too_large (limits::config_files_max).
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
};

/// The real ones.
class SystemConfigFiles final : public ConfigFiles {
 public:
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
};

}  // namespace starling::config
