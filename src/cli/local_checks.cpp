#include "src/cli/local_checks.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

#include "src/control/host_checks.hpp"
#include "src/uv/bound_port.hpp"
#include "src/uv/listen_address.hpp"

namespace starling::cli {
namespace {

using control::Finding;
using control::Verdict;

std::string place_of(const config::ListenerSettings& listener) {
  return (listener.bind.empty() ? std::string("port ") : listener.bind + ":")
         + std::to_string(listener.port);
}

AddressFamily family_of(config::SocketDomain domain) {
  if (domain == config::SocketDomain::ipv4) return AddressFamily::ipv4;
  return domain == config::SocketDomain::ipv6 ? AddressFamily::ipv6 : AddressFamily::any;
}

/// The process that has the state directory; empty: none has. Its socket may be missing all the same
/// (a path that is too long, a version without one).
std::string holder_of_state(const std::string& state_dir) {
  const int lock = ::open((state_dir + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return {};
  std::array<char, 16> process{};
  const bool is_held = ::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  const bool is_named = is_held && ::read(lock, process.data(), process.size() - 1) > 0;
  ::close(lock);
  return is_named ? process.data() : std::string(is_held ? "?" : "");
}

/// Runs `bind`; why it could not, as a sentence, or nothing.
template <class Bind>
std::string refusal_of(Bind bind) {
  try {
    bind();
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string refusal_at(const config::ListenerSettings& listener) {
  ListenAddress at;
  at.host = listener.bind;
  at.port = listener.port;
  at.interface = listener.bind_interface;
  at.family = family_of(listener.domain);
  return refusal_of([&] { bind_listener(at); });
}

}  // namespace

Finding check_config(const NodePlace& place) {
  if (place.config_file.empty())
    return {"config", Verdict::ok, "no configuration file: every key has its default", {}, {}};
  if (place.trouble.empty())
    return {"config", Verdict::ok, place.config_file + " reads well", {}, {}};
  const config::Diagnostic& first = place.trouble.front();
  std::string where = first.source;
  if (first.line > 0) where += ":" + std::to_string(first.line);
  if (first.line > 0 && first.column > 0) where += ":" + std::to_string(first.column);
  const std::size_t more = place.trouble.size() - 1;
  return {
      "config", Verdict::problem,
      where + ": " + first.message + (more > 0 ? " (and " + std::to_string(more) + " more)" : ""),
      "the daemon does not start with it",
      "all of it: starlingd -c " + place.config_file + " --test-config"};
}

Finding check_ports_are_free(const NodePlace& place) {
  std::vector<config::ListenerSettings> listeners = place.settings.listeners;
  if (listeners.empty()) listeners.emplace_back();
  std::string free;
  std::string refusal;
  for (const config::ListenerSettings& listener : listeners) {
    if (!listener.unix_socket.empty() || listener.port == 0 || !refusal.empty()) continue;
    refusal = refusal_at(listener);
    free += (free.empty() ? "" : ", ") + place_of(listener);
  }
  const auto mesh = Endpoint::parse(place.settings.dht.listen);  // no port 0, which is any
  if (refusal.empty() && place.settings.wants_dht() && mesh) {
    refusal = refusal_of([&] { bind_port(*mesh, PortUse::tcp_and_udp); });
    free += (free.empty() ? "" : ", ") + place.settings.dht.listen + " (mesh)";
  }
  if (!refusal.empty())
    return {"listeners",
            Verdict::problem,
            refusal,
            {},
            "stop what listens there, or choose another port"};
  if (free.empty()) return {"listeners", Verdict::skipped, "no fixed port is configured", {}, {}};
  return {"listeners", Verdict::ok, free + " can be listened at", {}, {}};
}

Finding check_no_daemon(const NodePlace& place, const std::string& why) {
  const std::string process = holder_of_state(place.state_dir);
  if (process.empty()) return {"daemon", Verdict::problem, why, {}, {}};
  return {"daemon", Verdict::problem,
          "process " + process + " has the state directory " + place.state_dir
              + ", but nobody answers at its control socket",
          "it is just starting or ending, is of a version without one, or could not make it",
          "look into its log for \"control socket missing\""};
}

std::vector<Finding> check_without_daemon(const NodePlace& place, const std::string& why) {
  const control::HostFacts host = control::look_at_host(place.state_dir);
  const bool keeps_state = place.settings.durability != config::Durability::none;
  std::vector<Finding> findings{
      check_no_daemon(place, why),
      check_config(place),
      check_ports_are_free(place),
      control::check_identity(host.identity, false),
      control::check_storage(host.storage, keeps_state),
      control::check_clock(host.clock, host.identity.written_at),
  };
  for (const char* check :
       {"version", "auth", "nat-mapping", "port-open", "ipv6", "dht", "mesh", "limits"})
    findings.push_back({check, Verdict::skipped, "only a running daemon knows", {}, {}});
  control::sort_findings(findings);
  return findings;
}

}  // namespace starling::cli
