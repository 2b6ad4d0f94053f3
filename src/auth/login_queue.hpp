// LoginQueue: who waits for a slow hash. Addresses take turns, so one that floods waits for itself
// and not the others for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"

#include "src/auth/login_limiter.hpp"

namespace starling {

/// Bytes that are overwritten before they are given back. Moves; copies are made on purpose only.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();
  [[nodiscard]] ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// One client's user name and password on their way to be checked.
struct LoginRequest {
  ConnectionId connection;
  std::uint16_t door = 0;
  LoginOrigin origin{};
  std::string user;
  std::optional<SecretBytes> password;
};

/// Bounds: limits::logins_waiting_max and limits::logins_waiting_bytes_max in all,
/// limits::logins_waiting_per_origin_max of one origin. At most one request per connection.
class LoginQueue {
 public:
  /// False: there is no room for it, and `request` was not taken.
  [[nodiscard]] bool push(LoginRequest&& request);
  /// The oldest of the origin whose turn it is; nullopt: nobody waits.
  std::optional<LoginRequest> pop();
  /// Takes it out, if it waits.
  void remove(ConnectionId connection);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Lane {
    LoginOrigin origin;
    std::deque<LoginRequest> waiting;
  };
  void on_taken(const LoginRequest& request);
  void drop(std::list<Lane>::iterator lane);

  std::list<Lane> lanes_;  // none empty; the front one's turn is next
  std::map<LoginOrigin, std::list<Lane>::iterator> by_origin_;
  std::unordered_map<ConnectionId, LoginOrigin> origins_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;  // of names and passwords
};

}  // namespace starling
