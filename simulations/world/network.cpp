#include "simulations/world/network.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "starling/check.hpp"

namespace starling::sim {
namespace {

constexpr Duration lan_latency = std::chrono::microseconds{300};
constexpr std::size_t ip_udp_header = 28;  // bytes

}  // namespace

Network::Network(Agenda& agenda, std::uint64_t seed)
    : agenda_(agenda), seed_(mix(seed, 0x6E6574)), dice_(seed_) {
  sites_.emplace_back();
}

// --- Geography

RegionNumber Network::region(const std::string& name) {
  return regions_.try_emplace(name, static_cast<RegionNumber>(regions_.size())).first->second;
}

void Network::set_path(RegionNumber a, RegionNumber b, const PathQuality& quality) {
  paths_[{std::min(a, b), std::max(a, b)}] = quality;
}

const PathQuality& Network::path(RegionNumber a, RegionNumber b) const {
  if (paths_.empty()) return default_path_;
  const auto own = paths_.find({std::min(a, b), std::max(a, b)});
  return own == paths_.end() ? default_path_ : own->second;
}

std::uint64_t Network::place_key(SiteNumber site, const Endpoint& address) {
  std::uint64_t v4 = 0;
  for (std::size_t i = 12; i < 16; ++i) v4 = v4 << 8U | address.address[i];
  return std::uint64_t{site} << 32U | v4;
}

/// Global addresses differ in their upper half: nodes that must live in different networks do.
Endpoint Network::take_address(SiteNumber site, bool for_router) {
  if (site == internet) {
    // 16 to 111: neither private nor reserved. Spread, so that neighbours by number are none by
    // address.
    const std::uint32_t number = ++global_addresses_;
    STARLING_CHECK(number < 96U * 256U * 250U);
    const auto first = static_cast<std::uint8_t>(16 + number % 96);
    const auto second = static_cast<std::uint8_t>(number / 96 % 256);
    const auto fourth = static_cast<std::uint8_t>(1 + number / (96U * 256U) % 250);
    return Endpoint::v4({first, second, 7, fourth}, 0);
  }
  const std::uint32_t number = ++sites_[site].hosts;
  STARLING_CHECK(number < 60'000);
  const auto third = static_cast<std::uint8_t>(number / 250);
  const auto fourth = static_cast<std::uint8_t>(2 + number % 250);
  if (for_router) return Endpoint::v4({100, 64, third, fourth}, 0);  // a provider's own [RFC 6598]
  return Endpoint::v4({192, 168, static_cast<std::uint8_t>(1 + third), fourth}, 0);
}

SiteNumber Network::add_site(SiteNumber outer, const NatSettings& router) {
  const auto number = static_cast<SiteNumber>(sites_.size());
  const Endpoint outside = take_address(outer, true);
  Site site;
  site.outer = outer;
  site.nat = std::make_unique<Nat>(router, outside);
  sites_.push_back(std::move(site));
  places_[place_key(outer, outside)] = {true, number};
  return number;
}

void Network::renumber(SiteNumber site) {
  Site& moved = sites_[site];
  places_.erase(place_key(moved.outer, moved.nat->outside()));
  moved.nat->set_outside(take_address(moved.outer, true));
  places_[place_key(moved.outer, moved.nat->outside())] = {true, site};
}

HostNumber Network::add_host(SiteNumber site, RegionNumber region, const HostClock& clock,
                             const Line& line) {
  const HostNumber number = agenda_.add_host(clock);
  STARLING_CHECK(number == hosts_.size());
  Host host;
  host.site = site;
  host.region = region;
  host.address = take_address(site, false);
  host.line = line;
  places_[place_key(site, host.address)] = {false, number};
  hosts_.push_back(std::move(host));
  return number;
}

void Network::renumber_host(HostNumber host) {
  Host& moved = hosts_[host];
  places_.erase(place_key(moved.site, moved.address));
  moved.address = take_address(moved.site, false);
  places_[place_key(moved.site, moved.address)] = {false, host};
}

// --- Trouble

CutId Network::cut(const std::vector<HostNumber>& from, const std::vector<HostNumber>& to) {
  Cut made{++last_cut_, std::vector<bool>(hosts_.size()), std::vector<bool>(hosts_.size())};
  for (const HostNumber host : from) made.from[host] = true;
  for (const HostNumber host : to) made.to[host] = true;
  cuts_.push_back(std::move(made));
  return {last_cut_};
}

void Network::mend(CutId cut) {
  std::erase_if(cuts_, [&](const Cut& each) { return each.id == cut.value; });
}

bool Network::is_cut(HostNumber from, HostNumber to) const {
  if (!hosts_[from].has_power || !hosts_[to].has_power) return true;
  for (const Cut& cut : cuts_)
    if (from < cut.from.size() && to < cut.to.size() && cut.from[from] && cut.to[to]) return true;
  return false;
}

const PathQuality& Network::path_of(HostNumber a, HostNumber b) const {
  return path(hosts_[a].region, hosts_[b].region);
}

double Network::loss_between(HostNumber a, HostNumber b, const PathQuality& path) const {
  const double arrives =
      (1 - path.loss) * (1 - hosts_[a].loss) * (1 - hosts_[b].loss) * (1 - loss_everywhere_);
  return 1 - arrives;
}

Duration Network::latency(HostNumber from, HostNumber to) const {
  if (hosts_[from].site != internet && hosts_[from].site == hosts_[to].site) return lan_latency;
  const PathQuality& path = path_of(from, to);
  const std::uint64_t pair = std::uint64_t{std::min(from, to)} << 32U | std::max(from, to);
  return Random(seed_, pair).between(path.latency_min, path.latency_max);
}

/// The line is a queue: what comes waits for what came before.
Duration Network::wait_for_line(TimePoint& free, double bytes_per_s, std::size_t size) const {
  if (bytes_per_s <= 0) return {};
  const Duration own{static_cast<Duration::rep>(static_cast<double>(size) / bytes_per_s * 1e9)};
  free = std::max(free, agenda_.now()) + own;
  return free - agenda_.now();
}

std::optional<Duration> Network::transit(HostNumber from, HostNumber to, std::size_t size) {
  if (hosts_[from].site != internet && hosts_[from].site == hosts_[to].site) return lan_latency;
  const PathQuality& path = path_of(from, to);
  const double loss = loss_between(from, to, path);
  if (loss > 0) {
    const std::size_t parts = std::max<std::size_t>(1, (size + path.mtu - 1) / path.mtu);
    if (dice_.with_probability(1 - std::pow(1 - loss, static_cast<double>(parts))))
      return std::nullopt;
  }
  Host& sender = hosts_[from];
  Host& receiver = hosts_[to];
  const auto is_full = [&](TimePoint free, const Line& line) {
    return free - agenda_.now() > line.queue_max;
  };
  if (sender.line.up_bytes_per_s > 0 && is_full(sender.line_up_free, sender.line))
    return std::nullopt;
  if (receiver.line.down_bytes_per_s > 0 && is_full(receiver.line_down_free, receiver.line))
    return std::nullopt;
  return latency(from, to) + dice_.between({}, path.jitter)
         + wait_for_line(sender.line_up_free, sender.line.up_bytes_per_s, size)
         + wait_for_line(receiver.line_down_free, receiver.line.down_bytes_per_s, size);
}

// --- Routes

std::optional<Network::Route> Network::route(Transport transport, HostNumber host,
                                             const Endpoint& from, const Endpoint& to) {
  const TimePoint now = agenda_.now();
  SiteNumber site = hosts_[host].site;
  Endpoint source = from;
  Endpoint target = to;
  // Outwards as long as nobody here has the address, then inwards through the routers that have it.
  // Each step leaves a site for good, but for a hairpin; the bound is for circles of routers only.
  for (int steps = 0; steps < 16; ++steps) {
    const auto place = places_.find(place_key(site, target));
    if (place != places_.end() && !place->second.is_router)
      return Route{place->second.number, target, source};
    if (place != places_.end()) {
      site = place->second.number;
      const auto inside = sites_[site].nat->inward(transport, target.port, source, now);
      if (!inside) return std::nullopt;
      target = *inside;
      continue;
    }
    if (site == internet) return std::nullopt;
    Nat& nat = *sites_[site].nat;
    const bool is_hairpin = nat.outside().address == target.address;
    if (is_hairpin && !nat.settings().hairpin) return std::nullopt;
    source = nat.outward(transport, source, target, now);
    if (is_hairpin) {
      const auto inside = nat.inward(transport, target.port, source, now);
      if (!inside) return std::nullopt;
      target = *inside;
      continue;
    }
    site = sites_[site].outer;
  }
  return std::nullopt;
}

std::uint16_t Network::ephemeral_port(HostNumber host) {
  std::uint16_t& last = hosts_[host].last_ephemeral;
  last = last == 60'999 ? std::uint16_t{32'768} : static_cast<std::uint16_t>(last + 1);
  return last;
}

// --- Datagrams

void Network::bind(HostNumber host, std::uint16_t port, ProcessNumber process, OnDatagram handler) {
  hosts_[host].sockets[port] = {process, std::make_shared<OnDatagram>(std::move(handler))};
}
void Network::unbind(HostNumber host, std::uint16_t port) {
  hosts_[host].sockets.erase(port);
}

int Network::send(HostNumber from, std::uint16_t port, const Endpoint& to, ByteView bytes) {
  if (!to.is_v4()) return ENETUNREACH;
  ++datagrams_sent_;
  Endpoint source = hosts_[from].address;
  source.port = port;
  const auto way = route(Transport::udp, from, source, to);
  if (on_sent_) on_sent_(from, way ? std::optional(way->host) : std::nullopt, bytes);
  if (!way || is_cut(from, way->host)) return 0;
  const auto delay = transit(from, way->host, bytes.size() + ip_udp_header);
  if (!delay) return 0;
  const PathQuality& path = path_of(from, way->host);
  const Duration late =
      dice_.with_probability(path.reordered) ? latency(from, way->host) : Duration{};
  deliver(way->host, way->arrives_at, way->comes_from, bytes, *delay + late);
  if (dice_.with_probability(path.duplicated))
    deliver(way->host, way->arrives_at, way->comes_from, bytes,
            *delay + dice_.between({}, latency(from, way->host)));
  return 0;
}

void Network::deliver(HostNumber to, const Endpoint& at, const Endpoint& from, ByteView bytes,
                      Duration after) {
  const auto socket = hosts_[to].sockets.find(at.port);
  if (socket == hosts_[to].sockets.end()) return;
  agenda_.add(agenda_.now() + after, socket->second.process,
              [this, to, from, handler = std::weak_ptr<OnDatagram>(socket->second.handler),
               copy = Bytes(bytes.begin(), bytes.end())] {
                if (!hosts_[to].has_power) return;
                const auto alive = handler.lock();
                if (!alive) return;
                ++datagrams_arrived_;
                (*alive)(from, copy);
              });
}

}  // namespace starling::sim
