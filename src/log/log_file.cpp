#include "src/log/log_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace starling {
namespace {

constexpr mode_t file_mode = 0600;  // client ids, user names and addresses are nobody else's

struct Opened {
  int descriptor = -1;
  bool made = false;  // it was not there before
};

Opened open_for_appending(const std::string& path) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
  Opened opened{::open(path.c_str(), flags | O_EXCL, file_mode), true};
  if (opened.descriptor < 0 && errno == EEXIST)
    opened = {::open(path.c_str(), flags, file_mode), false};
  if (opened.descriptor < 0)
    throw std::runtime_error("the log file " + path + " cannot be opened for writing: "
                             + std::generic_category().message(errno));
  return opened;
}

}  // namespace

void LogStream::write(std::string_view line) {
  const auto put = [&](std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return bytes.size();  // that are left
  };
  if (line_is_torn_ && put("\n") > 0) return;
  const std::size_t left = put(line);
  line_is_torn_ = left > 0 && left < line.size();
}

LogFile::LogFile(std::string path) : path_(std::move(path)), stream_(-1) {
  const Opened opened = open_for_appending(path_);
  stream_ = LogStream(opened.descriptor);
  made_ = opened.made;
}

LogFile::~LogFile() {
  ::close(stream_.descriptor());
}

void LogFile::reopen() {
  const Opened opened = open_for_appending(path_);
  ::close(stream_.descriptor());
  stream_ = LogStream(opened.descriptor);
  made_ = opened.made;
}

void LogFile::hand_over_to(uid_t user, gid_t group) {
  // Only what we have made ourselves: somebody else's file, or one that a link leads to, must not
  // change hands because of us. Where the rights are missing, the reopening will tell.
  if (made_ && ::fchown(stream_.descriptor(), user, group) != 0) made_ = false;
}

}  // namespace starling
