#include "src/store/mosquitto_db_chunks.hpp"

#include <array>
#include <bit>
#include <string>
#include <utility>

#include "starling/limits.hpp"
#include "starling/topic.hpp"

namespace starling::mosquitto_db {
namespace {

constexpr std::array<std::uint8_t, 15> magic = {0x00, 0xB5, 0x00, 'm', 'o', 's', 'q', 'u',
                                                'i',  't',  't',  'o', ' ', 'd', 'b'};
constexpr std::uint32_t version_min = 2;
constexpr std::uint32_t version_max = 6;
constexpr std::uint32_t never = 0xFFFF'FFFF;
constexpr std::uint32_t subscription_id_max = 268'435'455;

// The structures of formats 5 and 6, in bytes. A 32-bit x86 aligns 64-bit numbers to 4 bytes, which
// leaves out the padding at the end of a client.
constexpr std::size_t client_fields_6 = 20;
constexpr std::size_t client_padding = 4;
constexpr std::size_t subscription_padding = 2;

/// A number in the order of the machine.
std::uint64_t read_native(ByteReader& in) {
  std::array<std::uint8_t, 8> bytes{};
  const ByteView read = in.read_bytes(bytes.size());
  if (read.size() != bytes.size()) return 0;
  std::memcpy(bytes.data(), read.data(), bytes.size());
  return std::bit_cast<std::uint64_t>(bytes);
}

std::int64_t read_time(ByteReader& in) {
  return static_cast<std::int64_t>(read_native(in));
}

std::string_view read_text(ByteReader& in, std::size_t size) {
  return as_text(in.read_bytes(size));
}

/// A length of 16 bits and the text.
std::string_view read_text(ByteReader& in) {
  const std::size_t size = in.read_u16();
  return read_text(in, size);
}

/// Takes it whole or not at all.
template <class T>
std::optional<T> complete(const ByteReader& in, T value) {
  if (!in.ok() || in.remaining() != 0) return std::nullopt;
  return value;
}

// --- Properties

std::optional<std::uint32_t> read_variable(ByteReader& in) {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift <= 21; shift += 7) {
    const std::uint8_t byte = in.read_u8();
    value |= static_cast<std::uint32_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return in.ok() ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

bool read_checked_text(ByteReader& in, std::optional<std::string>& into) {
  if (into) return false;
  into = std::string(read_text(in));
  return in.ok() && is_mqtt_text(*into);
}

bool read_user_property(ByteReader& in, MessageProperties& into) {
  if (into.user_properties.size() >= limits::user_properties_max) return false;
  std::string key(read_text(in));
  std::string value(read_text(in));
  if (!in.ok() || !is_mqtt_text(key) || !is_mqtt_text(value)) return false;
  into.user_properties.emplace_back(std::move(key), std::move(value));
  return true;
}

bool read_property(ByteReader& in, Properties& out) {
  MessageProperties& message = out.message;
  const std::uint8_t identifier = in.read_u8();
  switch (identifier) {
    case 0x01: {
      const std::uint8_t value = in.read_u8();
      if (message.payload_format_indicator || value > 1) return false;
      message.payload_format_indicator = value;
      break;
    }
    case 0x02:  // Message Expiry Interval: the message has the instant itself
      in.read_u32();
      return in.ok();
    case 0x03:
      if (!read_checked_text(in, message.content_type)) return false;
      break;
    case 0x08:
      if (!read_checked_text(in, message.response_topic)
          || !TopicName::parse(*message.response_topic))
        return false;
      break;
    case 0x09: {
      if (message.correlation_data) return false;
      const ByteView data = in.read_bytes(in.read_u16());
      message.correlation_data = Bytes(data.begin(), data.end());
      break;
    }
    case 0x0B: {
      const auto id = read_variable(in);
      if (!id || *id == 0 || out.subscription_ids.size() >= limits::subscription_identifiers_max)
        return false;
      out.subscription_ids.push_back(*id);
      return true;
    }
    case 0x23:  // Topic Alias: of a connection that is gone
      in.read_u16();
      return in.ok();
    case 0x26:
      if (!read_user_property(in, message)) return false;
      break;
    default:
      return false;
  }
  out.any = true;
  return in.ok();
}

}  // namespace

std::optional<Properties> read_properties(ByteView block) {
  Properties properties;
  if (block.empty()) return properties;
  ByteReader in(block);
  const auto length = read_variable(in);
  if (!length || *length != in.remaining()) return std::nullopt;
  while (in.remaining() > 0)
    if (!read_property(in, properties)) return std::nullopt;
  return properties;
}

// --- Head of the file and of chunks

Result<Format> Format::read(ByteView head) {
  ByteReader in(head);
  const ByteView found = in.read_bytes(magic.size());
  if (found.size() != magic.size() || std::memcmp(found.data(), magic.data(), magic.size()) != 0)
    return Error{Errc::malformed, "it does not begin as Mosquitto's databases do"};
  in.read_u32();  // the checksum
  const std::uint32_t version = in.read_u32();
  if (!in.ok()) return Error{Errc::malformed, "it ends within its head"};
  if (version < version_min || version > version_max)
    return Error{Errc::unsupported, "its format has version " + std::to_string(version)
                                        + ", and versions " + std::to_string(version_min) + " to "
                                        + std::to_string(version_max) + " are known"};
  return Format(version);
}

ChunkHead Format::read_chunk_head(ByteView head) const {
  ByteReader in(head);
  ChunkHead chunk;
  chunk.kind = has_structures() ? in.read_u32() : in.read_u16();
  chunk.length = in.read_u32();
  return chunk;
}

// --- Bodies

std::uint64_t read_message_id(ByteView body) {
  ByteReader in(body);
  return read_native(in);
}

std::optional<std::uint8_t> Format::read_number_size(ByteView body) const {
  ByteReader in(body);
  if (has_structures()) read_native(in);  // the last number given
  in.read_u8();                           // was it written on the way down?
  const std::uint8_t size = in.read_u8();
  return in.ok() ? std::optional(size) : std::nullopt;
}

std::optional<Client> Format::read_client(ByteView body) const {
  ByteReader in(body);
  Client client;
  if (!has_structures()) {
    client.client_id = read_text(in);
    in.read_u16();  // the last packet id
    // Then, from format 3 on, when it left, as long as time_t was there. Sessions had no end then.
    in.read_rest();
    client.expiry_s = never;
    return complete(in, client);
  }
  client.ends_at = read_time(in);
  client.expiry_s = in.read_u32();
  in.read_u16();  // the last packet id
  const std::size_t id_size = in.read_u16();
  std::size_t user_size = 0;
  if (version_ == 6) {
    client.port = in.read_u16();
    user_size = in.read_u16();
    if (body.size() == client_fields_6 + client_padding + id_size + user_size)
      in.read_bytes(client_padding);
  }
  client.client_id = read_text(in, id_size);
  client.user = read_text(in, user_size);
  if (client.user.find('\0') != std::string_view::npos) {
    client.user = {};
    client.user_is_of_another = true;
  }
  return complete(in, client);
}

std::optional<Message> Format::read_message(ByteView body) const {
  ByteReader in(body);
  Message message;
  message.id = read_native(in);
  std::uint8_t retain = 0;
  if (has_structures()) {
    message.expires_at = read_time(in);
    const std::size_t payload_size = in.read_u32();
    in.read_u16();  // its packet id at the source
    const std::size_t id_size = in.read_u16();
    const std::size_t user_size = in.read_u16();
    const std::size_t topic_size = in.read_u16();
    message.source_port = in.read_u16();
    message.qos = in.read_u8();
    retain = in.read_u8();
    message.source_id = read_text(in, id_size);
    message.source_user = read_text(in, user_size);
    message.topic = read_text(in, topic_size);
    message.payload = in.read_bytes(payload_size);
    message.properties = in.read_rest();
  } else {
    message.source_id = read_text(in);
    if (version_ == 4) {
      message.source_user = read_text(in);
      message.source_port = in.read_u16();
    }
    in.read_u16();  // its packet id at the source
    in.read_u16();  // another, of no use
    message.topic = read_text(in);
    message.qos = in.read_u8();
    retain = in.read_u8();
    message.payload = in.read_bytes(in.read_u32());
  }
  if (message.qos > 2 || retain > 1) return std::nullopt;
  message.retain = retain == 1;
  return complete(in, message);
}

std::optional<ClientMessage> Format::read_client_message(ByteView body) const {
  ByteReader in(body);
  ClientMessage message;
  std::uint8_t direction = 0;
  std::uint8_t state = 0;
  if (has_structures()) {
    message.message = read_native(in);
    message.packet_id = in.read_u16();
    const std::size_t id_size = in.read_u16();
    message.qos = in.read_u8();
    state = in.read_u8();
    message.retain = (in.read_u8() & 0xF0U) != 0;  // the other half is DUP, which the state implies
    direction = in.read_u8();
    message.client_id = read_text(in, id_size);
    message.properties = in.read_rest();
  } else {
    message.client_id = read_text(in);
    message.message = read_native(in);
    message.packet_id = in.read_u16();
    message.qos = in.read_u8();
    message.retain = in.read_u8() != 0;
    direction = in.read_u8();
    state = in.read_u8();
    in.read_u8();  // DUP
  }
  if (message.qos > 2 || direction > 1) return std::nullopt;
  message.state = static_cast<MessageState>(state);
  message.is_inbound = direction == 0;
  return complete(in, message);
}

std::optional<Subscription> Format::read_subscription(ByteView body) const {
  ByteReader in(body);
  Subscription subscription;
  std::uint8_t qos = 0;
  if (has_structures()) {
    subscription.identifier = in.read_u32();
    const std::size_t id_size = in.read_u16();
    const std::size_t filter_size = in.read_u16();
    qos = in.read_u8();
    subscription.options = in.read_u8();
    in.read_bytes(subscription_padding);
    subscription.client_id = read_text(in, id_size);
    subscription.filter = read_text(in, filter_size);
  } else {
    subscription.client_id = read_text(in);
    subscription.filter = read_text(in);
    qos = in.read_u8();
  }
  if (qos > 2 || subscription.identifier > subscription_id_max) return std::nullopt;
  subscription.options = static_cast<std::uint8_t>((subscription.options & 0xFCU) | qos);
  return complete(in, subscription);
}

std::optional<std::uint64_t> Format::read_retained(ByteView body) {
  ByteReader in(body);
  const std::uint64_t id = read_native(in);
  return complete(in, id);
}

}  // namespace starling::mosquitto_db
