// From a frame to a packet: strict, without allocating on the way of a PUBLISH, and with an answer
// for every way of being wrong. One read_<packet>.cpp per kind.
#pragma once

#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/packet.hpp"
#include "src/mqtt/packet_error.hpp"

namespace starling::mqtt {

/// Whose packets are read: some may come from one side only.
enum class Sender : std::uint8_t { client, server };

struct ReadContext {
  ProtocolVersion version = ProtocolVersion::v5;  ///< as agreed; a CONNECT brings its own
  Sender sender = Sender::client;
};

/// Any packet. The result points into frame.body.
///
/// Errors by reason code: malformed_packet (bytes that mean nothing: cut short, trailing bytes,
/// reserved bits, text that is not MQTT text, a property that has no place in this packet),
/// protocol_error (readable, but against a rule: a packet that this side never sends, packet id 0,
/// a property twice, a value out of its range), topic_alias_invalid (alias 0),
/// unsupported_protocol_version (CONNECT), quota_exceeded (more filters or user properties than
/// limits.hpp admits).
Decoded<Packet> read_packet(const Frame& frame, ReadContext context);

// The same for one kind; frame.type() must be that kind. read_publish is the way of the hot path.
Decoded<Connect> read_connect(const Frame& frame, ReadContext context);
Decoded<Connack> read_connack(const Frame& frame, ReadContext context);
Decoded<Publish> read_publish(const Frame& frame, ReadContext context);
template <class Ack>  // Puback, Pubrec, Pubrel, Pubcomp
Decoded<Ack> read_publish_ack(const Frame& frame, ReadContext context);
Decoded<Subscribe> read_subscribe(const Frame& frame, ReadContext context);
Decoded<Suback> read_suback(const Frame& frame, ReadContext context);
Decoded<Unsubscribe> read_unsubscribe(const Frame& frame, ReadContext context);
Decoded<Unsuback> read_unsuback(const Frame& frame, ReadContext context);
Decoded<Pingreq> read_pingreq(const Frame& frame, ReadContext context);
Decoded<Pingresp> read_pingresp(const Frame& frame, ReadContext context);
Decoded<Disconnect> read_disconnect(const Frame& frame, ReadContext context);
Decoded<Auth> read_auth(const Frame& frame, ReadContext context);

/// In which version's words to refuse a CONNECT that could not be read: v5 if it claims level 5,
/// v3_1_1 for any lower level, and for a higher one whichever its fields are laid out as; nullopt if not even its protocol name and level are those of
/// an MQTT CONNECT: then the connection is closed without a word. A refusal in v3_1_1 goes only
/// where to_return_code() has a value for it [MQTT-3.1.2-2] [MQTT-3.1.4-1] [MQTT5-3.1.2-2].
std::optional<ProtocolVersion> version_for_refusal(const Frame& connect);

}  // namespace starling::mqtt
