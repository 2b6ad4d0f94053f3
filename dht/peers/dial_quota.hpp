// DialQuota: how often an address that never proved itself is dialled. Records are signed by the
// node they name, but anybody can make nodes: without a bound they could point a whole mesh at a
// victim.
#pragma once

#include <cstddef>
#include <map>

#include "starling/endpoint.hpp"
#include "starling/time.hpp"

namespace starling {

class DialQuota {
 public:
  /// Dials to a global address, whatever its ports, that a stranger may have named: who is made a
  /// victim gets no more of them an hour from one node.
  static constexpr std::size_t per_global_address = 3;

  /// Counts a dial to `endpoint` and allows it, unless per_global_address have gone to its address
  /// within the running hour. Of loopback and private addresses, where whole meshes live, each port
  /// has a bound of its own: limits::unproven_dials_per_hour.
  bool try_take(const Endpoint& endpoint, TimePoint now);
  /// The peer that was wanted has answered there: the dial does not count.
  void give_back(const Endpoint& endpoint);
  /// When an endpoint that was refused may be tried again: the begin of the next hour.
  [[nodiscard]] TimePoint next_window(TimePoint now) const;

 private:
  void begin_window(TimePoint now);
  bool has_room_for(const Endpoint& key) const;

  TimePoint window_begin_{};
  bool window_open_ = false;
  std::map<Endpoint, std::size_t>
      dials_;  // by endpoint; of global addresses by host, with port 0; bounded, then all refused
};

}  // namespace starling
