// ConfigFiles in memory: path to text. A folder is what paths begin with.
#pragma once

#include <map>
#include <string>

#include "src/config/config_files.hpp"

namespace starling {

class MemoryConfigFiles final : public config::ConfigFiles {
 public:
  Result<std::string> read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end())
      return Error{Errc::not_found, "cannot be read: No such file or directory"};
    return found->second;
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    const std::string begin = folder + (folder.ends_with('/') ? "" : "/");
    std::vector<std::string> names;
    for (const auto& file : files)
      if (file.first.compare(0, begin.size(), begin) == 0)
        names.push_back(file.first.substr(begin.size()));
    if (names.empty()) return Error{Errc::not_found, "cannot be read: No such file or directory"};
    return names;
  }
  std::map<std::string, std::string> files;
};

}  // namespace starling
