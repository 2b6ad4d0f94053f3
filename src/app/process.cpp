#include "src/app/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace starling {
namespace {

constexpr mode_t pid_file_mode = 0644;
constexpr std::size_t user_entry_max = 1U << 20U;  // bytes of one line of the user database

[[noreturn]] void fail(const std::string& what, int error = errno) {
  throw std::runtime_error(what + ": " + std::generic_category().message(error));
}

/// What the parent of a background process leaves with when the child has ended before it was ready.
int exit_status_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return EXIT_FAILURE;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/// The name of a running program, as the kernel keeps it; empty: no such process.
std::string program_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

/// The process that a pid file names; nullopt: none.
std::optional<pid_t> named_process(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  pid_t process = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), process);
  if (read.ec != std::errc{} || process <= 0) return std::nullopt;
  return process;
}

/// Removes what stands in the way of a new pid file, unless somebody needs it.
void clear_pid_file(const std::filesystem::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return;
  if (!S_ISREG(facts.st_mode))
    throw std::runtime_error("the pid file " + path.string() + " is not a plain file");
  const auto process = named_process(path);
  if (process && *process != ::getpid() && program_of(*process) == program_of(::getpid()))
    throw std::runtime_error("the pid file " + path.string() + " names process "
                             + std::to_string(*process) + ", which is running");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    fail("the pid file " + path.string() + " cannot be replaced");
}

}  // namespace

// --- The background

Background::Background() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("cannot go to the background");
  std::fflush(nullptr);  // else both would write what is waiting
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    fail("cannot go to the background", error);
  }
  if (child > 0) {
    ::close(ends[1]);
    char ready = 0;
    ssize_t got = 0;
    do got = ::read(ends[0], &ready, 1);
    while (got < 0 && errno == EINTR);
    ::_exit(got == 1 ? EXIT_SUCCESS : exit_status_of(child));
  }
  ::close(ends[0]);
  to_parent_ = ends[1];
  if (::setsid() < 0) fail("cannot leave the terminal");
}

Background::~Background() {
  if (to_parent_ >= 0) ::close(to_parent_);
}

void Background::report_ready() {
  if (to_parent_ < 0) return;
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) fail("/dev/null cannot be opened");
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(nothing, standard) < 0) fail("cannot leave the terminal");
  if (nothing > STDERR_FILENO) ::close(nothing);
  const char ready = 1;
  while (::write(to_parent_, &ready, 1) < 0 && errno == EINTR) {
  }
  ::close(std::exchange(to_parent_, -1));
}

// --- The pid file

PidFile::PidFile(std::filesystem::path path) : path_(std::move(path)), process_(::getpid()) {
  // Its folder lies in /run, which is empty after a boot; mosquitto's own unit makes it for mosquitto.
  std::error_code there_already_or_said_below;
  std::filesystem::create_directory(path_.parent_path(), there_already_or_said_below);
  clear_pid_file(path_);
  // O_EXCL: while we are root, no link that somebody puts here may lead us to another file.
  const int file =
      ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, pid_file_mode);
  if (file < 0) fail("the pid file " + path_.string() + " cannot be written");
  const std::string line = std::to_string(process_) + "\n";
  const bool written = ::write(file, line.data(), line.size()) == std::ssize(line);
  const int error = errno;
  ::close(file);
  if (written) return;
  ::unlink(path_.c_str());
  fail("the pid file " + path_.string() + " cannot be written", error);
}

PidFile::~PidFile() {
  if (process_ != ::getpid() || named_process(path_) != process_) return;
  ::unlink(path_.c_str());  // a stale one does no harm, should the rights be missing by now
}

// --- Users

std::optional<UnixUser> find_user(const std::string& name) {
  std::vector<char> text(1'024);
  struct passwd entry {};
  struct passwd* found = nullptr;
  int error = 0;
  while ((error = ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found)) == ERANGE
         && text.size() < user_entry_max)
    text.resize(2 * text.size());
  if (error != 0 || found == nullptr) return std::nullopt;
  return UnixUser{name, found->pw_uid, found->pw_gid};
}

bool runs_as_root() {
  return ::geteuid() == 0;
}

void become_user(const UnixUser& user) {
  const std::string what = "cannot run as user " + user.name;
  if (::initgroups(user.name.c_str(), user.group) != 0) fail(what);
  if (::setgid(user.group) != 0) fail(what);
  if (::setuid(user.user) != 0) fail(what);
  // Trust is good.
  const bool is_user = ::getuid() == user.user && ::geteuid() == user.user
                       && ::getgid() == user.group && ::getegid() == user.group;
  if (!is_user || (user.user != 0 && ::setuid(0) == 0))
    throw std::runtime_error(what + ": root's rights would stay");
}

}  // namespace starling
