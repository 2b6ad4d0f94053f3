#include "src/uv/uv_file_watch.hpp"

#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <utility>

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

namespace fs = std::filesystem;

constexpr Duration event_pause = std::chrono::milliseconds(50);  // many events, one look

/// The directories in which a change could make `path` another file: its own, and those of the
/// symbolic links on the way.
void collect_directories(fs::path path, std::set<std::string>& directories) {
  std::error_code error;
  for (std::size_t links = 0; links <= limits::file_watch_links_max; ++links) {
    path = fs::absolute(path, error).lexically_normal();
    fs::path here = path.root_path();
    bool followed = false;
    const fs::path relative = path.relative_path();
    for (auto part = relative.begin(); part != relative.end() && !followed; ++part) {
      const fs::path next = here / *part;
      if (fs::is_symlink(fs::symlink_status(next, error))) {
        directories.insert(here.string());
        fs::path target = here / fs::read_symlink(next, error);  // absolute ones replace `here`
        for (auto rest = std::next(part); rest != relative.end(); ++rest) target /= *rest;
        path = target;
        followed = true;
      }
      here = next;
    }
    if (!followed) break;
  }
  directories.insert((fs::is_directory(path, error) ? path : path.parent_path()).string());
}

}  // namespace

class UvFileWatch::Directory final : public UvCore {
 public:
  explicit Directory(UvFileWatch& owner) : owner_(owner) {}

  /// False: it cannot be watched, because it is not there or the system's means are used up.
  bool open(UvLoop& loop, const std::string& path) {
    if (uv_fs_event_init(loop.native(), &handle_) != 0) return false;
    own_handle(handle_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
    const int error = uv_fs_event_start(
        &handle_,
        [](uv_fs_event_t* handle, const char*, int, int) {
          auto& core = UvCore::of(handle);
          if (core.is_open()) static_cast<Directory&>(core).owner_.look_soon(event_pause);
        },
        path.c_str(), 0);
    if (error != 0) close_handle();
    return error == 0;
  }

 private:
  UvFileWatch& owner_;
  uv_fs_event_t handle_{};
};

UvFileWatch::UvFileWatch(UvLoop& loop, OnChange on_change, Times times)
    : loop_(loop), on_change_(std::move(on_change)), times_(times) {}

UvFileWatch::~UvFileWatch() {
  loop_.scheduler().cancel(wake_);
  for (const auto& directory : directories_) directory.second->close_handle();
}

void UvFileWatch::set_paths(std::vector<std::string> paths) {
  paths_ = std::move(paths);
  marks_.clear();
  for (const std::string& path : paths_) marks_.push_back(mark_of(path));
  changed_ = false;
  watch_directories();
  loop_.scheduler().cancel(std::exchange(wake_, {}));
  if (!paths_.empty()) look_soon(times_.look);
}

UvFileWatch::Mark UvFileWatch::mark_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {true, static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino),
          static_cast<std::int64_t>(found.st_size),
          static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec};
}

void UvFileWatch::watch_directories() {
  std::set<std::string> wanted;
  for (const std::string& path : paths_) collect_directories(path, wanted);
  std::erase_if(directories_, [&](const auto& directory) {
    const bool keep = wanted.count(directory.first) != 0 && directory.second->is_open();
    if (!keep) directory.second->close_handle();
    return !keep;
  });
  for (const std::string& path : wanted) {
    if (directories_.count(path) != 0) continue;
    auto directory = std::make_shared<Directory>(*this);
    if (directory->open(loop_, path)) directories_.emplace(path, std::move(directory));
  }
}

void UvFileWatch::look_soon(Duration pause) {
  const TimePoint when = loop_.now() + pause;
  if (wake_ && wake_at_ <= when) return;
  loop_.scheduler().cancel(std::exchange(wake_, {}));
  wake_at_ = when;
  wake_ = loop_.scheduler().wake_at(when, [this] {
    wake_ = {};
    look();
  });
}

void UvFileWatch::look() {
  bool moved = false;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const Mark now = mark_of(paths_[i]);
    moved = moved || !(now == marks_[i]);
    marks_[i] = now;
  }
  watch_directories();  // links may lead elsewhere, a directory may have come back
  if (moved) changed_ = true;
  if (moved) return look_soon(times_.settle);
  look_soon(times_.look);
  if (std::exchange(changed_, false)) on_change_();  // last: it may set other paths, or destroy us
}

}  // namespace starling
