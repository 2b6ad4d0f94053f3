// Endpoint <-> sockaddr, and the system's error numbers as an operator reads them. Inside this room
// only.
#pragma once

#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

#include "starling/endpoint.hpp"

namespace starling {

class SocketAddress {
 public:
  /// Empty, with room for an answer of the kernel.
  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  /// For calls that write the size back.
  [[nodiscard]] socklen_t* size_in_out() { return &size_; }
  [[nodiscard]] Endpoint endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

/// Zero endpoint for any family but AF_INET and AF_INET6.
Endpoint endpoint_of(const sockaddr& address);
/// What a socket is bound to; a zero endpoint if the kernel does not say.
Endpoint local_endpoint_of(int fd);
/// "connection refused", "address already in use": lower case, no number. `error`: an errno,
/// positive.
std::string error_text(int error);

}  // namespace starling
