// AnnouncementBook: what this node keeps alive in the DHT, and what is to be done about it next:
// put it, or see whether it is really there. A machine; the engine carries the chores out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "starling/bytes.hpp"
#include "starling/ids.hpp"
#include "starling/time.hpp"

namespace starling {

struct Announcement {
  DhtKey key;
  std::uint64_t value_id = 0;
  Bytes value;
};

/// What came of reading an announcement back from other nodes.
enum class ReadBack : std::uint8_t {
  found,
  missing,     ///< others answered, and none has it: a put's "ok" proves nothing
  unanswered,  ///< nobody answered
};

class AnnouncementBook {
 public:
  enum class Chore : std::uint8_t { put, read_back };
  struct Task {
    std::uint64_t id;
    Chore chore;
  };

  /// A put is due at once. Returns its id, or 0 above limits::dht_operations_max.
  std::uint64_t add(Announcement announcement, TimePoint now);
  /// nullptr: never added, or removed.
  [[nodiscard]] const Announcement* find(std::uint64_t id) const;
  std::optional<Announcement> remove(std::uint64_t id);

  /// Nodes were lost, or all of them were: everything is put again.
  void put_all_again(TimePoint now);

  /// The next chore that is due, which counts as begun. Puts are paced by limits::puts_per_s and
  /// puts_burst. A put is followed by a read-back three seconds later.
  std::optional<Task> next_task(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// Missing: it is put again after a pause that doubles from 2 s to 60 s. Unanswered: it is read
  /// again in 10 s. Unknown ids, and ids that wait for another chore by now, are no error.
  void on_read_back(std::uint64_t id, ReadBack outcome, TimePoint now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// How many puts were repetitions.
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }
  [[nodiscard]] std::uint64_t verified() const { return verified_; }

 private:
  struct Entry {
    Announcement announcement;
    std::optional<TimePoint> due;  // nullopt: nothing to do, or a read-back is under way
    Chore chore = Chore::put;
    bool reading = false;
    bool was_put = false;
    unsigned times_missing = 0;
  };

  void schedule(std::uint64_t id, Entry& entry, Chore chore, TimePoint due);
  void unschedule(std::uint64_t id, Entry& entry);

  std::map<std::uint64_t, Entry> entries_;
  std::set<std::pair<TimePoint, std::uint64_t>> agenda_;
  TimePoint puts_paid_until_{};  // the pace: a put moves it by 1 / puts_per_s, and it may run ahead
                                 // by a burst
  std::uint64_t last_id_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t verified_ = 0;
};

}  // namespace starling
