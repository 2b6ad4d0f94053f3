// One message to many subscribers through a broker without sockets. Items are deliveries.
#include <benchmark/benchmark.h>

#include "tests/bench/count_allocations.hpp"
#include "tests/bench/quiet_broker.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

constexpr std::string_view topic = "house/kitchen/temperature";

/// Arguments: subscribers, QoS, payload bytes.
void fan_out(benchmark::State& state) {
  const auto subscribers = static_cast<std::size_t>(state.range(0));
  const auto qos = static_cast<QoS>(state.range(1));
  const auto payload = static_cast<std::size_t>(state.range(2));
  const auto version = mqtt::ProtocolVersion::v3_1_1;
  const std::size_t batch = 16;  // messages in one read

  QuietBroker broker(static_cast<std::uint16_t>(batch));
  QuietClient& publisher = broker.connect(version);
  std::vector<QuietClient*> readers;
  for (std::size_t i = 0; i < subscribers; ++i) {
    readers.push_back(&broker.connect(version));
    broker.subscribe(*readers.back(), topic, qos);
  }
  const Bytes stream = publish_stream(topic, payload, qos, batch, version);
  std::vector<Bytes> answers(subscribers);
  std::int64_t allocations = 0;
  for (auto _ : state) {
    const std::int64_t before = heap_use().allocations;
    publisher.feed(stream);
    broker.end_turn();
    publisher.drop_output();
    if (qos == QoS::at_most_once)
      for (QuietClient* reader : readers) reader->drop_output();
    allocations += heap_use().allocations - before;
    if (qos == QoS::at_most_once) continue;

    state.PauseTiming();
    for (std::size_t i = 0; i < subscribers; ++i) {
      answers[i].clear();
      STARLING_CHECK(readers[i]->answer_output(answers[i]) == batch);
    }
    state.ResumeTiming();
    const std::int64_t before_answers = heap_use().allocations;
    for (std::size_t i = 0; i < subscribers; ++i) readers[i]->feed(answers[i]);
    broker.end_turn();
    allocations += heap_use().allocations - before_answers;
  }
  const auto deliveries = static_cast<std::int64_t>(state.iterations() * batch * subscribers);
  STARLING_CHECK(broker.counters().publish_sent == deliveries);
  state.SetItemsProcessed(deliveries);
  state.counters["allocs/delivery"] =
      static_cast<double>(allocations) / static_cast<double>(deliveries);
}

}  // namespace

BENCHMARK(fan_out)
    ->ArgsProduct({{1, 100, 1'000}, {0, 1}, {64, 16'384}})
    ->ArgNames({"to", "qos", "bytes"})
    ->MinTime(0.2);
