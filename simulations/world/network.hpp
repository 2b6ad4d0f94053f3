// Network: the Internet of a world, and the homes at its edge. Hosts with addresses, paths with
// latency, loss and limits between them, routers that translate addresses, and cuts. It carries
// datagrams; streams (sim_stream.hpp) ask it for routes and delays.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/port/stream.hpp"

#include "simulations/world/agenda.hpp"
#include "simulations/world/nat.hpp"
#include "simulations/world/random.hpp"

namespace starling::sim {

using RegionNumber = std::uint32_t;
using SiteNumber = std::uint32_t;
/// Everybody's site: global addresses, no router in front.
inline constexpr SiteNumber internet = 0;

/// What happens to packets between two regions.
struct PathQuality {
  // One way, drawn once for each pair of hosts and then the same both ways.
  Duration latency_min = std::chrono::milliseconds{10};
  Duration latency_max = std::chrono::milliseconds{40};
  Duration jitter = std::chrono::milliseconds{2};  ///< added to each packet, from nothing to this
  double loss = 0;        ///< share of packets that vanish; TCP sends them again
  double reordered = 0;   ///< share of datagrams that arrive one latency late
  double duplicated = 0;  ///< share of datagrams that arrive twice
  std::size_t mtu =
      1'500;  ///< bytes; larger datagrams travel in parts and are lost with any of them
};

/// A host's own line.
struct Line {
  double up_bytes_per_s = 0;    ///< 0: no bound
  double down_bytes_per_s = 0;  ///< 0: no bound
  /// What would wait longer for the line is dropped (datagrams) or sent again (TCP).
  Duration queue_max = std::chrono::milliseconds{300};
};

/// A cut that is in force.
struct CutId {
  std::uint64_t value = 0;
};

class Network {
 public:
  using OnDatagram = Datagram::OnDatagram;
  /// A datagram leaves a host, whatever becomes of it. `to`: no value if nobody has the address.
  using OnSent = std::function<void(HostNumber from, std::optional<HostNumber> to, ByteView)>;

  Network(Agenda& agenda, std::uint64_t seed);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // --- Geography
  RegionNumber region(const std::string& name);  ///< made at the first call
  /// Both ways. From then on.
  void set_path(RegionNumber a, RegionNumber b, const PathQuality& quality);
  /// Of every pair of regions, those to come included, that has no path of its own.
  void set_default_path(const PathQuality& quality) { default_path_ = quality; }
  [[nodiscard]] const PathQuality& path(RegionNumber a, RegionNumber b) const;

  /// A local network behind a router that has an address in `outer`.
  SiteNumber add_site(SiteNumber outer, const NatSettings& router);
  [[nodiscard]] Nat& router(SiteNumber site) { return *sites_[site].nat; }
  /// Another outside address for the router of `site`: mappings are void.
  void renumber(SiteNumber site);
  HostNumber add_host(SiteNumber site, RegionNumber region, const HostClock& clock,
                      const Line& line);
  /// Another address for a host of the Internet.
  void renumber_host(HostNumber host);
  /// Without a port.
  [[nodiscard]] Endpoint address(HostNumber host) const { return hosts_[host].address; }
  [[nodiscard]] SiteNumber site(HostNumber host) const { return hosts_[host].site; }
  [[nodiscard]] std::size_t host_count() const { return hosts_.size(); }

  // --- Trouble
  /// Nothing passes from one of `from` to one of `to`.
  CutId cut(const std::vector<HostNumber>& from, const std::vector<HostNumber>& to);
  void mend(CutId cut);
  void set_line(HostNumber host, const Line& line) { hosts_[host].line = line; }
  /// More loss for all paths of a host, beside their own.
  void set_loss(HostNumber host, double loss) { hosts_[host].loss = loss; }
  void set_loss_everywhere(double loss) { loss_everywhere_ = loss; }
  void set_power(HostNumber host, bool on) { hosts_[host].has_power = on; }
  [[nodiscard]] bool has_power(HostNumber host) const { return hosts_[host].has_power; }

  // --- Datagrams
  void bind(HostNumber host, std::uint16_t port, ProcessNumber process, OnDatagram handler);
  void unbind(HostNumber host, std::uint16_t port);
  /// As Datagram::send.
  int send(HostNumber from, std::uint16_t port, const Endpoint& to, ByteView bytes);
  void set_on_sent(OnSent on_sent) { on_sent_ = std::move(on_sent); }

