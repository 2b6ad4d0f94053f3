// CONNECT (3.1).
#include <cstdint>

#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {
namespace {

// Connect Flags (3.1.2.3).
constexpr unsigned reserved_bit = 0x01;
constexpr unsigned clean_start_bit = 0x02;
constexpr unsigned will_bit = 0x04;
constexpr unsigned will_qos_shift = 3;
constexpr unsigned will_retain_bit = 0x20;
constexpr unsigned password_bit = 0x40;
constexpr unsigned user_name_bit = 0x80;

constexpr unsigned will_qos_of(unsigned flags) {
  return flags >> will_qos_shift & 3U;
}

// Mosquitto's bridges set the top bit of the level to say what they are; the version is below it.
constexpr unsigned bridge_bit = 0x80;

ProtocolVersion read_version(BodyReader& in) {
  const std::string_view name = in.read_text("protocol name");
  const unsigned level = in.read_u8("protocol level");
  if (name == "MQTT" && level == 5) return ProtocolVersion::v5;
  if (name == "MQTT" && level == 4) return ProtocolVersion::v3_1_1;
  if (name == "MQIsdp" && level == 3) return ProtocolVersion::v3_1;
  in.fail(ReasonCode::unsupported_protocol_version, "protocol name or level",
          "is none we speak [MQTT-3.1.2-1] [MQTT-3.1.2-2] [MQTT5-3.1.2-1] [MQTT5-3.1.2-2]");
  return ProtocolVersion::v5;
}

void check_flags(BodyReader& in, unsigned flags, ProtocolVersion version) {
  constexpr auto malformed = ReasonCode::malformed_packet;
  if ((flags & reserved_bit) != 0)
    in.fail(malformed, "connect flags", "use the reserved bit [MQTT-3.1.2-3] [MQTT5-3.1.2-3]");
  if (will_qos_of(flags) == 3)
    in.fail(malformed, "will QoS", "is 3 [MQTT-3.1.2-14] [MQTT5-3.1.2-12]");
  if ((flags & will_bit) == 0 && will_qos_of(flags) != 0)
    in.fail(malformed, "will QoS", "is set without a will [MQTT-3.1.2-13] [MQTT5-3.1.2-11]");
  if ((flags & will_bit) == 0 && (flags & will_retain_bit) != 0)
    in.fail(malformed, "will retain", "is set without a will [MQTT-3.1.2-15] [MQTT5-3.1.2-13]");
  if (version != ProtocolVersion::v5 && (flags & password_bit) != 0 && (flags & user_name_bit) == 0)
    in.fail(malformed, "password", "comes without a user name [MQTT-3.1.2-22]");
}

Will read_will(BodyReader& in, unsigned flags, ProtocolVersion version) {
  Will will;
  will.qos = static_cast<QoS>(will_qos_of(flags));
  will.retain = (flags & will_retain_bit) != 0;
  if (version == ProtocolVersion::v5) in.read_properties(will.properties);
  will.topic = in.read_topic_name("will topic");
  will.payload = in.read_binary("will payload");
  return will;
}

/// Whether what follows the level is whole without any properties. A level that does not exist does
/// not say what its sender speaks; this does, for in MQTT 5 there is at least one byte more.
bool is_laid_out_as_before_v5(BodyReader& in) {
  const unsigned flags = in.read_u8("connect flags");
  in.read_u16("keep alive");
  in.read_binary("client id");
  if ((flags & will_bit) != 0) {
    in.read_binary("will topic");
    in.read_binary("will payload");
  }
  if ((flags & user_name_bit) != 0) in.read_binary("user name");
  if ((flags & password_bit) != 0) in.read_binary("password");
  return in.ok() && in.remaining() == 0;
}

}  // namespace

Decoded<Connect> read_connect(const Frame& frame, ReadContext context) {
  BodyReader in(frame, context);
  Connect packet;
  packet.version = read_version(in);
  const unsigned flags = in.read_u8("connect flags");
  check_flags(in, flags, packet.version);
  packet.clean_start = (flags & clean_start_bit) != 0;
  packet.keep_alive_s = in.read_u16("keep alive");
  if (packet.version == ProtocolVersion::v5) {
    in.read_properties(packet.properties);
    if (packet.properties.authentication_data && !packet.properties.authentication_method)
      in.fail(ReasonCode::protocol_error, "authentication data",
              "comes without a method (3.1.2.11.10)");
  }
  packet.client_id = in.read_text("client id");
  if (in.ok() && (flags & will_bit) != 0) packet.will = read_will(in, flags, packet.version);
  // In MQTT 3.1 the Remaining Length takes precedence over these two flags (its section 3.1).
  const auto announced = [&](unsigned bit) {
    return (flags & bit) != 0 && !(packet.version == ProtocolVersion::v3_1 && in.remaining() == 0);
  };
  if (announced(user_name_bit)) packet.user_name = in.read_text("user name");
  if (announced(password_bit)) packet.password = in.read_binary("password");
  return in.finish(std::move(packet));
}

std::optional<ProtocolVersion> version_for_refusal(const Frame& connect) {
  if (connect.type() != PacketType::connect) return std::nullopt;
  BodyReader in(PacketType::connect, connect.body);
  const std::string_view name = in.read_text("protocol name");
  const unsigned level = in.read_u8("protocol level") & ~bridge_bit;
  if (!in.ok() || (name != "MQTT" && name != "MQIsdp")) return std::nullopt;
  if (name == "MQIsdp" || level < 5) return ProtocolVersion::v3_1_1;
  return level > 5 && is_laid_out_as_before_v5(in) ? ProtocolVersion::v3_1_1 : ProtocolVersion::v5;
}

}  // namespace starling::mqtt
