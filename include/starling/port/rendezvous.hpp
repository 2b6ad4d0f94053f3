// Rendezvous: where nodes that do not know each other meet. The DHT in the product, a model in
// large simulations.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"

namespace starling {

class Rendezvous {
 public:
  /// One value under the key: first from the initial answer, later as it appears. `expired` is a
  /// hint only: no value can be taken back. Returning false ends a get early; ignored by listen.
  using OnValue = std::function<bool(ByteView value, bool expired)>;
  /// No more values will come from a get. `ok`: some node answered.
  using OnDone = std::function<void(bool ok)>;
  struct Handle {
    std::uint64_t value = 0;
    explicit operator bool() const { return value != 0; }
  };
  struct Status {
    bool connected = false;      ///< at least one other DHT node has answered lately
    std::size_t good_nodes = 0;  ///< both families
    std::size_t dubious_nodes = 0;
  };

  virtual ~Rendezvous() = default;

  /// Keeps `value` (a signed record, <= limits::record_bytes_max) alive under `key` until
  /// withdrawn. `value_id`: non-zero and new for each changed record, or listeners are not told.
  virtual Handle announce(const DhtKey& key, std::uint64_t value_id, Bytes value) = 0;
  /// Stops keeping it alive; it runs out by itself.
  virtual void withdraw(Handle announcement) = 0;

  virtual void get(const DhtKey& key, OnValue on_value, OnDone on_done) = 0;
  virtual Handle listen(const DhtKey& key, OnValue on_value) = 0;
  virtual void cancel_listen(Handle listening) = 0;

  /// Whether others can count on this node. One behind a router that lets in only whom it has asked
  /// would cost everybody a timeout again and again, and what is kept by it is lost to most. While
  /// passive it asks as a client: it is served, and nobody's table keeps it.
  virtual void set_passive(bool /*passive*/) {}

  /// A node that may take part in the DHT: a bootstrap address, or a peer's.
  virtual void add_node(const Endpoint& node) = 0;
  /// Good nodes worth remembering on disk, best first.
  [[nodiscard]] virtual std::vector<Endpoint> known_nodes(std::size_t count_max) const = 0;
  [[nodiscard]] virtual Status status() const = 0;
};

}  // namespace starling
