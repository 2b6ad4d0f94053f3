#include "src/cli/control_client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/control/control_limits.hpp"

namespace starling::cli {
namespace {

using Clock = std::chrono::steady_clock;

class Socket {
 public:
  Socket() : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

AskError no_answer(const std::string& path, const std::string& why) {
  return {AskFailure::no_answer, "the daemon does not answer at " + path + ": " + why};
}

AskError not_connected(const std::string& path, int error) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  const std::string advice = ". Start it: starlingd --state-dir " + directory
                             + " - or say which one is meant: --state-dir DIR";
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {AskFailure::not_running,
              "the daemon is not running (" + path + ": no such file)" + advice};
    case ECONNREFUSED:
      return {AskFailure::not_running,
              "the daemon is not running (" + path + ": nobody listens there any more)" + advice};
    case ENAMETOOLONG:
      return {AskFailure::not_running, "no daemon can be asked at " + path
                                           + ": the path of a Unix socket has at most 107 bytes"};
    case EACCES:
    case EPERM:
      return {AskFailure::not_permitted,
              path + " is for the daemon's user and root alone. Run this with sudo"};
    default:
      return no_answer(path, std::strerror(error));
  }
}

/// Waits until `events` come; false: the time is up.
bool wait_for(const Socket& socket, short events, Clock::time_point latest) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(latest - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{socket.get(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the next call says what is wrong
  }
}

/// 0, or an errno.
int connect_to(const Socket& socket, const std::string& path, Clock::time_point latest) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::memcpy(address.sun_path, path.data(), path.size());
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address)
         != 0) {
    const int error = errno;
    // EAGAIN: its queue is full. It cannot be waited for; a moment is.
    if (error != EINTR && error != EAGAIN) return error;
    if (Clock::now() >= latest) return ETIMEDOUT;
    if (error == EAGAIN) ::poll(nullptr, 0, 10);
  }
  return 0;
}

Result<std::string, AskError> exchange(const Socket& socket, const std::string& path,
                                       std::string_view request, Clock::time_point latest) {
  const char* const late = "it has taken too long";
  while (!request.empty()) {
    const ssize_t sent = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent > 0)
      request.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EAGAIN && !wait_for(socket, POLLOUT, latest))
      return no_answer(path, late);
    else if (errno != EAGAIN && errno != EINTR)
      return no_answer(path, std::strerror(errno));
  }
  std::string answer;
  std::array<char, 65'536> chunk;
  while (true) {
    const ssize_t size = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
    if (size > 0) {
      const std::size_t searched = answer.size();
      answer.append(chunk.data(), static_cast<std::size_t>(size));
      if (const std::size_t end = answer.find('\n', searched); end != std::string::npos)
        return answer.substr(0, end);
      if (answer.size() > control::answer_bytes_max)
        return no_answer(path, "what it says has no end");
    } else if (size == 0) {
      return no_answer(path, "it hung up");
    } else if (errno == EAGAIN) {
      if (!wait_for(socket, POLLIN, latest)) return no_answer(path, late);
    } else if (errno != EINTR) {
      return no_answer(path, std::strerror(errno));
    }
  }
}

}  // namespace

int AskError::exit_status() const {
  switch (failure) {
    case AskFailure::not_running:
      return 69;
    case AskFailure::not_permitted:
      return 77;
    case AskFailure::no_answer:
      break;
  }
  return 75;
}

Result<std::string, AskError> ask(const std::vector<std::string>& sockets,
                                  const control::ControlRequest& request,
                                  std::chrono::milliseconds patience) {
  const auto latest = Clock::now() + patience;
  std::optional<AskError> first;
  for (const std::string& path : sockets) {
    const Socket socket;
    const int error = socket.get() < 0 ? errno : connect_to(socket, path, latest);
    if (error == 0) return exchange(socket, path, control::write_request(request), latest);
    // Of several places the first is the one to name, unless somebody is at another.
    const AskError refusal = not_connected(path, error);
    if (!first || first->failure == AskFailure::not_running) {
      if (!first || refusal.failure != AskFailure::not_running) first = refusal;
    }
  }
  return *first;
}

}  // namespace starling::cli
