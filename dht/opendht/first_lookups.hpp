// FirstLookups: three searches (own id, anywhere, own id) after every connecting, before anything
// is announced, and a few more in the first minute. They fill the routing tables: without them one
// get in eight fails where many nodes join at once. A machine; the engine carries the searches out.
#pragma once

#include <cstdint>
#include <optional>

#include "starling/time.hpp"

namespace starling {

class FirstLookups {
 public:
  enum class Target : std::uint8_t { own_id, anywhere };
  struct Task {
    std::uint64_t id;  ///< give it back to on_done
    Target target;
  };

  /// The connection came: all begins anew.
  void on_connected(TimePoint now);
  void on_disconnected();

  /// What is to be searched now.
  std::optional<Task> next_task(TimePoint now);
  void on_done(std::uint64_t id, TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  /// May announcements begin? True once the first three have ended, or have had their time.
  [[nodiscard]] bool tables_are_filled() const { return filled_; }

 private:
  void take_next_step(TimePoint now);

  unsigned step_ = 0;
  bool searching_ = false;
  bool filled_ = false;
  std::uint64_t search_id_ = 0;
  TimePoint connected_at_{};
  std::optional<TimePoint>
      due_;  // of the next search, or of the end of our patience with the current one
};

}  // namespace starling