  // --- For streams
  struct Route {
    HostNumber host = 0;
    Endpoint arrives_at;  ///< as the receiver calls itself
    Endpoint comes_from;  ///< as the receiver sees the sender
  };
  /// Where a packet from `from` to `to` ends, through all routers on the way, which remember it.
  /// nullopt: nobody there, or a router lets nobody in.
  std::optional<Route> route(Transport transport, HostNumber host, const Endpoint& from,
                             const Endpoint& to);
  /// Nothing passes at this moment: a cut, or no power at either end.
  [[nodiscard]] bool is_cut(HostNumber from, HostNumber to) const;
  /// How long a packet of `size` bytes takes now; nullopt: it is lost on the way.
  std::optional<Duration> transit(HostNumber from, HostNumber to, std::size_t size);
  /// The mean of one way, for timeouts.
  [[nodiscard]] Duration latency(HostNumber from, HostNumber to) const;
  std::uint16_t ephemeral_port(HostNumber host);
  [[nodiscard]] Agenda& agenda() { return agenda_; }
  Random& dice() { return dice_; }

  [[nodiscard]] std::uint64_t datagrams_sent() const { return datagrams_sent_; }
  [[nodiscard]] std::uint64_t datagrams_arrived() const { return datagrams_arrived_; }

 private:
  struct Socket {
    ProcessNumber process = 0;
    std::shared_ptr<OnDatagram> handler;
  };
  struct Host {
    SiteNumber site = internet;
    RegionNumber region = 0;
    Endpoint address;
    Line line;
    double loss = 0;
    bool has_power = true;
    TimePoint line_up_free{};
    TimePoint line_down_free{};
    std::uint16_t last_ephemeral = 32'767;
    std::map<std::uint16_t, Socket> sockets;
  };
  struct Site {
    SiteNumber outer = internet;
    std::unique_ptr<Nat> nat;  // null: the Internet
    std::uint32_t hosts = 0;
  };
  struct Place {  // who has an address within a site
    bool is_router = false;
    std::uint32_t number = 0;  // of the host, or of the site behind the router
  };
  struct Cut {
    std::uint64_t id;
    std::vector<bool> from;
    std::vector<bool> to;
  };

  static std::uint64_t place_key(SiteNumber site, const Endpoint& address);
  /// Within `site`, of a host or of a router there.
  Endpoint take_address(SiteNumber site, bool for_router);
  [[nodiscard]] const PathQuality& path_of(HostNumber a, HostNumber b) const;
  [[nodiscard]] double loss_between(HostNumber a, HostNumber b, const PathQuality& path) const;
  Duration wait_for_line(TimePoint& free, double bytes_per_s, std::size_t size) const;
  void deliver(HostNumber to, const Endpoint& at, const Endpoint& from, ByteView bytes,
               Duration after);

  Agenda& agenda_;
  std::uint64_t seed_;
  Random dice_;
  PathQuality default_path_;
  double loss_everywhere_ = 0;
  std::map<std::string, RegionNumber> regions_;
  std::map<std::pair<RegionNumber, RegionNumber>, PathQuality> paths_;
  std::vector<Host> hosts_;
  std::vector<Site> sites_;
  std::unordered_map<std::uint64_t, Place> places_;  // never walked
  std::uint32_t global_addresses_ = 0;
  std::vector<Cut> cuts_;
  std::uint64_t last_cut_ = 0;
  OnSent on_sent_;
  std::uint64_t datagrams_sent_ = 0;
  std::uint64_t datagrams_arrived_ = 0;
};

/// The Datagram port of a host.
class SimDatagram final : public Datagram {
 public:
  SimDatagram(Network& network, HostNumber host, std::uint16_t port, ProcessNumber process)
      : network_(network), host_(host), port_(port), process_(process) {}
  ~SimDatagram() override { network_.unbind(host_, port_); }
  SimDatagram(const SimDatagram&) = delete;
  SimDatagram& operator=(const SimDatagram&) = delete;

  void set_handler(OnDatagram handler) override {
    if (handler)
      network_.bind(host_, port_, process_, std::move(handler));
    else
      network_.unbind(host_, port_);
  }
  int send(const Endpoint& to, ByteView bytes) override {
    return network_.send(host_, port_, to, bytes);
  }
  [[nodiscard]] std::optional<Endpoint> local_v4() const override {
    Endpoint here = network_.address(host_);
    here.port = port_;
    return here;
  }
  [[nodiscard]] std::optional<Endpoint> local_v6() const override { return std::nullopt; }

 private:
  Network& network_;
  HostNumber host_;
  std::uint16_t port_;
  ProcessNumber process_;
};

}  // namespace starling::sim
