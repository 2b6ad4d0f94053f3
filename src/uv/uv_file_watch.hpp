// UvFileWatch: says when the contents of files have changed, however they were put there: written
// in place, renamed over, or behind a symbolic link that now leads elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/time.hpp"

namespace starling {

class UvLoop;

/// Watches the directories of the files and of every link on the way to them, and looks at them
/// once in a while for file systems that tell nothing.
class UvFileWatch {
 public:
  using OnChange = std::function<void()>;
  struct Times {
    Duration settle = limits::file_watch_settle;  ///< without a further change
    Duration look = limits::file_watch_look;      ///< between looks nobody asked for
  };

  /// `on_change` comes from the loop, once for all changes that lie close together. Files need not
  /// exist; a directory's entries are watched.
  UvFileWatch(UvLoop& loop, OnChange on_change, Times times);
  UvFileWatch(UvLoop& loop, OnChange on_change)
      : UvFileWatch(loop, std::move(on_change), Times{}) {}
  ~UvFileWatch();
  UvFileWatch(const UvFileWatch&) = delete;
  UvFileWatch& operator=(const UvFileWatch&) = delete;

  /// From now on these, as they are at this moment.
  void set_paths(std::vector<std::string> paths);

 private:
  class Directory;
  /// What tells a file from its successor.
  struct Mark {
    bool there = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    bool operator==(const Mark&) const = default;
  };

  static Mark mark_of(const std::string& path);
  void watch_directories();
  /// Something has happened in one of the directories, perhaps to another file.
  void look_soon(Duration pause);
  void look();

  UvLoop& loop_;
  OnChange on_change_;
  Times times_;
  std::vector<std::string> paths_;
  std::vector<Mark> marks_;  // of paths_
  std::map<std::string, std::shared_ptr<Directory>> directories_;
  WakeId wake_;           // the next look
  TimePoint wake_at_{};   // when it is
  bool changed_ = false;  // and not told yet
};

}  // namespace starling
