// The process around the daemon, as Unix has it: going to the background, the file that names the
// process, whom it runs as.
//
// The order that works: go_to_background, PidFile, open and bind everything, become_user.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace starling {

/// Forks into a session of its own without terminal; the parent waits until report_ready() of the
/// child, or its end, and leaves with that status: whoever started us knows whether it worked.
class Background {
 public:
  /// Returns in the child only. Throws std::runtime_error if the system refuses. To be called before
  /// any thread or loop exists.
  Background();
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Everything is open: the parent may leave with status 0. Standard input, output and error are
  /// /dev/null from now on.
  void report_ready();

 private:
  int to_parent_ = -1;
};

/// A file with our process id, for as long as it lives.
class PidFile {
 public:
  /// What an earlier process left behind is replaced. Throws std::runtime_error with a sentence for
  /// the operator if it cannot be written, is not a plain file, or names a process of this program that
  /// is alive.
  explicit PidFile(std::filesystem::path path);
  /// Removes the file if it still names us.
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::filesystem::path path_;
  pid_t process_;
};

struct UnixUser {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
};

/// nullopt: there is no such user.
std::optional<UnixUser> find_user(const std::string& name);

/// Whether there are root's rights to give up.
bool runs_as_root();

/// Gives up root's rights for good. Throws std::runtime_error if any of them would stay.
void become_user(const UnixUser& user);

}  // namespace starling
