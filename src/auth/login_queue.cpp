#include "src/auth/login_queue.hpp"

#include <algorithm>
#include <utility>

#include "starling/limits.hpp"

#include "src/crypto/hash.hpp"

namespace starling {
namespace {

std::size_t bytes_of(const LoginRequest& request) {
  return request.user.size() + (request.password ? request.password->view().size() : 0);
}

}  // namespace

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

SecretBytes::~SecretBytes() {
  if (!bytes_.empty()) crypto::wipe(bytes_.data(), bytes_.size());
}

bool LoginQueue::push(LoginRequest&& request) {
  const std::size_t bytes = bytes_of(request);
  if (size_ >= limits::logins_waiting_max || bytes_ + bytes > limits::logins_waiting_bytes_max)
    return false;
  const auto known = by_origin_.find(request.origin);
  if (known != by_origin_.end()
      && known->second->waiting.size() >= limits::logins_waiting_per_origin_max)
    return false;
  const auto lane = known != by_origin_.end()
                        ? known->second
                        : lanes_.insert(lanes_.end(), Lane{request.origin, {}});
  if (known == by_origin_.end()) by_origin_.emplace(request.origin, lane);
  origins_.insert_or_assign(request.connection, request.origin);
  lane->waiting.push_back(std::move(request));
  ++size_;
  bytes_ += bytes;
  return true;
}

std::optional<LoginRequest> LoginQueue::pop() {
  if (lanes_.empty()) return std::nullopt;
  const auto lane = lanes_.begin();
  LoginRequest request = std::move(lane->waiting.front());
  lane->waiting.pop_front();
  on_taken(request);
  if (lane->waiting.empty())
    drop(lane);
  else
    lanes_.splice(lanes_.end(), lanes_, lane);
  return request;
}

void LoginQueue::remove(ConnectionId connection) {
  const auto origin = origins_.find(connection);
  if (origin == origins_.end()) return;
  const auto lane = by_origin_.at(origin->second);
  const auto request = std::ranges::find(lane->waiting, connection, &LoginRequest::connection);
  const LoginRequest taken = std::move(*request);
  lane->waiting.erase(request);
  on_taken(taken);
  if (lane->waiting.empty()) drop(lane);
}

void LoginQueue::on_taken(const LoginRequest& request) {
  origins_.erase(request.connection);
  --size_;
  bytes_ -= bytes_of(request);
}

void LoginQueue::drop(std::list<Lane>::iterator lane) {
  by_origin_.erase(lane->origin);
  lanes_.erase(lane);
}

}  // namespace starling
