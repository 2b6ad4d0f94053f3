#include "src/store/state_directory.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "starling/limits.hpp"

namespace starling {
namespace {

std::string reason() {
  return std::strerror(errno);
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }
  void reset() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

bool write_all(int descriptor, ByteView content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

StateDirectory::StateDirectory(std::filesystem::path path, LogSink& log)
    : path_(std::move(path)), log_(log) {
  std::error_code error;
  const bool existed = std::filesystem::exists(path_, error);
  if (!existed) {
    const ::mode_t before = ::umask(0077);
    std::filesystem::create_directories(path_, error);
    ::umask(before);
  }
  if (error || !std::filesystem::is_directory(path_, error))
    throw std::runtime_error("cannot make the state directory " + path_.string() + ": "
                             + (error ? error.message() : "a file of that name is in the way")
                             + "; choose another one with --state-dir");
  lock();
}

void StateDirectory::lock() {
  const std::string file = (path_ / "lock").string();
  lock_descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_descriptor_ < 0)
    throw std::runtime_error("cannot write in the state directory " + path_.string() + ": "
                             + reason() + "; choose another one with --state-dir");
  if (::flock(lock_descriptor_, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t size = ::read(lock_descriptor_, holder.data(), holder.size() - 1);
    ::close(lock_descriptor_);
    lock_descriptor_ = -1;
    throw std::runtime_error("the state directory " + path_.string()
                             + " is in use by another starlingd"
                             + (size > 0 ? " (pid " + std::string(holder.data()) + ")" : "")
                             + "; stop it, or choose another directory with --state-dir");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock_descriptor_, 0) != 0 || !write_all(lock_descriptor_, as_bytes(pid)))
    log_.warn("state_lock_not_written", {{"file", file}, {"why", reason()}});
}

StateDirectory::~StateDirectory() {
  if (lock_descriptor_ >= 0) ::close(lock_descriptor_);
}

std::optional<Bytes> StateDirectory::load(std::string_view name) {
  const std::string file = (path_ / name).string();
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor) {
    if (errno != ENOENT) log_.warn("state_file_unreadable", {{"file", file}, {"why", reason()}});
    return std::nullopt;
  }
  Bytes content;
  std::array<std::uint8_t, 16'384> chunk;
  while (true) {
    const ssize_t size = ::read(descriptor.get(), chunk.data(), chunk.size());
    if (size == 0) return content;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 || content.size() > limits::state_file_max) {
      log_.warn("state_file_unreadable",
                {{"file", file}, {"why", size < 0 ? reason() : "larger than any we write"}});
      return std::nullopt;
    }
    append(content, ByteView(chunk).first(static_cast<std::size_t>(size)));
  }
}

Result<void> StateDirectory::save(std::string_view name, ByteView content) {
  const std::string file = (path_ / name).string();
  const std::string fresh = file + ".new";
  const auto failed = [&](const char* step) {
    return Error{Errc::io, std::string(step) + " " + fresh + ": " + reason()};
  };
  Descriptor descriptor(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!descriptor) return failed("cannot write");
  if (::fchmod(descriptor.get(), 0600) != 0 || !write_all(descriptor.get(), content)
      || ::fsync(descriptor.get()) != 0)
    return failed("cannot write");
  descriptor.reset();
  if (::rename(fresh.c_str(), file.c_str()) != 0) return failed("cannot rename");
  // The new name is safe only when the directory is.
  const Descriptor directory(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return failed("cannot sync the directory of");
  return {};
}

}  // namespace starling
