#include "src/bench/layout.hpp"

namespace starling::bench {
namespace {

std::string padded(std::uint64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return text;
}

}  // namespace

Layout make_layout(const Options& options) {
  Layout layout;
  layout.load = options.load;
  layout.topics = options.topics;
  layout.prefix = options.topic;
  layout.publishers = options.load == Load::fan_out ? 1 : options.clients;
  layout.subscribers = options.load == Load::fan_in    ? 1
                       : options.load == Load::publish ? 0
                                                       : options.clients;
  layout.copies = options.load == Load::fan_out   ? options.clients
                  : options.load == Load::publish ? 0
                                                  : 1;
  if (options.load == Load::wildcard) layout.suffix = "/state";
  return layout;
}

Layout::Range Layout::streams_of(std::uint32_t subscriber) const {
  if (load == Load::fan_out || load == Load::fan_in) return {0, streams()};
  return {subscriber * topics, topics};
}

std::string Layout::topic_of(std::uint32_t stream) const {
  return prefix + "/" + padded(stream, topic_digits) + suffix;
}

std::uint64_t Layout::filter_count(std::uint32_t subscriber) const {
  return load == Load::fan_in ? 1 : streams_of(subscriber).count;
}

std::string Layout::filter_of(std::uint32_t subscriber, std::uint64_t number) const {
  if (load == Load::fan_in) return prefix + "/#";
  const std::uint32_t stream = streams_of(subscriber).first + static_cast<std::uint32_t>(number);
  if (load != Load::wildcard) return topic_of(stream);
  return prefix + "/" + padded(stream, topic_digits) + (stream % 2 == 0 ? "/+" : "/#");
}

std::string idle_filter(const std::string& prefix, std::uint64_t number) {
  return prefix + "/room" + padded(number / 100 % 1'000, 3) + "/sensor"
         + padded(number, topic_digits) + "/+";
}

void write_digits(std::uint32_t stream, std::uint8_t* to) {
  for (std::uint32_t i = topic_digits; i-- > 0; stream /= 10)
    to[i] = static_cast<std::uint8_t>('0' + stream % 10);
}

}  // namespace starling::bench
