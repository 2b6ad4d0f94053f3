// LevelTable: every distinct level of the filters or names of one tree once, with a number. A level
// is kept as long as somebody uses it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/topic/flat_index.hpp"
#include "src/topic/keyed_hash.hpp"

namespace starling {

using LevelId = std::uint32_t;

class LevelTable {
 public:
  static constexpr LevelId none = FlatIndex::none;

  explicit LevelTable(HashSeed seed) : seed_(seed) {}

  /// The number of `level` (at most 65535 bytes), or none.
  [[nodiscard]] LevelId find(std::string_view level) const;
  /// The same, made if need be; the caller then holds one use of it.
  LevelId acquire(std::string_view level);
  /// Gives one use back; the last one forgets the level, and its number is given out again.
  void release(LevelId id);
  /// Valid until the next acquire() or release().
  [[nodiscard]] std::string_view text(LevelId id) const;

  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  struct Level {
    std::uint64_t offset_and_size = 0;  // 48 bits where in texts_, 16 bits how long
    std::uint32_t uses = 0;             // 0: free
    std::uint32_t hash = 0;
    [[nodiscard]] std::size_t offset() const { return offset_and_size >> 16U; }
    [[nodiscard]] std::size_t size() const { return offset_and_size & 0xFFFFU; }
    void place(std::size_t offset, std::size_t size) { offset_and_size = offset << 16U | size; }
  };
  [[nodiscard]] std::uint32_t hash_of(std::string_view level) const {
    return static_cast<std::uint32_t>(keyed_hash(seed_, level));
  }
  [[nodiscard]] LevelId find(std::string_view level, std::uint32_t hash) const;
  void compact_texts();

  HashSeed seed_;
  FlatIndex index_;
  std::vector<Level> levels_;
  std::vector<LevelId> free_;
  std::vector<char> texts_;     // all levels one after another, holes included
  std::size_t hole_bytes_ = 0;  // in texts_; compacted when they are more than half of it
};

}  // namespace starling
