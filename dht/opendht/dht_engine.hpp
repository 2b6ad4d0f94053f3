// DhtEngine: the Rendezvous port on OpenDHT. It drives one raw Dht on a Datagram and a Scheduler,
// in the product and in simulations alike: no thread, no socket and no clock of its own, no
// globals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/stream.hpp"

namespace starling {

class SignatureCache;

struct DhtSettings {
  /// Nodes of other networks are not heard. A filter, not a secret.
  std::uint32_t network = 0x53544C31;  // "STL1"
  /// What other nodes may leave with us, in bytes.
  std::size_t store_bytes_max = 64U << 20U;
  /// Listens are refreshed every 290 s instead of 20 s: a seventh of the traffic, but a dead
  /// storing node is noticed only after that time. For nodes with a public address and more than
  /// about 200 listens.
  bool rare_refresh = false;
  /// Null: one of its own.
  std::shared_ptr<SignatureCache> signatures = nullptr;
};

/// What an operator wants to see.
struct DhtCounters {
  std::uint64_t announcements_verified = 0;  ///< read back from another node
  std::uint64_t announcements_repeated = 0;  ///< not found there, or nodes had been lost: put again
  std::uint64_t records_stored = 0;          ///< accepted from others by the store policy
  std::uint64_t records_refused = 0;         ///< refused by the store or edit policy
  std::uint64_t values_refused = 0;  ///< read, and not delivered: no valid record of the key
  std::uint64_t datagrams_in = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t datagrams_refused = 0;  ///< not even shown to OpenDHT
};

class DhtEngine final : public Rendezvous {
 public:
  /// All three outlive the engine. Takes over the handler of `socket`.
  DhtEngine(const DhtSettings& settings, Datagram& socket, Scheduler& scheduler, LogSink& log);
  ~DhtEngine() override;
  DhtEngine(const DhtEngine&) = delete;
  DhtEngine& operator=(const DhtEngine&) = delete;

  /// Waits until the first lookups have filled the tables, then puts, reads back a few seconds
  /// later, and puts again whenever the value is not found or the connection was lost in between.
  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override;
  void withdraw(Handle announcement) override;

  /// Callbacks of get and listen run at the end of a turn, never from inside a call. Only values
  /// whose envelope verifies for `key` are delivered, at most limits::values_per_key_max of them.
  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override;
  Handle listen(const DhtKey& key, OnValue on_value) override;
  void cancel_listen(Handle listening) override;

  /// Pinged at once, again with growing pauses while nobody answers, and rarely ever after: so two
  /// halves of a divided network find each other again. The first limits::dht_contacts_kept are
  /// never forgotten.
  void add_node(const Endpoint& node) override;
  /// While passive its queries carry OpenDHT's mark of a client; it still answers.
  void set_passive(bool passive) override;
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t count_max) const override;
  [[nodiscard]] Status status() const override;

  /// The host's addresses or routes have changed: ask the neighbours again, put everything again.
  void connectivity_changed();
  /// Our addresses as other nodes report them; OpenDHT tells no ports, so these are 0.
  [[nodiscard]] std::vector<Endpoint> observed_addresses() const;
  [[nodiscard]] DhtCounters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling
