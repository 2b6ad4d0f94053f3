// LogFile: a file that lines are appended to, and that log rotation may move away.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

namespace starling {

/// A descriptor that takes whole lines. What cannot be written (a full disk, a reader that has gone)
/// is lost, but never glued to the line that follows.
class LogStream {
 public:
  explicit LogStream(int descriptor) : descriptor_(descriptor) {}
  /// `line`: with its line feed.
  void write(std::string_view line);
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  bool line_is_torn_ = false;
};

class LogFile {
 public:
  /// Opens `path` for appending; made with mode 0600 if it is not there.
  /// Throws std::runtime_error with a sentence for the operator.
  explicit LogFile(std::string path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void write(std::string_view line) { stream_.write(line); }
  /// Goes on in what is at the path now. Throws as the constructor; the old file stays in use then.
  void reopen();
  /// The file belongs to this user from now on, so that it can be opened again without root's rights.
  /// Nothing happens where the rights for that are missing.
  void hand_over_to(uid_t user, gid_t group);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  LogStream stream_;
  bool made_ = false;  // by us, not found
};

}  // namespace starling
