// The subscription tree with 10 to 1 000 000 filters: matching, subscribing, and what a filter costs
// in memory. Each tree is built once, so the numbers of iterations are fixed.
#include <benchmark/benchmark.h>
#include <string>
#include <utility>
#include <vector>

#include "starling/check.hpp"

#include "src/broker/local_session.hpp"
#include "src/topic/subscription_tree.hpp"
#include "tests/bench/count_allocations.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::bench;

namespace {

using Tree = SubscriptionTree<SubscriptionOptions>;

enum Kind : std::int64_t { exact, plus, hash };  // how the filters end

constexpr std::size_t sessions = 1'000;  // that share the filters
constexpr std::size_t names_count = 4'096;

/// Devices of a building each: "home/room17/sensor4711" and what they tell.
std::string device(std::size_t number) {
  return "home/room" + std::to_string(number % sessions) + "/sensor" + std::to_string(number);
}
TopicFilter filter_of(std::size_t number, Kind kind) {
  static constexpr const char* endings[] = {"/temperature", "/+", "/#"};
  return TopicFilter::parse(device(number) + endings[kind]).value();
}

struct Filled {
  Filled(std::size_t count, Kind kind) {
    const std::int64_t before = heap_use().live_bytes;
    for (std::size_t i = 0; i < count; ++i)
      tree.insert(filter_of(i, kind), i % sessions, SubscriptionOptions{});
    bytes = heap_use().live_bytes - before;
  }
  Tree tree{HashSeed{1, 2}};
  std::int64_t bytes = 0;
};

/// Names of devices below `count`, in no order.
std::vector<TopicName> names_below(std::size_t count, std::string_view ending) {
  test::SeededRandom random(4711);
  std::vector<TopicName> names;
  for (std::size_t i = 0; i < names_count; ++i)
    names.push_back(TopicName::parse(device(random.upto(count)) + std::string(ending)).value());
  return names;
}

void report(benchmark::State& state, const Filled& filled) {
  state.counters["B/filter"] =
      static_cast<double>(filled.bytes) / static_cast<double>(filled.tree.size());
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * names_count));
}

/// Every name is wanted once.
void match_one(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const Filled filled(count, static_cast<Kind>(state.range(1)));
  const auto names = names_below(count, "/temperature");
  std::size_t found = 0;
  for (auto _ : state)
    for (const TopicName& name : names)
      filled.tree.match(name, [&](SubscriberKey, const SubscriptionOptions&) { ++found; });
  STARLING_CHECK(found == static_cast<std::size_t>(state.iterations()) * names_count);
  report(state, filled);
}

/// Nobody wants any of the names, though all but their last level is known.
void match_none(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const Filled filled(count, exact);
  const auto names = names_below(count, "/humidity");
  std::size_t found = 0;
  for (auto _ : state)
    for (const TopicName& name : names)
      filled.tree.match(name, [&](SubscriberKey, const SubscriptionOptions&) { ++found; });
  STARLING_CHECK(found == 0);
  report(state, filled);
}

/// Wildcards in every place, so that a name has eight ways through the tree.
void match_many_ways(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Filled filled(count, exact);
  for (const char* filter :
       {"+/+/+/temperature", "home/+/+/temperature", "home/+/+/+", "#", "+/#", "home/#", "+/+/+/+"})
    filled.tree.insert(TopicFilter::parse(filter).value(), sessions, SubscriptionOptions{});
  const auto names = names_below(count, "/temperature");
  std::size_t found = 0;
  for (auto _ : state)
    for (const TopicName& name : names)
      filled.tree.match(name, [&](SubscriberKey, const SubscriptionOptions&) { ++found; });
  STARLING_CHECK(found == static_cast<std::size_t>(state.iterations()) * names_count * 8);
  report(state, filled);
}

/// A filter comes and goes in a tree of so many.
void subscribe_unsubscribe(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Filled filled(count, plus);
  std::vector<TopicFilter> filters;
  for (std::size_t i = 0; i < names_count; ++i) filters.push_back(filter_of(count + i, plus));
  for (auto _ : state) {
    for (const TopicFilter& filter : filters) filled.tree.insert(filter, 7, SubscriptionOptions{});
    for (const TopicFilter& filter : filters) filled.tree.erase(filter, 7);
  }
  STARLING_CHECK(filled.tree.size() == count);
  report(state, filled);
}

/// From nothing to so many filters; items are filters.
void fill(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::int64_t bytes = 0;
  for (auto _ : state) bytes = Filled(count, plus).bytes;
  state.counters["B/filter"] = static_cast<double>(bytes) / static_cast<double>(count);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * count));
}

}  // namespace

BENCHMARK(match_one)
    ->ArgsProduct({{10, 1'000, 100'000, 1'000'000}, {exact, plus, hash}})
    ->ArgNames({"filters", "kind"})
    ->Iterations(100);
BENCHMARK(match_none)->Arg(1'000)->Arg(1'000'000)->ArgName("filters")->Iterations(100);
BENCHMARK(match_many_ways)->Arg(1'000)->Arg(1'000'000)->ArgName("filters")->Iterations(50);
BENCHMARK(subscribe_unsubscribe)
    ->RangeMultiplier(100)
    ->Range(10, 1'000'000)
    ->ArgName("filters")
    ->Iterations(50);
BENCHMARK(fill)->Arg(1'000'000)->ArgName("filters")->Iterations(1)->Unit(benchmark::kMillisecond);
