// Stage: what all loads share: the loop, the brokers, the clients' once-a-second duties, the progress
// line, and the first thing that went wrong.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/bench/exit_status.hpp"
#include "src/bench/options.hpp"
#include "src/bench/poller.hpp"
#include "src/bench/process_meter.hpp"
#include "src/bench/target.hpp"

namespace starling::bench {

class Client;

class Stage {
 public:
  /// Finds both brokers. Throws TroubleError. `options` outlives the stage.
  explicit Stage(const Options& options);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Poller& poller() { return poller_; }
  [[nodiscard]] ProcessMeter& meter() { return meter_; }
  [[nodiscard]] const Target& publish_at() const { return publish_at_; }
  [[nodiscard]] const Target& subscribe_at() const { return subscribe_at_; }
  [[nodiscard]] TimePoint now() const { return poller_.now(); }
  /// Nanoseconds since the stage was made.
  [[nodiscard]] std::int64_t since_start(TimePoint when) const { return (when - start_).count(); }

  /// One turn of the loop; once a second clients are told the time, memory is looked at, and the
  /// progress line is written.
  void turn(TimePoint until);

  /// Ctrl-C, or trouble: loads stop what they do and report what there is.
  [[nodiscard]] bool should_end() const {
    return trouble_ || (poller_.interrupted() && !is_cleaning_up_);
  }
  /// From here on one Ctrl-C is no reason to end: what was left at the broker is taken away.
  void begin_clean_up() { is_cleaning_up_ = true; }
  [[nodiscard]] bool interrupted() const { return poller_.interrupted(); }
  /// The first trouble is kept.
  void fail(Trouble trouble);
  [[nodiscard]] const std::optional<Trouble>& trouble() const { return trouble_; }

  /// What the progress line says; replaces the one before.
  void show(std::function<std::string()> line) { line_ = std::move(line); }
  void clear_line();

  // --- For clients ---
  std::uint64_t take_number() { return next_number_++; }
  void add(Client& client);
  void remove(Client& client);

 private:
  void every_second();

  const Options& options_;
  Poller poller_;
  ProcessMeter meter_;
  Target publish_at_;
  Target subscribe_at_;
  TimePoint start_;
  TimePoint next_second_;
  std::optional<Trouble> trouble_;
  std::function<std::string()> line_;
  bool shows_line_;
  bool is_cleaning_up_ = false;
  std::uint64_t next_number_ = 0;
  std::vector<Client*> clients_;
};

}  // namespace starling::bench
