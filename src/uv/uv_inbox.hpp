// UvInbox: the one door from other threads into the loop.
#pragma once

#include <functional>
#include <memory>

namespace starling {

class UvLoop;

class UvInbox {
 private:
  class Core;

 public:
  using Task = std::function<void()>;

  /// May be copied, kept and used by any thread, also after the inbox is gone.
  class Poster {
   public:
    /// Lets the loop run `task`, in the order of posting. False: the inbox is gone, and so is the
    /// task.
    bool post(Task task) const;

   private:
    friend class UvInbox;
    explicit Poster(std::shared_ptr<Core> core) : core_(std::move(core)) {}
    std::shared_ptr<Core> core_;
  };

  explicit UvInbox(UvLoop& loop);
  /// Tasks that have not run are destroyed unrun, on this thread.
  ~UvInbox();

  [[nodiscard]] Poster poster() const { return Poster{core_}; }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace starling
