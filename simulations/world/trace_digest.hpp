// TraceDigest: one number for everything observers are told, instants included. Two runs that agree
// in it were the same run.
#pragma once

#include <cstdint>
#include <string>

#include "simulations/world/observer.hpp"
#include "simulations/world/random.hpp"

namespace starling::sim {

class TraceDigest final : public Observer {
 public:
  [[nodiscard]] std::uint64_t value() const { return state_; }
  [[nodiscard]] std::string text() const;  ///< 16 hexadecimal digits
  [[nodiscard]] std::uint64_t events() const { return events_; }

  void on_node_started(TimePoint at, NodeNumber node) override { add(1, at, node); }
  void on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) override {
    add(2, at, node, static_cast<std::uint64_t>(how));
  }
  void on_link_up(TimePoint at, NodeNumber node, NodeNumber peer) override {
    add(3, at, node, peer);
  }
  void on_link_down(TimePoint at, NodeNumber node, NodeNumber peer) override {
    add(4, at, node, peer);
  }
  void on_link_bytes(TimePoint at, NodeNumber from, NodeNumber to, std::size_t size) override {
    add(5, at, from, to);
    add(size);
  }
  void on_datagram(TimePoint at, NodeNumber from, NodeNumber to, ByteView bytes) override {
    add(6, at, from, to);
    add(bytes);
  }
  void on_lookup(TimePoint at, NodeNumber node, const Lookup& lookup) override {
    add(16, at, node, lookup.values);
    add(static_cast<std::uint64_t>(lookup.took.count()));
  }
  void on_client_connected(TimePoint at, const ClientConnected& what) override {
    add(7, at, what.client, what.node);
    add(what.session_present ? 1 : 0);
  }
  void on_client_ended(TimePoint at, ClientNumber client, bool in_order) override {
    add(8, at, client, in_order ? 1 : 0);
  }
  void on_subscribing(TimePoint at, const Subscribed& what) override {
    add(17, at, what.client, what.identifier);
  }
  void on_subscribed(TimePoint at, const Subscribed& what) override {
    add(9, at, what.client, what.identifier);
    add(as_bytes(what.filter));
  }
  void on_unsubscribing(TimePoint at, ClientNumber client, std::string_view filter) override {
    add(18, at, client);
    add(as_bytes(filter));
  }
  void on_unsubscribed(TimePoint at, ClientNumber client, std::string_view filter) override {
    add(10, at, client);
    add(as_bytes(filter));
  }
  void on_published(TimePoint at, const Published& what) override {
    add(11, at, what.number, what.client);
    add(static_cast<std::uint64_t>(what.qos) | (what.retain ? 4U : 0U) | (what.is_will ? 8U : 0U));
    add(as_bytes(what.topic));
  }
  void on_acknowledged(TimePoint at, MessageNumber number) override { add(12, at, number); }
  void on_completed(TimePoint at, MessageNumber number) override { add(19, at, number); }
  void on_received(TimePoint at, const Received& what) override {
    add(13, at, what.number, what.client);
    add(static_cast<std::uint64_t>(what.qos) | (what.retain ? 4U : 0U) | (what.dup ? 8U : 0U)
        | (what.is_repeated_packet ? 16U : 0U));
    add(as_bytes(what.topic));
  }
  void on_fault_begins(TimePoint at, std::string_view what) override {
    add(14, at);
    add(as_bytes(what));
  }
  void on_fault_ends(TimePoint at, std::string_view what) override {
    add(15, at);
    add(as_bytes(what));
  }

 private:
  void add(std::uint64_t value) { state_ = mix((state_ + 0x9E3779B97F4A7C15U) ^ value); }
  void add(std::uint64_t kind, TimePoint at, std::uint64_t a = 0, std::uint64_t b = 0) {
    ++events_;
    add(kind);
    add(static_cast<std::uint64_t>(at.time_since_epoch().count()));
    add(a);
    add(b);
  }
  void add(ByteView bytes);

  std::uint64_t state_ = 0x5354'4C31;
  std::uint64_t events_ = 0;
};

}  // namespace starling::sim
