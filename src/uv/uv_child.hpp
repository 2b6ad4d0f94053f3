// UvChild: another program runs, and what it writes is gathered, within bounds of time and size.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "starling/port/scheduler.hpp"
#include "starling/result.hpp"
#include "starling/time.hpp"

namespace starling {

class UvLoop;

class UvChild {
 public:
  struct Bounds {
    Duration time_max;             ///< then it is killed
    std::size_t output_bytes_max;  ///< of its standard output; then it is killed
  };
  /// What it wrote, if it ended by itself with status 0; else why not, as half a sentence.
  using OnEnd = std::function<void(Result<std::string>)>;

  /// `words`: the program's path and its arguments. Its standard input is empty, its standard error
  /// is ours. `on_end` comes once, from the loop, and may destroy the child.
  UvChild(UvLoop& loop, std::vector<std::string> words, Bounds bounds, OnEnd on_end);
  /// Kills it if it still runs; then nothing is told.
  ~UvChild();
  UvChild(const UvChild&) = delete;
  UvChild& operator=(const UvChild&) = delete;

 private:
  class Process;
  class Output;
  void kill(const std::string& why);
  void on_exit(std::int64_t status, int signal);
  void on_output(const char* bytes, std::size_t count);
  void on_output_end();
  void end_if_complete();
  void finish();

  UvLoop& loop_;
  Bounds bounds_;
  OnEnd on_end_;
  std::shared_ptr<Process> process_;
  std::shared_ptr<Output> output_;
  std::string text_;
  std::string why_not_;  // empty: well so far
  bool has_exited_ = false;
  bool output_ended_ = false;
  WakeId timeout_;
};

}  // namespace starling
