#include "src/uv/uv_child.hpp"

#include <array>
#include <csignal>
#include <utility>

#include "src/uv/uv_core.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {

/// Stays until the program has ended, even if nobody wants to know: the system must be asked for its
/// status once, or it remains as a zombie.
class UvChild::Process final : public UvCore {
 public:
  explicit Process(UvChild& owner) : owner_(&owner) {}

  /// 0, or libuv's error.
  int open(UvLoop& loop, std::vector<std::string>& words, uv_pipe_t& output) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<uv_stdio_container_t, 3> stdio{};
    stdio[0].flags = UV_IGNORE;
    stdio[1].flags = static_cast<uv_stdio_flags>(UV_CREATE_PIPE | UV_WRITABLE_PIPE);
    stdio[1].data.stream = reinterpret_cast<uv_stream_t*>(&output);
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = 2;
    uv_process_options_t options{};
    options.file = arguments.front();
    options.args = arguments.data();
    options.stdio = stdio.data();
    options.stdio_count = static_cast<int>(stdio.size());
    options.exit_cb = [](uv_process_t* handle, std::int64_t status, int signal) {
      auto& core = static_cast<Process&>(UvCore::of(handle));
      const auto keep = core.shared_from_this();
      core.close_handle();
      if (core.owner_ != nullptr) core.owner_->on_exit(status, signal);
    };
    const int error = uv_spawn(loop.native(), &handle_, &options);
    own_handle(handle_);  // also after an error it is a handle that must be closed
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
    if (error != 0) close_handle();
    return error;
  }
  void kill() {
    if (is_open()) uv_process_kill(&handle_, SIGKILL);
  }
  void forget_owner() { owner_ = nullptr; }

 private:
  UvChild* owner_;
  uv_process_t handle_{};
};

class UvChild::Output final : public UvCore {
 public:
  explicit Output(UvChild& owner) : owner_(&owner) {}

  uv_pipe_t& open(UvLoop& loop) {
    uv_pipe_init(loop.native(), &handle_, 0);
    own_handle(handle_);
    uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
    return handle_;
  }
  void read() {
    const int error = uv_read_start(
        reinterpret_cast<uv_stream_t*>(&handle_),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          auto& bytes = static_cast<Output&>(UvCore::of(handle)).bytes_;
          *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
        },
        [](uv_stream_t* handle, ssize_t count, const uv_buf_t*) {
          auto& core = static_cast<Output&>(UvCore::of(handle));
          if (core.owner_ == nullptr || count == 0) return;
          if (count > 0)
            return core.owner_->on_output(core.bytes_.data(), static_cast<std::size_t>(count));
          core.close_handle();
          core.owner_->on_output_end();
        });
    if (error != 0) owner_->on_output_end();
  }
  void forget_owner() { owner_ = nullptr; }

 private:
  UvChild* owner_;
  uv_pipe_t handle_{};
  std::array<char, 1024> bytes_{};
};

UvChild::UvChild(UvLoop& loop, std::vector<std::string> words, Bounds bounds, OnEnd on_end)
    : loop_(loop),
      bounds_(bounds),
      on_end_(std::move(on_end)),
      process_(std::make_shared<Process>(*this)),
      output_(std::make_shared<Output>(*this)) {
  const int error = process_->open(loop, words, output_->open(loop));
  if (error != 0) {
    why_not_ = "cannot run " + words.front() + ": " + uv_strerror(error);
    has_exited_ = output_ended_ = true;
    timeout_ = loop_.scheduler().wake_at(loop_.now(), [this] { finish(); });
    return;
  }
  timeout_ = loop_.scheduler().wake_at(loop_.now() + bounds_.time_max, [this] {
    kill("it has not ended in time");
    // It may have left the pipe to somebody else.
    output_ended_ = true;
    end_if_complete();
  });
  output_->read();
}

UvChild::~UvChild() {
  loop_.scheduler().cancel(timeout_);
  process_->forget_owner();
  output_->forget_owner();
  process_->kill();
  output_->close_handle();
}

void UvChild::kill(const std::string& why) {
  if (why_not_.empty()) why_not_ = why;
  process_->kill();
}

void UvChild::on_exit(std::int64_t status, int signal) {
  has_exited_ = true;
  if (why_not_.empty() && signal != 0)
    why_not_ = "it was ended by signal " + std::to_string(signal);
  if (why_not_.empty() && status != 0) why_not_ = "it ended with status " + std::to_string(status);
  end_if_complete();
}

void UvChild::on_output(const char* bytes, std::size_t count) {
  if (text_.size() + count > bounds_.output_bytes_max) return kill("it wrote too much");
  text_.append(bytes, count);
}

void UvChild::on_output_end() {
  output_ended_ = true;
  end_if_complete();
}

void UvChild::end_if_complete() {
  if (has_exited_ && output_ended_) finish();
}

void UvChild::finish() {
  loop_.scheduler().cancel(std::exchange(timeout_, {}));
  const auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end) return;
  if (!why_not_.empty()) return on_end(Error{Errc::io, why_not_});  // last: it may destroy us
  on_end(std::move(text_));
}

}  // namespace starling
