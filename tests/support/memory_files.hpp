// StateFiles in memory, that can be full.
#pragma once

#include <map>
#include <string>

#include "starling/port/store.hpp"

namespace starling {

class MemoryFiles final : public StateFiles {
 public:
  std::optional<Bytes> load(std::string_view name) override {
    const auto found = files.find(std::string(name));
    if (found == files.end()) return std::nullopt;
    return found->second;
  }
  Result<void> save(std::string_view name, ByteView content) override {
    if (full) return Error{Errc::io, "no space left"};
    files[std::string(name)] = Bytes(content.begin(), content.end());
    return {};
  }
  std::map<std::string, Bytes> files;
  bool full = false;
};

}  // namespace starling
