// A rendezvous that does nothing by itself: the test sees what was asked and says what is answered.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "starling/limits.hpp"
#include "starling/port/rendezvous.hpp"

#include "dht/keys/prefix_key.hpp"
#include "dht/records/interest_record.hpp"
#include "dht/records/member_record.hpp"
#include "dht/records/node_record.hpp"
#include "tests/support/virtual_scheduler.hpp"

namespace starling::testing {

using namespace std::chrono_literals;

class FakeRendezvous final : public Rendezvous {
 public:
  struct Get {
    DhtKey key;
    OnValue on_value;
    OnDone on_done;
    bool open = true;
  };
  struct Put {
    DhtKey key;
    std::uint64_t value_id = 0;
    Bytes value;
    bool withdrawn = false;
  };

  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override {
    if (refuses) return {};
    puts.push_back({key, value_id, std::move(value)});
    return {puts.size()};
  }
  void withdraw(Handle announcement) override { puts.at(announcement.value - 1).withdrawn = true; }
  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override {
    gets.push_back({key, std::move(on_value), std::move(on_done)});
  }
  Handle listen(const DhtKey& key, OnValue on_value) override {
    listens[++last_listen_] = {key, std::move(on_value)};
    return {last_listen_};
  }
  void cancel_listen(Handle listening) override { listens.erase(listening.value); }
  void add_node(const Endpoint&) override {}
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t) const override { return {}; }
  [[nodiscard]] Status status() const override { return {true, 1, 0}; }

  /// `value` reaches whoever listens to `key` or waits for a get of it.
  void tell(const DhtKey& key, const Bytes& value, bool expired = false) {
    std::vector<OnValue> listeners;
    for (const auto& [id, listen] : listens)
      if (listen.first == key) listeners.push_back(listen.second);
    for (const auto& on_value : listeners) on_value(value, expired);
    if (expired) return;
    for (std::size_t i = 0; i < gets.size(); ++i) {
      if (!gets[i].open || gets[i].key != key) continue;
      const OnValue on_value = gets[i].on_value;
      on_value(value, false);
    }
  }
  /// Ends the gets of `key` (all of them, if no key is given).
  void finish(const std::optional<DhtKey>& key = std::nullopt, bool ok = true) {
    for (std::size_t i = 0; i < gets.size(); ++i) {
      if (!gets[i].open || (key && gets[i].key != *key)) continue;
      gets[i].open = false;
      const OnDone on_done = gets[i].on_done;
      if (on_done) on_done(ok);
    }
  }
  [[nodiscard]] std::size_t gets_of(const DhtKey& key) const {
    std::size_t count = 0;
    for (const Get& get : gets)
      if (get.key == key) ++count;
    return count;
  }
  [[nodiscard]] std::size_t listens_to(const DhtKey& key) const {
    std::size_t count = 0;
    for (const auto& [id, listen] : listens)
      if (listen.first == key) ++count;
    return count;
  }

  bool refuses = false;
  std::vector<Get> gets;
  std::vector<Put> puts;
  std::map<std::uint64_t, std::pair<DhtKey, OnValue>> listens;

 private:
  std::uint64_t last_listen_ = 0;
};

inline crypto::SigningKey author(std::uint8_t number) {
  crypto::Seed seed{};
  seed.fill(number);
  return crypto::SigningKey::from_seed(seed);
}
inline const crypto::MeshKeys& mesh() {
  static const crypto::MeshKeys keys = crypto::derive_mesh_keys({1});
  return keys;
}
inline Endpoint home() {
  return Endpoint::v4({192, 0, 2, 1}, 21883);
}
inline TopicName name(std::string_view text) {
  return *TopicName::parse(text);
}
inline Interest interest(std::string_view filter, QoS qos = QoS::at_most_once,
                         bool durable = false) {
  return {*TopicFilter::parse(filter), "", qos, durable};
}
inline LiteralPrefix prefix_of(std::string_view filter) {
  return LiteralPrefix::of(*TopicFilter::parse(filter));
}

/// An interest record of `by` for the prefix of the first filter.
inline Bytes interest_record(std::uint8_t by, UnixSeconds expires_at,
                             std::vector<std::string> filters, RecordStamp stamp = {1, 1},
                             const crypto::MeshKeys& keys = mesh()) {
  InterestBody body;
  body.prefix = prefix_of(filters.front());
  for (const std::string& filter : filters) body.interests.push_back(interest(filter));
  body.endpoints = {home()};
  return *write_interest_record(author(by), keys, stamp, expires_at, body);
}

}  // namespace starling::testing
