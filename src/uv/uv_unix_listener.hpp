// UvUnixListener: accepts connections at a Unix socket until destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>

#include "starling/port/log.hpp"
#include "starling/port/stream.hpp"

#include "src/uv/stream_options.hpp"

namespace starling {

class AcceptSocket;
class UvLoop;

/// The socket file is made with its mode before anybody can connect, takes the place of one that
/// nobody listens at any more, and is removed in the end, if it is still ours. Its streams have
/// zero endpoints.
class UvUnixListener final : public Listener {
 public:
  /// `mode`: permission bits, 0660. Throws std::runtime_error with a sentence: somebody listens
  /// there already, the path is no socket, is too long (107 bytes), or cannot be made.
  UvUnixListener(UvLoop& loop, std::string path, std::uint32_t mode, OnStream on_stream,
                 LogSink* log = nullptr, StreamOptions options = {});
  ~UvUnixListener() override;

  /// Zero: it has no address but its path.
  [[nodiscard]] Endpoint local_endpoint() const override { return {}; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::shared_ptr<AcceptSocket> socket_;
  dev_t device_ = 0;  // of the socket file we made
  ino_t inode_ = 0;
};

}  // namespace starling
