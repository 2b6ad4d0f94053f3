#include "src/portmap/upnp.hpp"

#include <cstring>
#include <memory>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>
#include <optional>
#include <string>

namespace starling {
namespace {

using Outcome = GatewayAnswer::Outcome;

constexpr int search_ms = 2000;  // for answers to a search
constexpr int routers_max = 4;   // that are looked at, of those that answer
constexpr unsigned char hops = 2;

// UPnP's error codes, of WANIPConnection.
constexpr int not_authorized = 606;
constexpr int no_such_entry = 714;
constexpr int conflict_in_mapping_entry = 718;
constexpr int same_port_values_required = 724;
constexpr int only_permanent_leases = 725;
constexpr int conflict_with_other_mechanisms = 729;

constexpr const char* both[] = {"TCP", "UDP"};

/// A router, its control address, and our own address on the way to it.
class Router {
 public:
  Router() = default;
  ~Router() { forget(); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// False: there is no device that maps ports at `url`.
  bool open(const std::string& url) {
    forget();
    if (!leads_to_neighbour(url)) return false;
    if (UPNP_GetIGDFromUrl(url.c_str(), &urls_, &data_, lan_, sizeof lan_) != 1) return false;
    is_open_ = true;
    url_ = url;
    // Some have two services, of which one is connected.
    if (data_.second.servicetype[0] != '\0' && UPNPIGD_IsConnected(&urls_, &data_) == 0) {
      data_.first = data_.second;
      FreeUPNPUrls(&urls_);
      GetUPNPUrls(&urls_, &data_, url.c_str(), 0);
    }
    return std::strstr(data_.first.servicetype, ":WAN") != nullptr && urls_.controlURL != nullptr
           && leads_to_neighbour(urls_.controlURL);
  }

  [[nodiscard]] const char* control() const { return urls_.controlURL; }
  [[nodiscard]] const char* service() const { return data_.first.servicetype; }
  [[nodiscard]] const char* lan_address() const { return lan_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  /// "192.168.1.1"
  [[nodiscard]] std::string host() const {
    const std::size_t begin = url_.find("//") + 2;
    return url_.substr(begin, url_.find_first_of(":/", begin) - begin);
  }

 private:
  void forget() {
    if (is_open_) FreeUPNPUrls(&urls_);
    is_open_ = false;
    urls_ = {};
    data_ = {};
  }

  UPNPUrls urls_{};
  IGDdatas data_{};
  char lan_[64] = {};
  std::string url_;
  bool is_open_ = false;
};

bool find_router(Router& router) {
  int error = 0;
  const std::unique_ptr<UPNPDev, decltype(&freeUPNPDevlist)> found(
      upnpDiscover(search_ms, nullptr, nullptr, 0, 0, hops, &error), &freeUPNPDevlist);
  int looked_at = 0;
  for (const UPNPDev* device = found.get(); device != nullptr && looked_at < routers_max;
       device = device->pNext) {
    ++looked_at;
    if (router.open(device->descURL)) return true;
  }
  return false;
}

std::string error_text(int error) {
  const char* text = strupnperror(error);
  return text != nullptr ? std::string(text) + " (" + std::to_string(error) + ")"
                         : "error " + std::to_string(error);
}

/// Whose the port is already, if not ours. Some routers would take it from its owner without a word.
std::optional<std::string> owner_of(const Router& router, const std::string& port,
                                    const char* protocol, const std::string& internal_port) {
  char client[16] = {};
  char client_port[6] = {};
  char description[80] = {};
  char enabled[4] = {};
  char lease[16] = {};
  const int error =
      UPNP_GetSpecificPortMappingEntry(router.control(), router.service(), port.c_str(), protocol,
                                       nullptr, client, client_port, description, enabled, lease);
  if (error != UPNPCOMMAND_SUCCESS || client[0] == '\0') return std::nullopt;
  if (std::strcmp(client, router.lan_address()) == 0 && internal_port == client_port)
    return std::nullopt;
  return std::string(client) + ":" + client_port;
}

void remove_one(const Router& router, const std::string& port, const char* protocol) {
  UPNP_DeletePortMapping(router.control(), router.service(), port.c_str(), protocol, nullptr);
}

/// 0, or UPnP's error code. `lease` becomes 0 (for ever) if the router knows no other.
int map_one(const Router& router, const GatewayRequest& request, const char* protocol,
            std::chrono::seconds& lease) {
  const std::string outer = std::to_string(request.external_port);
  const std::string inner = std::to_string(request.internal_port);
  const auto add = [&] {
    return UPNP_AddPortMapping(router.control(), router.service(), outer.c_str(), inner.c_str(),
                               router.lan_address(), "starling", protocol, nullptr,
                               std::to_string(lease.count()).c_str());
  };
  int error = add();
  if (error == only_permanent_leases) {
    lease = std::chrono::seconds{0};
    error = add();
  }
  return error;
}

void explain(int error, const GatewayRequest& request, GatewayAnswer& answer) {
  const std::string port = std::to_string(request.external_port);
  switch (error) {
    case conflict_in_mapping_entry:
    case conflict_with_other_mechanisms:
      answer.outcome = Outcome::conflict;
      answer.why = "the router forwards " + port + " elsewhere already";
      return;
    case same_port_values_required:
      answer.outcome = Outcome::refused;
      answer.why = "it only maps equal port numbers";
      return;
    case not_authorized:
      answer.outcome = Outcome::refused;
      answer.why = "mapping port " + port + " is not allowed for this host";
      return;
    default:
      answer.outcome = Outcome::failed;
      answer.why = error_text(error);
  }
}

/// Unspecified: the router does not know it.
Endpoint external_address(const Router& router, std::uint16_t port) {
  char address[64] = {};
  UPNP_GetExternalIPAddress(router.control(), router.service(), address);
  const auto external = Endpoint::parse(std::string(address) + ":" + std::to_string(port));
  return external ? *external : Endpoint::v4({0, 0, 0, 0}, port);
}

void map(const Router& router, const GatewayRequest& request, GatewayAnswer& answer) {
  const std::string outer = std::to_string(request.external_port);
  for (const char* protocol : both) {
    const auto owner = owner_of(router, outer, protocol, std::to_string(request.internal_port));
    if (!owner) continue;
    answer.outcome = Outcome::conflict;
    answer.why = "the router forwards " + outer + " (" + protocol + ") to " + *owner + " already";
    return;
  }
  answer.lease = request.lease;
  for (const char* protocol : both) {
    const int error = map_one(router, request, protocol, answer.lease);
    if (error == UPNPCOMMAND_SUCCESS) continue;
    if (protocol == both[1]) remove_one(router, outer, both[0]);
    explain(error, request, answer);
    const Endpoint external = external_address(router, request.external_port);
    if (answer.outcome == Outcome::failed && external.is_private())
      answer.why += ": its own address " + external.address_text() + " is not public";
    return;
  }
  answer.external = external_address(router, request.external_port);
  answer.outcome = Outcome::mapped;
}

void remove(const Router& router, const GatewayRequest& request, GatewayAnswer& answer) {
  answer.outcome = Outcome::removed;
  for (const char* protocol : both) {
    const int error =
        UPNP_DeletePortMapping(router.control(), router.service(),
                               std::to_string(request.external_port).c_str(), protocol, nullptr);
    if (error == UPNPCOMMAND_SUCCESS || error == no_such_entry) continue;
    answer.outcome = Outcome::failed;
    answer.why = error_text(error);
  }
}

}  // namespace

bool leads_to_neighbour(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (url.substr(0, scheme.size()) != scheme) return false;
  const std::string_view rest = url.substr(scheme.size());
  const std::string host(rest.substr(0, rest.find_first_of(":/?#@\\")));
  if (rest.substr(0, rest.find('/')).find('@') != std::string_view::npos) return false;
  const auto endpoint = Endpoint::parse(host + ":1");
  return endpoint && endpoint->is_v4() && endpoint->is_private();
}

GatewayAnswer ask_by_upnp(const GatewayRequest& request) {
  GatewayAnswer answer;
  Router router;
  const bool found = request.gateway.empty() ? find_router(router) : router.open(request.gateway);
  if (!found) {
    answer.outcome = Outcome::silent;
    return answer;
  }
  answer.gateway = router.url();
  answer.router = router.host();
  if (request.verb == GatewayRequest::Verb::map) {
    map(router, request, answer);
  } else {
    remove(router, request, answer);
  }
  return answer;
}

}  // namespace starling
