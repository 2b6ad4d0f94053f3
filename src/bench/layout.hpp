// Layout: who publishes what to whom, for the loads that send messages through. A stream is one topic
// of one publisher; streams are numbered, publisher by publisher.
#pragma once

#include <cstdint>
#include <string>

#include "src/bench/options.hpp"

namespace starling::bench {

struct Layout {
  std::uint32_t publishers = 0;
  std::uint32_t topics = 0;  ///< streams of each publisher
  std::uint32_t subscribers = 0;
  std::uint32_t copies = 0;  ///< subscribers that get a message; 0: nobody of ours
  std::string prefix;        ///< topics are prefix + "/" + the stream's digits + suffix
  std::string suffix;

  struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  /// Whose messages a subscriber gets.
  [[nodiscard]] Range streams_of(std::uint32_t subscriber) const;
  [[nodiscard]] std::uint32_t streams() const { return publishers * topics; }
  [[nodiscard]] std::string topic_of(std::uint32_t stream) const;
  /// What a subscriber asks for: `filter_count` filters, by number.
  [[nodiscard]] std::uint64_t filter_count(std::uint32_t subscriber) const;
  [[nodiscard]] std::string filter_of(std::uint32_t subscriber, std::uint64_t number) const;

  Load load = Load::pairs;
};

/// Of pairs, fan_out, fan_in, wildcard and publish; `options` complete.
Layout make_layout(const Options& options);

/// Filters that match no topic of a layout, as a house would have them: "prefix/room017/sensor0004711/+".
std::string idle_filter(const std::string& prefix, std::uint64_t number);

/// A stream's number as it stands in topics: topic_digits digits.
void write_digits(std::uint32_t stream, std::uint8_t* to);

}  // namespace starling::bench
