#include "src/broker/session_registry.hpp"

#include <utility>

#include "starling/bytes.hpp"
#include "starling/check.hpp"

namespace starling {
namespace {

constexpr unsigned slot_bits = 24;  // of a key, above the lowest one: 16 million sessions

}  // namespace

LocalSession* SessionRegistry::find(std::string_view client_id) {
  const std::uint32_t slot = by_client_.find(
      hash_of(client_id), [&](std::uint32_t at) { return slots_[at]->client_id() == client_id; });
  return slot == FlatIndex::none ? nullptr : slots_[slot].get();
}

LocalSession& SessionRegistry::at(SubscriberKey key) {
  const std::size_t slot = key >> 1U & ((1U << slot_bits) - 1);
  STARLING_CHECK(slot < slots_.size() && slots_[slot] != nullptr && slots_[slot]->key == key);
  return *slots_[slot];
}

LocalSession* SessionRegistry::find_stored(SessionNumber number) {
  const auto at = by_stored_number_.find(number);
  return at == by_stored_number_.end() ? nullptr : at->second;
}

void SessionRegistry::set_stored(LocalSession& session, SessionNumber number) {
  STARLING_CHECK(session.stored == 0 && number != 0);
  session.stored = number;
  session.machine.outbound().keep_in_store();
  by_stored_number_.emplace(number, &session);
}

LocalSession* SessionRegistry::create(std::string client_id) {
  if (by_client_.size() >= count_max_ || slots_.size() >> slot_bits != 0) return nullptr;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back(nullptr);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();

  auto session = std::make_unique<LocalSession>(std::move(client_id), queues_, sent_);
  session->key = ++last_number_ << (slot_bits + 1) | SubscriberKey{slot} << 1U;
  STARLING_CHECK(find(session->client_id()) == nullptr);
  by_client_.insert(hash_of(session->client_id()), slot);
  slots_[slot] = std::move(session);
  return slots_[slot].get();
}

void SessionRegistry::erase(LocalSession& session) {
  const auto slot = static_cast<std::uint32_t>(session.key >> 1U & ((1U << slot_bits) - 1));
  STARLING_CHECK(slots_[slot].get() == &session);
  by_stored_number_.erase(session.stored);
  by_client_.erase(hash_of(session.client_id()), slot);
  free_slots_.push_back(slot);
  slots_[slot].reset();
}

std::string SessionRegistry::make_client_id(std::string_view prefix) {
  for (;;) {
    Bytes random(16);
    entropy_.fill(random);
    std::string id = to_hex(random);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) id.insert(at, 1, '-');
    id.insert(0, prefix);
    if (find(id) == nullptr) return id;
  }
}

}  // namespace starling
