// Words, numbers and columns for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "starling/time.hpp"

namespace starling::control {

/// `text` on one line and harmless on a terminal: control characters become spaces, bytes that are
/// no UTF-8 and direction marks become '?', a text of more than 400 bytes is cut. Names, addresses
/// and reasons may come from peers.
std::string printable(std::string_view text);

/// "3d4h", "12m30s", "8s": the two largest units. Below a second "0s".
std::string duration_text(Duration span);
/// "84 ms", "0.4 ms", "2.3 s".
std::string latency_text(Duration span);
/// "640", "1.2k", "88M".
std::string count_text(std::uint64_t count);
/// "512 B", "1.2 MiB".
std::string size_text(std::uint64_t bytes);
/// "no peers", "1 peer", "2 peers"; `many` where an s is not enough.
std::string counted(std::uint64_t count, std::string_view one, std::string_view many = {});

/// Columns as wide as their widest entry, two spaces between them, nothing behind the last.
class Columns {
 public:
  void add_row(std::vector<std::string> cells);
  /// Below the row before, from the second column on: for what needs a whole line.
  void add_note(std::string text);
  [[nodiscard]] std::string text() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool is_note = false;
  };
  std::vector<Row> rows_;
};

}  // namespace starling::control
