#include "src/uv/uv_thread.hpp"

#include <csignal>
#include <pthread.h>
#include <utility>

namespace starling {
namespace {

/// Signals are the loop's: a thread takes over the mask of the one that makes it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

UvThread::UvThread(UvLoop& loop) : inbox_(loop) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this, poster = inbox_.poster()] { work(poster); });
}

UvThread::~UvThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void UvThread::run(std::function<void()> job, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(job), std::move(done)});
  }
  changed_.notify_one();
}

void UvThread::work(const UvInbox::Poster& poster) {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;  // ending, and all is done
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task.job();
    task.job = nullptr;  // what it holds goes here, before the loop hears of it
    poster.post(std::move(task.done));
  }
}

}  // namespace starling
