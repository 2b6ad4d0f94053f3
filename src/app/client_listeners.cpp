#include "src/app/client_listeners.hpp"

#include <algorithm>
#include <utility>

#include "src/uv/listen_address.hpp"
#include "src/uv/uv_listener.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_unix_listener.hpp"

namespace starling {
namespace {

AddressFamily family_of(config::SocketDomain domain) {
  switch (domain) {
    case config::SocketDomain::ipv4:
      return AddressFamily::ipv4;
    case config::SocketDomain::ipv6:
      return AddressFamily::ipv6;
    case config::SocketDomain::any:
      break;
  }
  return AddressFamily::any;
}

const char* protocol_text(const ListenerPlan& plan) {
  const bool websockets = plan.settings.protocol == config::ListenerProtocol::websockets;
  if (plan.settings.tls) return websockets ? "wss" : "mqtts";
  return websockets ? "ws" : "mqtt";
}

/// Nobody needs a password, a certificate or a shared key there.
bool is_open(const ListenerPlan& plan) {
  const auto& tls = plan.settings.tls;
  const bool asks_for_key = tls && (tls->require_client_cert || !tls->psk_file.empty());
  return plan.policy.allow_anonymous && !asks_for_key;
}

}  // namespace

std::vector<NumberedListener> number_listeners(const std::vector<NumberedListener>& known,
                                               std::vector<ListenerPlan> wanted) {
  std::vector<NumberedListener> numbered = known;
  for (NumberedListener& listener : numbered) listener.is_wanted = false;
  for (ListenerPlan& plan : wanted) {
    // Several may listen at the same place, if that is "any free port".
    const auto same = std::ranges::find_if(numbered, [&](const NumberedListener& listener) {
      return !listener.is_wanted && listener.plan.place() == plan.place();
    });
    if (same == numbered.end())
      numbered.push_back({std::move(plan), true});
    else
      *same = {std::move(plan), true};
  }
  return numbered;
}

ClientListeners::ClientListeners(UvLoop& loop, LogSink& log, StreamTraffic& traffic,
                                 OnClient on_client)
    : loop_(loop), log_(log), traffic_(traffic), on_client_(std::move(on_client)) {}
ClientListeners::~ClientListeners() = default;

void ClientListeners::close() {
  open_.clear();
}

void ClientListeners::open(const std::vector<NumberedListener>& listeners) {
  open_.resize(listeners.size());
  for (std::size_t number = 0; number < listeners.size(); ++number) {
    if (!listeners[number].is_wanted)
      open_[number] = {};
    else if (open_[number].listener == nullptr)
      open_[number] = open_one(static_cast<ListenerIndex>(number), listeners[number].plan);
  }
}

std::vector<control::OpenListener> ClientListeners::places() const {
  std::vector<control::OpenListener> all;
  for (const Open& open : open_) all.insert(all.end(), open.places.begin(), open.places.end());
  return all;
}

ClientListeners::Open ClientListeners::open_one(ListenerIndex number, const ListenerPlan& plan) {
  const config::ListenerSettings& settings = plan.settings;
  const auto take = [this, number](std::unique_ptr<ByteStream> stream) {
    on_client_(number, std::move(stream));
  };
  const StreamOptions options{.nodelay = plan.no_delay, .traffic = &traffic_};
  if (!settings.unix_socket.empty()) {
    auto listener = std::make_unique<UvUnixListener>(
        loop_, settings.unix_socket, settings.unix_socket_mode, take, &log_, options);
    log_.info("listening",
              {{"for", "mqtt"}, {"path", settings.unix_socket}, {"protocol", protocol_text(plan)}});
    Open open{std::move(listener),
              {{settings.unix_socket, protocol_text(plan), true, is_open(plan)}}};
    return open;
  }
  ListenAddress at;
  at.host = settings.bind;
  at.port = settings.port;
  at.interface = settings.bind_interface;
  at.family = family_of(settings.domain);
  auto listener = std::make_unique<UvListener>(loop_, bind_listener(at), take, &log_, options);
  Open open;
  for (const Endpoint& endpoint : listener->local_endpoints()) {
    log_.info("listening",
              {{"for", "mqtt"}, {"addr", endpoint.to_text()}, {"protocol", protocol_text(plan)}});
    open.places.push_back(
        {endpoint.to_text(), protocol_text(plan), endpoint.is_loopback(), is_open(plan)});
  }
  open.listener = std::move(listener);
  return open;
}

}  // namespace starling
