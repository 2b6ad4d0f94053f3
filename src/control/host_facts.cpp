#include "src/control/host_facts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <iterator>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace starling::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int writes = 5;                                  // of which the median counts
constexpr auto writes_time_max = std::chrono::seconds{2};  // then those that were made must do
constexpr std::size_t write_bytes = 4'096;                 // a page of the store
constexpr const char* identity_file = "identity.key";

std::string lower_case_error(int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z')
    text.front() = static_cast<char>(text.front() - 'A' + 'a');
  return text;
}

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// A file without a name, so that none is left behind whatever happens; -1 and errno.
int open_nameless(const std::filesystem::path& directory) {
  const int nameless = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return nameless;
  std::string name = (directory / "probe.XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

void time_commits(StorageFacts& facts) {
  const OpenFile file(open_nameless(facts.directory));
  if (file.get() < 0) {
    facts.trouble = lower_case_error(errno);
    return;
  }
  const std::array<char, write_bytes> page{};
  std::vector<Duration> times;
  const auto latest = Clock::now() + writes_time_max;
  for (int i = 0; i < writes && (times.empty() || Clock::now() < latest); ++i) {
    const auto began = Clock::now();
    if (::write(file.get(), page.data(), page.size()) != static_cast<ssize_t>(page.size())
        || ::fdatasync(file.get()) != 0) {
      facts.trouble = lower_case_error(errno);
      return;
    }
    times.push_back(Clock::now() - began);
  }
  std::ranges::sort(times);
  facts.commit_time = times[times.size() / 2];
}

StorageFacts look_at_storage(const std::filesystem::path& directory) {
  StorageFacts facts;
  facts.directory = directory.string();
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) {
    const int error = errno;
    facts.is_there = error != ENOENT;
    facts.trouble = lower_case_error(error);
    return facts;
  }
  facts.is_there = true;
  facts.free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  struct statfs kind {};
  constexpr std::array<std::uint32_t, 2> in_memory{0x0102'1994, 0x8584'58F6};  // tmpfs, ramfs
  if (::statfs(directory.c_str(), &kind) == 0)
    facts.in_memory = std::ranges::count(in_memory, static_cast<std::uint32_t>(kind.f_type)) > 0;
  time_commits(facts);
  return facts;
}

IdentityFacts look_at_identity(const std::filesystem::path& directory) {
  IdentityFacts facts;
  facts.file = (directory / identity_file).string();
  struct stat file {};
  if (::stat(facts.file.c_str(), &file) != 0) {
    if (errno != ENOENT) facts.trouble = lower_case_error(errno);
    return facts;
  }
  facts.is_there = true;
  facts.mode = file.st_mode & 07777U;
  facts.written_at = file.st_mtim.tv_sec;
  return facts;
}

LimitFacts look_at_limits() {
  LimitFacts facts;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors_max = limit.rlim_cur;
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error)
    facts.descriptors_open = static_cast<std::uint64_t>(std::distance(begin(open), end(open)));
  return facts;
}

bool own_program_was_replaced() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return !error && program.string().ends_with(" (deleted)");
}

}  // namespace

ClockFacts look_at_clock() {
  ClockFacts facts;
  facts.now = std::time(nullptr);
  timex clock{};  // modes 0: only asks
  const int state = ::adjtimex(&clock);
  if (state >= 0) facts.is_kept = state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
  return facts;
}

HostFacts look_at_host(const std::filesystem::path& state_dir) {
  HostFacts facts;
  facts.identity = look_at_identity(state_dir);
  facts.storage = look_at_storage(state_dir);
  facts.limits = look_at_limits();
  facts.clock = look_at_clock();
  facts.program_replaced = own_program_was_replaced();
  return facts;
}

}  // namespace starling::control
