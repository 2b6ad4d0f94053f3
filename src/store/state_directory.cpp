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

constexpr const char* lock_name = "lock";

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
  try {
    open();
    lock();
  } catch (...) {
    close();
    throw;
  }
}

void StateDirectory::open() {
  directory_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_ < 0)
    throw std::runtime_error("cannot open the state directory " + path_.string() + ": " + reason()
                             + "; choose another one with --state-dir");
}

void StateDirectory::lock() {
  lock_ = ::openat(directory_, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0)
    throw std::runtime_error("cannot write in the state directory " + path_.string() + ": "
                             + reason() + "; choose another one with --state-dir");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> holder{};
    const ssize_t size = ::read(lock_, holder.data(), holder.size() - 1);
    throw std::runtime_error("the state directory " + path_.string()
                             + " is in use by another starlingd"
                             + (size > 0 ? " (pid " + std::string(holder.data()) + ")" : "")
                             + "; stop it, or choose another directory with --state-dir");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock_, 0) != 0 || !write_all(lock_, as_bytes(pid)))
    log_.warn("state_lock_not_written",
              {{"file", (path_ / lock_name).string()}, {"why", reason()}});
}

StateDirectory::~StateDirectory() {
  close();
}

void StateDirectory::close() {
  if (lock_ >= 0) ::close(lock_);
  if (directory_ >= 0) ::close(directory_);
}

void StateDirectory::hand_over_to(uid_t user, gid_t group) {
  bool given = ::fchown(directory_, user, group) == 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const std::string name = entry.path().filename().string();
    given &= ::fchownat(directory_, name.c_str(), user, group, AT_SYMLINK_NOFOLLOW) == 0;
  }
  if (!given || error)
    throw std::runtime_error("cannot give the state directory " + path_.string()
                             + " to the user the daemon is to run as: "
                             + (error ? error.message() : reason()));
}

std::optional<Bytes> StateDirectory::load(std::string_view name) {
  const std::string file = (path_ / name).string();
  const Descriptor descriptor(
      ::openat(directory_, std::string(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
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
  const std::string file(name);
  const std::string fresh = file + ".new";
  const auto failed = [&](const char* step) {
    return Error{Errc::io, std::string(step) + " " + (path_ / fresh).string() + ": " + reason()};
  };
  Descriptor descriptor(::openat(directory_, fresh.c_str(),
                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!descriptor) return failed("cannot write");
  if (::fchmod(descriptor.get(), 0600) != 0 || !write_all(descriptor.get(), content)
      || ::fsync(descriptor.get()) != 0)
    return failed("cannot write");
  descriptor.reset();
  if (::renameat(directory_, fresh.c_str(), directory_, file.c_str()) != 0)
    return failed("cannot rename");
  // The new name is safe only when the directory is.
  if (::fsync(directory_) != 0) return failed("cannot sync the directory of");
  return {};
}

}  // namespace starling
