// WatchedRendezvous: another Rendezvous, counted. How many records a node keeps alive, to how many
// keys it listens, and how long its lookups take.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "simulations/world/observer.hpp"

namespace starling::sim {

class WatchedRendezvous final : public Rendezvous {
 public:
  using OnLookup = std::function<void(const Lookup&)>;

  /// `scheduler` outlives it.
  WatchedRendezvous(std::unique_ptr<Rendezvous> inner, Scheduler& scheduler, OnLookup on_lookup)
      : scheduler_(scheduler), on_lookup_(std::move(on_lookup)), inner_(std::move(inner)) {}

  Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) override {
    const Handle handle = inner_->announce(key, value_id, std::move(value));
    if (handle) ++announcements_;
    return handle;
  }
  void withdraw(Handle announcement) override {
    if (announcement) --announcements_;
    inner_->withdraw(announcement);
  }
  void get(const DhtKey& key, OnValue on_value, OnDone on_done) override {
    struct Watch {
      TimePoint begun;
      Lookup lookup;
    };
    const auto watch = std::make_shared<Watch>(Watch{scheduler_.now(), {}});
    inner_->get(
        key,
        [this, watch, on_value = std::move(on_value)](ByteView value, bool expired) {
          if (++watch->lookup.values == 1)
            watch->lookup.first_value = scheduler_.now() - watch->begun;
          const bool goes_on = on_value(value, expired);
          if (!goes_on) tell(*watch);
          return goes_on;
        },
        [this, watch, on_done = std::move(on_done)](bool ok) {
          watch->lookup.ok = ok;
          tell(*watch);
          if (on_done) on_done(ok);
        });
  }
  Handle listen(const DhtKey& key, OnValue on_value) override {
    const Handle handle = inner_->listen(key, std::move(on_value));
    if (handle) ++listens_;
    return handle;
  }
  void cancel_listen(Handle listening) override {
    if (listening) --listens_;
    inner_->cancel_listen(listening);
  }
  void add_node(const Endpoint& node) override { inner_->add_node(node); }
  void set_passive(bool passive) override { inner_->set_passive(passive); }
  [[nodiscard]] std::vector<Endpoint> known_nodes(std::size_t count_max) const override {
    return inner_->known_nodes(count_max);
  }
  [[nodiscard]] Status status() const override { return inner_->status(); }

  [[nodiscard]] std::size_t announcements() const { return announcements_; }
  [[nodiscard]] std::size_t listens() const { return listens_; }

 private:
  template <class Watch>
  void tell(Watch& watch) {
    if (std::exchange(watch.lookup.is_told, true)) return;
    watch.lookup.took = scheduler_.now() - watch.begun;
    on_lookup_(watch.lookup);
  }

  Scheduler& scheduler_;
  OnLookup on_lookup_;
  std::size_t announcements_ = 0;
  std::size_t listens_ = 0;
  std::unique_ptr<Rendezvous> inner_;  // dies first: it may end lookups while it does
};

}  // namespace starling::sim
