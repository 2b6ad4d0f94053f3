#include "src/uv/uv_inbox.hpp"

#include <mutex>
#include <utility>
#include <vector>

#include "starling/check.hpp"

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"

namespace starling {

class UvInbox::Core final : public UvCore {
 public:
  void open(UvLoop& loop) {
    const int error = uv_async_init(loop.native(), &async_, [](uv_async_t* handle) {
      static_cast<Core&>(UvCore::of(handle)).run_all();
    });
    STARLING_CHECK(error == 0);
    own_handle(async_);
    open_ = true;
  }

  bool post(Task task) {
    const std::lock_guard lock(mutex_);
    if (!open_) return false;
    tasks_.push_back(std::move(task));
    uv_async_send(&async_);  // under the lock: the handle may be closed right after
    return true;
  }

  void close() {
    std::vector<Task> unrun;
    {
      const std::lock_guard lock(mutex_);
      open_ = false;
      unrun.swap(tasks_);
    }
    close_handle();
  }
  void abandon() override { close(); }

 private:
  void run_all() {
    const auto keep = shared_from_this();
    std::vector<Task> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (Task& task : tasks) {
      if (!is_open()) return;  // a task has destroyed the inbox
      std::exchange(task, nullptr)();
    }
  }

  uv_async_t async_{};
  std::mutex mutex_;
  bool open_ = false;        // guarded by mutex_
  std::vector<Task> tasks_;  // guarded by mutex_
};

bool UvInbox::Poster::post(Task task) const {
  return core_->post(std::move(task));
}

UvInbox::UvInbox(UvLoop& loop) : core_(std::make_shared<Core>()) {
  core_->open(loop);
}

UvInbox::~UvInbox() {
  core_->close();
}

}  // namespace starling
