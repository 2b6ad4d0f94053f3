// Publications over a link between two nodes, without TLS: two PeerLinks joined in memory. Each turn
// brings a batch of 1, 16 or 256 messages.
#include <benchmark/benchmark.h>
#include <string>
#include <variant>
#include <vector>

#include "starling/check.hpp"

#include "tests/bench/count_allocations.hpp"
#include "tests/unit/link/link_pair.hpp"

using namespace starling;
using namespace starling::bench;
using namespace starling::link_test;

namespace {

constexpr std::size_t topics = 10;
constexpr std::size_t payload = 64;  // bytes

/// Messages as the mesh has them when it decides to which links they go.
std::vector<Publication> publications(QoS qos) {
  std::vector<Publication> made;
  for (std::size_t i = 0; i < topics; ++i)
    made.push_back(
        {.topic = TopicName::parse("house/room" + std::to_string(i) + "/temperature").value(),
         .payload = SharedBytes(ByteView(Bytes(payload, 0x61))),
         .qos = qos,
         .retain = false,
         .expires_at = std::nullopt,
         .properties = nullptr,
         .id = {node(1), 1, 1}});
  return made;
}

struct Traffic {
  explicit Traffic(const benchmark::State& state)
      : batch(static_cast<std::size_t>(state.range(0))),
        qos(static_cast<QoS>(state.range(1))),
        messages(publications(qos)) {
    pair.link_up();
  }

  /// One turn of the sending node: written into the batch, framed, into the output.
  void send_batch() {
    for (std::size_t i = 0; i < batch; ++i) {
      Publication& message = messages[i % topics];
      message.id.sequence = ++sequence;
      const auto sent = pair.a.link->send(
          {.message = message, .topic = message.topic, .mesh = 0, .qos = qos}, pair.a.out);
      STARLING_CHECK(sent.outcome == SendOutcome::sent);
    }
    pair.a.link->flush(pair.a.out);
  }
  Bytes take_sent() { return drain(pair.a.out); }
  /// One turn of the receiving node: read, and acknowledged if that is due.
  void receive(ByteView bytes) {
    pair.b.link->on_bytes(bytes, pair.now, pair.b.events, pair.b.out);
    for (const LinkEvent& event : pair.b.events) {
      const auto* batch_of = std::get_if<PublicationsArrived>(&event);
      if (batch_of == nullptr) continue;
      arrived += batch_of->publications.size();
      if (qos != QoS::at_most_once)
        pair.b.link->acknowledge(batch_of->publications.back().number, pair.b.out);
    }
    pair.b.events.clear();
  }
  /// Credit and acknowledgements on their way back.
  void answer() {
    pair.carry(pair.b, pair.a);
    STARLING_CHECK(!pair.a.has_failed());
    pair.a.events.clear();
  }
  void report(benchmark::State& state, std::int64_t allocations) const {
    const auto count = static_cast<std::int64_t>(state.iterations() * batch);
    STARLING_CHECK(arrived == static_cast<std::size_t>(count));
    state.SetItemsProcessed(count);
    state.counters["allocs/msg"] = static_cast<double>(allocations) / static_cast<double>(count);
  }

  Pair pair;
  std::size_t batch;
  QoS qos;
  std::vector<Publication> messages;
  std::uint64_t sequence = 0;
  std::size_t arrived = 0;
};

void link_send(benchmark::State& state) {
  Traffic traffic(state);
  std::int64_t allocations = 0;
  for (auto _ : state) {
    const std::int64_t before = heap_use().allocations;
    traffic.send_batch();
    allocations += heap_use().allocations - before;
    state.PauseTiming();
    traffic.receive(traffic.take_sent());
    traffic.answer();
    state.ResumeTiming();
  }
  traffic.report(state, allocations);
}

void link_receive(benchmark::State& state) {
  Traffic traffic(state);
  std::int64_t allocations = 0;
  for (auto _ : state) {
    state.PauseTiming();
    traffic.send_batch();
    const Bytes bytes = traffic.take_sent();
    state.ResumeTiming();
    const std::int64_t before = heap_use().allocations;
    traffic.receive(bytes);
    allocations += heap_use().allocations - before;
    state.PauseTiming();
    traffic.answer();
    state.ResumeTiming();
  }
  traffic.report(state, allocations);
}

/// Both ends and the way back.
void link_whole(benchmark::State& state) {
  Traffic traffic(state);
  const std::int64_t before = heap_use().allocations;
  for (auto _ : state) {
    traffic.send_batch();
    traffic.receive(traffic.take_sent());
    traffic.answer();
  }
  traffic.report(state, heap_use().allocations - before);
}

void arguments(benchmark::internal::Benchmark* it) {
  it->ArgsProduct({{1, 16, 256}, {0, 1}})->ArgNames({"batch", "qos"});
}

}  // namespace

// The number is fixed: finding it by time counts the pauses for nothing, and takes minutes.
BENCHMARK(link_send)->Apply(arguments)->Iterations(20'000);
BENCHMARK(link_receive)->Apply(arguments)->Iterations(20'000);
BENCHMARK(link_whole)->Apply(arguments)->MinTime(0.3);
