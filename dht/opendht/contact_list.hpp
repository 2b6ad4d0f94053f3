// ContactList: the addresses that may let us into the DHT, and when each is to be asked. A machine.
#pragma once

#include <optional>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/time.hpp"

namespace starling {

class ContactList {
 public:
  /// Due at once, unless it was asked within the last five seconds. Of more than
  /// limits::dht_contacts_max the oldest gives way, but none of the first
  /// limits::dht_contacts_kept: those are the configured ones.
  void add(const Endpoint& endpoint, TimePoint now);

  /// Those whose time has come; they count as asked. While not `connected` each is asked after 1,
  /// 2, 4 ... 30 s; else every two minutes, so that a divided network, or a bootstrap node that was
  /// away, is found again.
  std::vector<Endpoint> take_due(TimePoint now, bool connected);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// The connection came or went: pauses begin anew.
  void on_status_changed(TimePoint now, bool connected);

  [[nodiscard]] std::size_t size() const { return contacts_.size(); }

 private:
  struct Contact {
    Endpoint endpoint;
    std::optional<TimePoint> asked_at;
    TimePoint due{};
    Duration pause{};
  };
  std::vector<Contact> contacts_;
};

}  // namespace starling
