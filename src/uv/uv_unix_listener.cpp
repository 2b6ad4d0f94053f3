#include "src/uv/uv_unix_listener.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/accept_socket.hpp"
#include "src/uv/socket_address.hpp"

namespace starling {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot listen on " + path + ": " + why);
}

UniqueFd new_socket(const std::string& path) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) refuse(path, error_text(errno));
  return fd;
}

/// Removes a socket that nobody listens at.
void clear_place(const std::string& path, const sockaddr_un& address) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    refuse(path, error_text(errno));
  }
  if (!S_ISSOCK(there.st_mode)) refuse(path, "there is something else than a socket");
  const UniqueFd probe = new_socket(path);
  const int connected =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  // EAGAIN: its queue is full, so somebody has one.
  if (connected == 0 || errno == EAGAIN) refuse(path, "somebody listens there already");
  if (errno != ECONNREFUSED) refuse(path, error_text(errno));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) refuse(path, error_text(errno));
}

UniqueFd listen_at(const std::string& path, std::uint32_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    refuse(path, "the path of a Unix socket has 1 to " + std::to_string(sizeof address.sun_path - 1)
                     + " bytes");
  std::memcpy(address.sun_path, path.data(), path.size());
  clear_place(path, address);

  UniqueFd fd = new_socket(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    refuse(path, error_text(errno));
  // Nobody can connect before listen(), so whatever mode it was born with harms nobody.
  if (::chmod(path.c_str(), static_cast<mode_t>(mode & 0777U)) != 0
      || ::listen(fd.get(), limits::listen_backlog) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    refuse(path, error_text(error));
  }
  return fd;
}

}  // namespace

UvUnixListener::UvUnixListener(UvLoop& loop, std::string path, std::uint32_t mode,
                               OnStream on_stream, LogSink* log, StreamOptions options)
    : path_(std::move(path)) {
  options.nodelay = false;  // an option of TCP
  socket_ = std::make_shared<AcceptSocket>(loop, listen_at(path_, mode), path_,
                                           std::make_shared<const OnStream>(std::move(on_stream)),
                                           log, options);
  struct stat made {};
  if (::lstat(path_.c_str(), &made) == 0) {
    device_ = made.st_dev;
    inode_ = made.st_ino;
  }
  socket_->open();
}

UvUnixListener::~UvUnixListener() {
  struct stat there {};
  if (::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_)
    ::unlink(path_.c_str());
  socket_->close();
}

}  // namespace starling
