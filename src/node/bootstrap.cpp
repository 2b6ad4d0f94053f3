#include "src/node/bootstrap.hpp"

#include <algorithm>

#include "starling/limits.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view nodes_file = "dht_nodes";  // one endpoint a line, best first
constexpr std::size_t nodes_kept = 64;
constexpr auto watch_interval = 1s;
constexpr auto connected_watch_interval = 10s;  // there is nothing to do but to remember
constexpr auto resolve_delay_min = 2s;
constexpr auto resolve_delay_max = 60s;
constexpr auto remember_interval = 60s;

}  // namespace

Bootstrap::Bootstrap(std::vector<HostPort> hosts, Rendezvous& rendezvous, Resolver& resolver,
                     StateFiles& files, Scheduler& scheduler, LogSink& log,
                     OnAddresses on_addresses)
    : hosts_(std::move(hosts)),
      rendezvous_(rendezvous),
      resolver_(resolver),
      files_(files),
      scheduler_(scheduler),
      log_(log),
      on_addresses_(std::move(on_addresses)),
      retry_delay_(resolve_delay_min) {}

Bootstrap::~Bootstrap() {
  *alive_ = false;
}

void Bootstrap::start() {
  // What the operator wrote comes first: the first contacts are those never given up.
  for (const HostPort& host : hosts_) {
    if (const auto literal = Endpoint::parse(host.to_text())) rendezvous_.add_node(*literal);
  }
  if (const auto saved = files_.load(nodes_file)) {
    std::string_view text = as_text(*saved);
    for (std::size_t count = 0; count < nodes_kept && !text.empty(); ++count) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (const auto node = Endpoint::parse(text.substr(0, end))) rendezvous_.add_node(*node);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  next_resolve_ = scheduler_.now();
  next_remember_ = scheduler_.now();
  watch();
}

void Bootstrap::watch() {
  const TimePoint now = scheduler_.now();
  const bool connected = rendezvous_.status().connected;
  if (connected != connected_) {
    connected_ = connected;
    retry_delay_ = resolve_delay_min;
    next_resolve_ = now;
    next_remember_ = now;
  }
  if (!connected && now >= next_resolve_) {
    resolve_all();
    next_resolve_ = now + retry_delay_;
    retry_delay_ = std::min<Duration>(retry_delay_ * 2, resolve_delay_max);
  }
  if (connected && hosts_.empty() && !told_world_) {
    // Nobody gave us an address to join by: those who found us show what kind of network this is.
    const auto known = rendezvous_.known_nodes(nodes_kept);
    told_world_ = !known.empty();
    if (told_world_) on_addresses_(known);
  }
  if (connected && now >= next_remember_) {
    remember();
    next_remember_ = now + remember_interval;
  }
  const bool at_ease = connected && (!hosts_.empty() || told_world_);
  const Duration pause = at_ease ? connected_watch_interval : watch_interval;
  scheduler_.wake_at(now + pause, [this, alive = alive_] {
    if (*alive) watch();
  });
}

void Bootstrap::resolve_all() {
  for (const HostPort& host : hosts_)
    resolver_.resolve(host, [this, host, alive = alive_](Result<std::vector<Endpoint>> addresses) {
      if (*alive) on_resolved(host, std::move(addresses));
    });
}

void Bootstrap::on_resolved(const HostPort& host, Result<std::vector<Endpoint>> addresses) {
  if (!addresses) {
    log_.warn("bootstrap_unresolved", {{"host", host.host}, {"why", addresses.error().what}});
    return;
  }
  bool news = false;
  for (const Endpoint& address : *addresses) {
    rendezvous_.add_node(address);
    if (std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end()) continue;
    constexpr std::size_t addresses_max = 64;
    if (addresses_.size() >= addresses_max) addresses_.erase(addresses_.begin());
    addresses_.push_back(address);
    news = true;
  }
  if (news) on_addresses_(addresses_);
}

void Bootstrap::remember() {
  std::string text;
  for (const Endpoint& node : rendezvous_.known_nodes(nodes_kept)) text += node.to_text() + "\n";
  if (text.empty()) return;  // nobody now is no reason to forget who there was
  if (const auto saved = files_.save(nodes_file, as_bytes(text)); !saved)
    log_.warn("dht_nodes_not_saved", {{"why", saved.error().what}});
}

}  // namespace starling
