#include "src/topic/level_table.hpp"

#include <algorithm>

#include "starling/check.hpp"

namespace starling {

LevelId LevelTable::find(std::string_view level) const {
  return find(level, hash_of(level));
}

LevelId LevelTable::find(std::string_view level, std::uint32_t hash) const {
  return index_.find(hash, [&](LevelId id) { return text(id) == level; });
}

LevelId LevelTable::acquire(std::string_view level) {
  STARLING_CHECK(level.size() <= 0xFFFF);
  const std::uint32_t hash = hash_of(level);
  if (const LevelId known = find(level, hash); known != none) {
    ++levels_[known].uses;
    return known;
  }
  LevelId id = none;
  if (free_.empty()) {
    id = static_cast<LevelId>(levels_.size());
    levels_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Level& made = levels_[id];
  made.place(texts_.size(), level.size());
  made.uses = 1;
  made.hash = hash;
  texts_.insert(texts_.end(), level.begin(), level.end());
  index_.insert(hash, id);
  return id;
}

void LevelTable::release(LevelId id) {
  Level& level = levels_[id];
  STARLING_CHECK(level.uses > 0);
  if (--level.uses > 0) return;
  index_.erase(level.hash, id);
  hole_bytes_ += level.size();
  level = Level{};
  free_.push_back(id);
  if (hole_bytes_ > 1024 && hole_bytes_ * 2 > texts_.size()) compact_texts();
}

std::string_view LevelTable::text(LevelId id) const {
  const Level& level = levels_[id];
  return {texts_.data() + level.offset(), level.size()};
}

void LevelTable::compact_texts() {
  std::vector<char> packed;
  packed.reserve(texts_.size() - hole_bytes_);
  for (LevelId id = 0; id < levels_.size(); ++id) {
    if (levels_[id].uses == 0) continue;
    const std::string_view old = text(id);
    const std::size_t offset = packed.size();
    packed.insert(packed.end(), old.begin(), old.end());
    levels_[id].place(offset, old.size());
  }
  texts_ = std::move(packed);
  hole_bytes_ = 0;
}

std::size_t LevelTable::memory_bytes() const {
  return index_.memory_bytes() + levels_.capacity() * sizeof(Level)
         + free_.capacity() * sizeof(LevelId) + texts_.capacity();
}

}  // namespace starling
