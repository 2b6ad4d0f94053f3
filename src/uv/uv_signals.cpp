#include "src/uv/uv_signals.hpp"

#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"

namespace starling {

class UvSignals::Core final : public UvCore {
 public:
  explicit Core(std::shared_ptr<const OnSignal> on_signal) : on_signal_(std::move(on_signal)) {}

  void open(UvLoop& loop, int signal) {
    int error = uv_signal_init(loop.native(), &handle_);
    if (error == 0) {
      own_handle(handle_);
      uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
      error = uv_signal_start(
          &handle_,
          [](uv_signal_t* handle, int number) {
            const auto on_signal = static_cast<Core&>(UvCore::of(handle)).on_signal_;
            (*on_signal)(number);
          },
          signal);
    }
    if (error == 0) return;
    close_handle();
    throw std::runtime_error(std::string("cannot watch signals: ") + uv_strerror(error));
  }

 private:
  std::shared_ptr<const OnSignal> on_signal_;
  uv_signal_t handle_{};
};

std::vector<int> UvSignals::common() {
  return {SIGTERM, SIGINT, SIGHUP};
}

std::vector<int> UvSignals::all() {
  return {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN};
}

UvSignals::UvSignals(UvLoop& loop, OnSignal on_signal, const std::vector<int>& signals) {
  const auto shared = std::make_shared<const OnSignal>(std::move(on_signal));
  for (const int signal : signals) {
    cores_.push_back(std::make_shared<Core>(shared));
    cores_.back()->open(loop, signal);
  }
}

UvSignals::~UvSignals() {
  for (const auto& core : cores_) core->close_handle();
}

}  // namespace starling
