// SessionRegistry: every session of this node by its client id and by the key it has in the
// subscription tree, and the ids for clients that bring none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "starling/port/entropy.hpp"

#include "src/broker/local_session.hpp"
#include "src/topic/flat_index.hpp"
#include "src/topic/keyed_hash.hpp"

namespace starling {

class SessionRegistry {
 public:
  /// `queues` and `sent`: see ServerSession; they outlive it.
  SessionRegistry(HashSeed seed, std::size_t count_max, OutboundQos::Pool& queues,
                  ServerSession::Traffic& sent, Entropy& entropy)
      : hash_seed_(seed), count_max_(count_max), queues_(queues), sent_(sent), entropy_(entropy) {}
  void set_count_max(std::size_t count_max) { count_max_ = count_max; }

  [[nodiscard]] LocalSession* find(std::string_view client_id);
  /// The session of a key that a match gave. The tree must hold no key of a session that is gone.
  [[nodiscard]] LocalSession& at(SubscriberKey key);

  /// The session that the store knows by this number; nullptr: it has ended.
  [[nodiscard]] LocalSession* find_stored(SessionNumber number);
  /// From now on the store keeps it.
  void set_stored(LocalSession& session, SessionNumber number);

  /// Null if there are as many as there may be. The id must be new.
  LocalSession* create(std::string client_id);
  void erase(LocalSession& session);

  /// `prefix` and 128 random bits, written as a UUID as Mosquitto does, like no other session's [MQTT5-3.2.2-16].
  [[nodiscard]] std::string make_client_id(std::string_view prefix);

  [[nodiscard]] std::size_t size() const { return by_client_.size(); }
  /// In the order of the client ids, which takes a while. `visit` may erase what it is given.
  template <class Visit>
  void for_each(Visit&& visit) {
    std::vector<LocalSession*> all;
    all.reserve(size());
    for (const auto& session : slots_)
      if (session != nullptr) all.push_back(session.get());
    std::ranges::sort(all, {}, &LocalSession::client_id);
    for (LocalSession* session : all) visit(*session);
  }

 private:
  [[nodiscard]] std::uint32_t hash_of(std::string_view client_id) const {
    return static_cast<std::uint32_t>(keyed_hash(hash_seed_, client_id));
  }

  HashSeed hash_seed_;   // a secret, as strangers choose the ids
  FlatIndex by_client_;  // of the client id -> slot
  // A key is the session's number (grows with time, as the tree likes it) before its slot here,
  // even throughout: those of shared groups are odd.
  std::vector<std::unique_ptr<LocalSession>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::unordered_map<SessionNumber, LocalSession*> by_stored_number_;
  std::uint64_t last_number_ = 0;
  std::size_t count_max_;
  OutboundQos::Pool& queues_;
  ServerSession::Traffic& sent_;
  Entropy& entropy_;
};

}  // namespace starling
