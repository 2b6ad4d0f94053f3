#include "src/portmap/nat_pmp.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <natpmp.h>
#include <optional>
#include <poll.h>
#include <string>

namespace starling {
namespace {

using namespace std::chrono_literals;
using Outcome = GatewayAnswer::Outcome;

// libnatpmp repeats a question after 250 ms, then after twice that, and so on.
constexpr auto answer_max = 2s;  // of one question: four packets

struct Session {
  natpmp_t state{};
  bool is_open = false;

  Session() = default;
  ~Session() {
    if (is_open) closenatpmp(&state);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// Nullopt: silence.
std::optional<int> read_answer(natpmp_t& state, natpmpresp_t& answer) {
  const auto latest = std::chrono::steady_clock::now() + answer_max;
  while (std::chrono::steady_clock::now() < latest) {
    const int result = readnatpmpresponseorretry(&state, &answer);
    if (result != NATPMP_TRYAGAIN) return result;
    timeval next{};
    if (getnatpmprequesttimeout(&state, &next) != 0) return std::nullopt;
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::seconds{next.tv_sec} + std::chrono::microseconds{next.tv_usec});
    pollfd readable{state.s, POLLIN, 0};
    ::poll(&readable, 1, static_cast<int>(std::clamp<std::int64_t>(wait.count(), 1, 500)));
  }
  return std::nullopt;
}

void explain(std::optional<int> result, GatewayAnswer& answer) {
  if (!result || *result == NATPMP_ERR_NOGATEWAYSUPPORT || *result == NATPMP_ERR_RECVFROM
      || *result == NATPMP_ERR_WRONGPACKETSOURCE) {
    answer.outcome = Outcome::silent;
  } else if (*result == NATPMP_ERR_NOTAUTHORIZED) {
    answer.outcome = Outcome::refused;
    answer.why = "mapping ports is switched off, or not allowed for this host";
  } else if (*result == NATPMP_ERR_NETWORKFAILURE) {
    answer.outcome = Outcome::failed;
    answer.why = "the router has no public address at the moment";
  } else if (*result == NATPMP_ERR_OUTOFRESOURCES) {
    answer.outcome = Outcome::failed;
    answer.why = "the router has no room for another mapping";
  } else {
    answer.outcome = Outcome::failed;
    answer.why = "error " + std::to_string(*result) + " of libnatpmp";
  }
}

/// The outer port that the router gives, or nullopt with `answer` saying why not.
std::optional<std::uint16_t> map_one(natpmp_t& state, int protocol, const GatewayRequest& request,
                                     std::uint16_t wished, GatewayAnswer& answer) {
  sendnewportmappingrequest(&state, protocol, request.internal_port, wished,
                            static_cast<std::uint32_t>(request.lease.count()));
  natpmpresp_t got{};
  const auto result = read_answer(state, got);
  if (result != 0) {
    explain(result, answer);
    return std::nullopt;
  }
  const auto& mapping = got.pnu.newportmapping;
  const int type = protocol == NATPMP_PROTOCOL_TCP ? NATPMP_RESPTYPE_TCPPORTMAPPING
                                                   : NATPMP_RESPTYPE_UDPPORTMAPPING;
  if (got.type != type || mapping.privateport != request.internal_port
      || mapping.mappedpublicport == 0 || mapping.lifetime == 0) {
    answer.outcome = Outcome::failed;
    answer.why = "an answer that does not fit the question";
    return std::nullopt;
  }
  answer.lease = std::chrono::seconds{mapping.lifetime};
  return mapping.mappedpublicport;
}

/// What is not there any more is no error; false: no answer.
bool remove_one(natpmp_t& state, int protocol, const GatewayRequest& request) {
  // [RFC 6886 §3.4]: lifetime and external port are zero.
  sendnewportmappingrequest(&state, protocol, request.internal_port, 0, 0);
  natpmpresp_t got{};
  return read_answer(state, got) == 0;
}

void map(natpmp_t& state, const GatewayRequest& request, GatewayAnswer& answer) {
  // The address first: a router that does not answer is noticed before anything is mapped.
  sendpublicaddressrequest(&state);
  natpmpresp_t address{};
  const auto result = read_answer(state, address);
  if (result != 0) return explain(result, answer);
  if (address.type != NATPMP_RESPTYPE_PUBLICADDRESS) {
    answer.why = "an answer that does not fit the question";
    return;
  }
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &address.pnu.publicaddress.addr, bytes.size());

  const auto tcp = map_one(state, NATPMP_PROTOCOL_TCP, request, request.external_port, answer);
  if (!tcp) return;
  const auto tcp_lease = answer.lease;
  const auto udp = map_one(state, NATPMP_PROTOCOL_UDP, request, *tcp, answer);
  if (udp == tcp) {
    answer.outcome = Outcome::mapped;
    answer.external = Endpoint::v4(bytes, *tcp);
    answer.lease = std::min(answer.lease, tcp_lease);
    return;
  }
  if (udp) {
    answer.outcome = Outcome::conflict;
    answer.why = "the router gives port " + std::to_string(*tcp) + " for TCP, but "
                 + std::to_string(*udp) + " for UDP";
    remove_one(state, NATPMP_PROTOCOL_UDP, request);
  }
  remove_one(state, NATPMP_PROTOCOL_TCP, request);
}

}  // namespace

GatewayAnswer ask_by_nat_pmp(const GatewayRequest& request) {
  GatewayAnswer answer;
  Session session;
  in_addr_t known = 0;
  const bool is_known = inet_pton(AF_INET, request.gateway.c_str(), &known) == 1;
  if (initnatpmp(&session.state, is_known ? 1 : 0, known) != 0) {
    answer.outcome = Outcome::silent;  // no default route: no router
    return answer;
  }
  session.is_open = true;
  in_addr gateway{};
  gateway.s_addr = session.state.gateway;
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &gateway, text, sizeof text);
  if (request.verb == GatewayRequest::Verb::map) {
    map(session.state, request, answer);
  } else {
    // Who is silent once is not asked twice: somebody waits for the end.
    const bool both = remove_one(session.state, NATPMP_PROTOCOL_TCP, request)
                      && remove_one(session.state, NATPMP_PROTOCOL_UDP, request);
    answer.outcome = both ? Outcome::removed : Outcome::failed;
    if (answer.outcome == Outcome::failed) answer.why = "the router did not confirm it";
  }
  if (answer.outcome != Outcome::silent) answer.gateway = answer.router = text;
  return answer;
}

}  // namespace starling
