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
  /// Counts a dial to `endpoint` and allows it, unless limits::unproven_dials_per_hour have gone
  /// there, or limits::unproven_dials_per_host to its address, within the running hour. Loopback
  /// and private addresses have no bound for the host: whole meshes live there.
  bool try_take(const Endpoint& endpoint, TimePoint now);
  /// When an endpoint that was refused may be tried again: the begin of the next hour.
  [[nodiscard]] TimePoint next_window(TimePoint now) const;

 private:
  void begin_window(TimePoint now);
  bool has_room_for(const Endpoint& key) const;

  TimePoint window_begin_{};
  bool window_open_ = false;
  std::map<Endpoint, std::size_t>
      dials_;  // by endpoint; by host with port 0; bounded, then all refused
};

}  // namespace starling
