// The way of a message through one broker without sockets: cut, read, the publisher's session, fan
// out, the subscriber's session, written; with every acknowledgement of both. The time of the
// clients is left out.
#include <benchmark/benchmark.h>

#include "tests/bench/count_allocations.hpp"
#include "tests/bench/quiet_broker.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

constexpr std::size_t batch = 500;   // messages in one read; the window is as large
constexpr std::size_t payload = 64;  // bytes
constexpr std::string_view topic = "house/kitchen/temperature";

/// Adds up what a stretch of code takes from the heap.
class AllocationCount {
 public:
  template <class Code>
  void during(Code&& code) {
    const std::int64_t before = heap_use().allocations;
    code();
    total_ += heap_use().allocations - before;
  }
  void report(benchmark::State& state) const {
    const auto messages = static_cast<double>(state.iterations() * batch);
    state.counters["allocs/msg"] = static_cast<double>(total_) / messages;
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch));
  }

 private:
  std::int64_t total_ = 0;
};

mqtt::ProtocolVersion version_of(const benchmark::State& state) {
  return static_cast<mqtt::ProtocolVersion>(state.range(0));
}
QoS qos_of(const benchmark::State& state) {
  return static_cast<QoS>(state.range(1));
}

/// Feeds `answers` in the name of `client`, timed; what the broker says to that becomes the next
/// answers, not timed.
void talk(benchmark::State& state, QuietBroker& broker, QuietClient& client, Bytes& answers,
          AllocationCount& allocations) {
  while (!answers.empty()) {
    allocations.during([&] {
      client.feed(answers);
      broker.end_turn();
    });
    state.PauseTiming();
    answers.clear();
    client.answer_output(answers);
    state.ResumeTiming();
  }
}

/// Published, and wanted by nobody: the receiving half alone.
void inbound(benchmark::State& state) {
  QuietBroker broker(batch);
  QuietClient& publisher = broker.connect(version_of(state));
  const Bytes stream = publish_stream(topic, payload, qos_of(state), batch, version_of(state));
  Bytes answers;
  AllocationCount allocations;
  for (auto _ : state) {
    allocations.during([&] {
      publisher.feed(stream);
      broker.end_turn();
    });
    state.PauseTiming();
    publisher.answer_output(answers);
    state.ResumeTiming();
    talk(state, broker, publisher, answers, allocations);
  }
  allocations.report(state);
}

/// From one publisher to one subscriber at the same QoS, both halves.
void pair(benchmark::State& state) {
  QuietBroker broker(batch);
  QuietClient& publisher = broker.connect(version_of(state));
  QuietClient& subscriber = broker.connect(version_of(state));
  broker.subscribe(subscriber, topic, qos_of(state));
  const Bytes stream = publish_stream(topic, payload, qos_of(state), batch, version_of(state));
  Bytes publisher_says;
  Bytes subscriber_says;
  AllocationCount allocations;
  for (auto _ : state) {
    allocations.during([&] {
      publisher.feed(stream);
      broker.end_turn();
    });
    state.PauseTiming();
    publisher.answer_output(publisher_says);
    std::size_t arrived = subscriber.answer_output(subscriber_says);
    state.ResumeTiming();
    // QoS 2 goes on to its subscribers with PUBREL.
    talk(state, broker, publisher, publisher_says, allocations);
    state.PauseTiming();
    arrived += subscriber.answer_output(subscriber_says);
    STARLING_CHECK(arrived == batch);
    state.ResumeTiming();
    talk(state, broker, subscriber, subscriber_says, allocations);
  }
  allocations.report(state);
}

}  // namespace

BENCHMARK(inbound)->ArgsProduct({{4, 5}, {0, 1, 2}})->ArgNames({"mqtt", "qos"})->MinTime(0.3);
BENCHMARK(pair)->ArgsProduct({{4, 5}, {0, 1, 2}})->ArgNames({"mqtt", "qos"})->MinTime(0.3);
