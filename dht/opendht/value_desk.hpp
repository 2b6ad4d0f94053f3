// ValueDesk: the gets and listens under way, and what has come for them. OpenDHT hands its answers
// in from the middle of its own work; they are kept here and handed out when it has returned, so
// that whoever receives one may call the engine again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <opendht/value.h>
#include <set>
#include <vector>

#include "starling/ids.hpp"
#include "starling/port/rendezvous.hpp"

#include "dht/opendht/record_type.hpp"

namespace starling {

class ValueDesk {
 public:
  explicit ValueDesk(RecordCheck& check) : check_(check) {}

  /// Returns the operation's id, or 0 above limits::dht_operations_max of its kind.
  std::uint64_t open_get(const DhtKey& key, Rendezvous::OnValue on_value,
                         Rendezvous::OnDone on_done);
  std::uint64_t open_listen(const DhtKey& key, Rendezvous::OnValue on_value);
  /// Nothing more is delivered. Unknown ids are no error.
  void close(std::uint64_t id);

  /// OpenDHT's answers, in the order in which they come. False: the get needs no more.
  bool on_values(std::uint64_t id, const std::vector<std::shared_ptr<::dht::Value>>& values,
                 bool expired);
  void on_done(std::uint64_t id, bool ok);

  /// Hands out all that is kept, including what comes in meanwhile. At most
  /// limits::values_per_key_max values of a get, and as many at a time of a listen; what does not
  /// verify is counted, and ends a get when there is too much of it.
  void deliver();
  [[nodiscard]] bool has_something() const { return !answers_.empty(); }

  [[nodiscard]] std::size_t gets_open() const { return gets_open_; }
  std::uint64_t refused = 0;  ///< values that were not delivered

 private:
  struct Operation {
    DhtKey key;
    Rendezvous::OnValue on_value;
    Rendezvous::OnDone on_done;     // empty: a listen
    std::set<std::uint64_t> alive;  // value ids delivered and not expired
    std::size_t refused = 0;
    bool satisfied = false;  // a get that wants no more values
    bool answered = false;   // a get that has delivered something

    [[nodiscard]] bool is_listen() const { return !on_done; }
  };
  struct Answer {
    std::uint64_t operation;
    std::shared_ptr<::dht::Value> value;  // null: done
    bool expired;
    bool ok;
  };

  std::uint64_t open(const DhtKey& key, Rendezvous::OnValue on_value, Rendezvous::OnDone on_done);
  void deliver_value(Operation& operation, const ::dht::Value& value, bool expired);
  void deliver_done(std::uint64_t id, bool ok);

  RecordCheck& check_;
  // Shared, so that a callback may close its own operation.
  std::map<std::uint64_t, std::shared_ptr<Operation>> operations_;
  std::vector<Answer> answers_;
  std::uint64_t last_id_ = 0;
  std::size_t gets_open_ = 0;
  std::size_t listens_open_ = 0;
};

}  // namespace starling
