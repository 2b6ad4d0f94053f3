// From a packet to bytes, appended to what the caller owns (usually OutputBuffer::tail()). What is
// written is what our own readers accept: packets that break a rule of packet.hpp's comments are a
// bug of the caller and abort.
#pragma once

#include <cstddef>
#include <limits>

#include "starling/bytes.hpp"

#include "src/mqtt/packet.hpp"

namespace starling::mqtt {

// Bytes that write() will append, fixed header included. 0 for a packet that the version cannot
// say: a CONNACK whose reason has no return code before MQTT 5 [MQTT-3.2.2-6].
std::size_t encoded_size(const Connect& packet,
                         ProtocolVersion version);  // says packet.version's size
std::size_t encoded_size(const Connack& packet, ProtocolVersion version);
std::size_t encoded_size(const Publish& packet, ProtocolVersion version);
std::size_t encoded_size(const Puback& packet, ProtocolVersion version);
std::size_t encoded_size(const Pubrec& packet, ProtocolVersion version);
std::size_t encoded_size(const Pubrel& packet, ProtocolVersion version);
std::size_t encoded_size(const Pubcomp& packet, ProtocolVersion version);
std::size_t encoded_size(const Subscribe& packet, ProtocolVersion version);
std::size_t encoded_size(const Suback& packet, ProtocolVersion version);
std::size_t encoded_size(const Unsubscribe& packet, ProtocolVersion version);
std::size_t encoded_size(const Unsuback& packet, ProtocolVersion version);
std::size_t encoded_size(const Pingreq& packet, ProtocolVersion version);
std::size_t encoded_size(const Pingresp& packet, ProtocolVersion version);
std::size_t encoded_size(const Disconnect& packet, ProtocolVersion version);
std::size_t encoded_size(const Auth& packet, ProtocolVersion version);
std::size_t encoded_size(const Packet& packet, ProtocolVersion version);

// Appends encoded_size() bytes in the shortest form there is (an MQTT 5 PUBACK of success has 4
// bytes). A CONNECT is written for packet.version whatever `version` says. AUTH exists in MQTT 5
// only.
void write(const Connect& packet, ProtocolVersion version, Bytes& out);
void write(const Connack& packet, ProtocolVersion version, Bytes& out);
void write(const Publish& packet, ProtocolVersion version, Bytes& out);
void write(const Puback& packet, ProtocolVersion version, Bytes& out);
void write(const Pubrec& packet, ProtocolVersion version, Bytes& out);
void write(const Pubrel& packet, ProtocolVersion version, Bytes& out);
void write(const Pubcomp& packet, ProtocolVersion version, Bytes& out);
void write(const Subscribe& packet, ProtocolVersion version, Bytes& out);
void write(const Suback& packet, ProtocolVersion version, Bytes& out);
void write(const Unsubscribe& packet, ProtocolVersion version, Bytes& out);
void write(const Unsuback& packet, ProtocolVersion version, Bytes& out);
void write(const Pingreq& packet, ProtocolVersion version, Bytes& out);
void write(const Pingresp& packet, ProtocolVersion version, Bytes& out);
void write(const Disconnect& packet, ProtocolVersion version, Bytes& out);
void write(const Auth& packet, ProtocolVersion version, Bytes& out);
void write(const Packet& packet, ProtocolVersion version, Bytes& out);

/// What a peer that named no Maximum Packet Size takes.
inline constexpr std::size_t any_size = std::numeric_limits<std::size_t>::max();

/// Writes a packet that can explain itself, within the peer's Maximum Packet Size: leaves out the
/// user properties, then also the reason string, until it fits [MQTT5-3.1.2-24] [MQTT5-3.2.2-19]
/// [MQTT5-3.2.2-20] and the like for each kind. Returns false, with nothing written, if it does not
/// fit even so. Of Connack, the publish acks, Suback, Unsuback, Disconnect and Auth.
template <class Explained>
bool write_within(Explained packet, ProtocolVersion version, std::size_t size_max, Bytes& out) {
  if (encoded_size(packet, version) > size_max) packet.properties.user_properties.clear();
  if (encoded_size(packet, version) > size_max) packet.properties.reason_string.reset();
  if (encoded_size(packet, version) > size_max) return false;
  write(packet, version, out);
  return true;
}

}  // namespace starling::mqtt
