#include "src/uv/uv_loop.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <uv.h>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {

struct UvLoop::Handles {
  uv_prepare_t before_poll;
  uv_check_t after_poll;
  uv_async_t keep_running;  // run() must not return for want of other handles
};

UvLoop::UvLoop()
    : loop_(std::make_unique<uv_loop_s>()),
      handles_(std::make_unique<Handles>()),
      scratch_(limits::read_scratch_size),
      close_flush_max_(limits::close_flush_max) {
  // A peer that went away must be an error of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  if (const int error = uv_loop_init(loop_.get()); error != 0) {
    throw std::runtime_error(std::string("cannot make an event loop: ") + uv_strerror(error));
  }
  uv_loop_set_data(loop_.get(), this);
  if (const int error = uv_async_init(loop_.get(), &handles_->keep_running, nullptr); error != 0) {
    uv_loop_close(loop_.get());
    throw std::runtime_error(std::string("cannot make an event loop: ") + uv_strerror(error));
  }
  uv_prepare_init(loop_.get(), &handles_->before_poll);
  uv_check_init(loop_.get(), &handles_->after_poll);
  // Timers run before `prepare`, sockets between `prepare` and `check`: two ends of a turn, so that
  // nothing that a timer caused waits for a socket. The timer is set only where the loop is about
  // to sleep.
  uv_prepare_start(&handles_->before_poll, [](uv_prepare_t* handle) {
    auto& self = *static_cast<UvLoop*>(uv_loop_get_data(handle->loop));
    self.end_turn();
    self.scheduler_->arm();
    self.forget_now();
  });
  uv_check_start(&handles_->after_poll, [](uv_check_t* handle) {
    auto& self = *static_cast<UvLoop*>(uv_loop_get_data(handle->loop));
    self.end_turn();
    self.forget_now();
  });
  scheduler_ = std::make_unique<UvScheduler>(*this);
}

UvLoop::~UvLoop() {
  tasks_.clear();
  commits_.clear();
  scheduler_->forget_all();
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->before_poll), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->after_poll), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->keep_running), nullptr);
  uv_walk(
      loop_.get(),
      [](uv_handle_t* handle, void*) {
        if (uv_handle_get_data(handle) != nullptr) UvCore::of(handle).abandon();
      },
      nullptr);
  uv_run(loop_.get(), UV_RUN_DEFAULT);
  tasks_.clear();
  commits_.clear();
  STARLING_CHECK(uv_loop_close(loop_.get()) == 0);
}

void UvLoop::run() {
  uv_run(loop_.get(), UV_RUN_DEFAULT);
}

void UvLoop::stop() {
  uv_stop(loop_.get());
}

TimePoint UvLoop::now() {
  if (!now_known_) {
    now_ = TimePoint{Duration{static_cast<Duration::rep>(uv_hrtime())}};
    now_known_ = true;
  }
  return now_;
}

void UvLoop::flush_later(TurnOutput& output) {
  if (output.dirty_) return;
  output.dirty_ = true;
  dirty_.push_back(&output);
}

void UvLoop::forget(TurnOutput& output) {
  if (!output.dirty_) return;
  output.dirty_ = false;
  std::replace(dirty_.begin(), dirty_.end(), &output, static_cast<TurnOutput*>(nullptr));
  std::replace(dirty_flushing_.begin(), dirty_flushing_.end(), &output,
               static_cast<TurnOutput*>(nullptr));
}

void UvLoop::end_turn() {
  ++turn_;
  while (!tasks_.empty() || !commits_.empty() || !dirty_.empty()) {
    while (!tasks_.empty() || !commits_.empty()) {
      tasks_running_.swap(tasks_.empty() ? commits_ : tasks_);
      for (Task& task : tasks_running_) std::exchange(task, nullptr)();
      tasks_running_.clear();
    }
    dirty_flushing_.swap(dirty_);
    for (std::size_t i = 0; i < dirty_flushing_.size(); ++i) {
      TurnOutput* output = dirty_flushing_[i];
      if (output == nullptr) continue;
      output->dirty_ = false;
      output->flush_turn();
    }
    dirty_flushing_.clear();
  }
}

}  // namespace starling
