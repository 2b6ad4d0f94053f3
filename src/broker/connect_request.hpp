// ConnectRequest: a CONNECT that is being decided upon. It owns what it needs of the packet, as the
// decision may take a while (a slow password hash, an exchange, a contested client id).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"

#include "src/broker/broker_settings.hpp"
#include "src/broker/listener_policy.hpp"
#include "src/mqtt/packet.hpp"
#include "src/session/will.hpp"

namespace starling {

struct ConnectRequest {
  std::string client_id;            ///< empty until it has one
  bool client_id_assigned = false;  ///< it brought none
  std::optional<std::string> user;  ///< as CONNECT says; once authenticated, who it is
  bool clean_start = true;
  std::unique_ptr<Will> will;
  std::uint16_t keep_alive_s = 0;  ///< as it will be watched
  std::optional<std::uint16_t> server_keep_alive_s;
  std::uint32_t expiry_asked_s = 0;  ///< expiry_never: for ever
  std::uint16_t receive_maximum = 0;
  std::size_t packet_size_max = 0;    ///< bytes it accepts
  std::uint16_t topic_alias_max = 0;  ///< aliases it accepts
  bool wants_response_information = false;
  Bytes authentication_data = {};  ///< for CONNACK: the last word of the exchange
};

/// Why a CONNECT is not served.
struct ConnectRefusal {
  mqtt::ReasonCode reason = mqtt::ReasonCode::unspecified_error;
  std::string why;  ///< for the log
};

/// What can be decided before anybody proves who he is, in Mosquitto's order: protocol version, the
/// will against what there is here, the client id. Fills `request` if nothing stands against it.
std::optional<ConnectRefusal> read_request(const mqtt::Connect& packet,
                                           const ListenerPolicy& policy,
                                           const BrokerSettings& settings, ConnectRequest& request);

/// `asked` seconds, or as many as there may be (0: no bound).
constexpr std::uint32_t cut_expiry(std::uint32_t asked, std::uint32_t most) {
  return most > 0 && asked > most ? most : asked;
}

/// How the access rules name other nodes ("mesh:family"): no client may call itself so.
bool is_mesh_user(std::string_view user);

/// For the log: "mqtt311".
const char* to_text(mqtt::ProtocolVersion version);

/// The Response Information of MQTT 5 (3.2.2.3.15): "response/<client id>/", a branch of topics that
/// a requester may take its Response Topics from. It grants nothing: the access rules decide. nullopt
/// for ids that cannot stand in a topic name.
std::optional<std::string> response_information(std::string_view client_id);

}  // namespace starling
