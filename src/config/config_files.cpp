#include "src/config/config_files.hpp"

#include <algorithm>
#include <filesystem>

#include "starling/limits.hpp"

#include "src/config/text_file.hpp"

namespace starling::config {

Result<std::string> SystemConfigFiles::read(const std::string& path) {
  return read_text_file(path);
}

Result<std::vector<std::string>> SystemConfigFiles::list(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (names.size() == limits::config_files_max)
      return Error{Errc::too_large, "holds more than " + std::to_string(limits::config_files_max)
                                        + " files, which no configuration does"};
    names.push_back(entry->path().filename().string());
  }
  if (error == std::errc::no_such_file_or_directory)
    return Error{Errc::not_found, "cannot be read: " + error.message()};
  if (error) return Error{Errc::io, "cannot be read: " + error.message()};
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace starling::config
