// The file in which Mosquitto keeps its state ("mosquitto.db", formats 2 to 6), one chunk at a time:
// bytes in, values out. What the values mean for us is in mosquitto_db.hpp.
//
// A file is 15 bytes of magic, 4 bytes of a checksum that no version computes, the format's version,
// and chunks: kind, length, body. Formats 2 to 4 (Mosquitto up to 1.5) write fields one by one, 5 (1.6)
// and 6 (2.0 on) write C structures and then the texts. Integers are big endian, but numbers of
// messages and times are in the order of the machine that wrote the file, and so they are read here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/publication.hpp"
#include "starling/result.hpp"

namespace starling::mosquitto_db {

inline constexpr std::size_t file_head_size = 23;
inline constexpr std::size_t chunk_head_size_max = 8;
/// Later kinds may come; beyond this it is not a kind but damage.
inline constexpr std::uint32_t chunk_kinds_max = 255;

enum class ChunkKind : std::uint32_t {
  configuration = 1,
  message = 2,         ///< a message, once for all who wait for it
  client_message = 3,  ///< such a message on its way from or to a client
  retained = 4,
  subscription = 5,
  client = 6,
};

struct ChunkHead {
  std::uint32_t kind = 0;    ///< a ChunkKind, or one that we do not know
  std::uint32_t length = 0;  ///< bytes of the body
};

struct Client {
  std::string_view client_id;
  std::string_view user;            ///< empty: none
  std::uint16_t port = 0;           ///< of its listener; 0: not known
  std::uint32_t expiry_s = 0;       ///< 0xFFFFFFFF: never
  std::int64_t ends_at = 0;         ///< Unix seconds; 0: its time had not begun to run
  bool user_is_of_another = false;  ///< see read_client()
};

struct Message {
  std::uint64_t id = 0;
  std::int64_t expires_at = 0;  ///< Unix seconds; 0: never
  std::string_view source_id;   ///< who published it; empty: the broker itself
  std::string_view source_user;
  std::uint16_t source_port = 0;
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view topic;
  ByteView payload;
  ByteView properties;  ///< as in a PUBLISH, their length first; empty: none
};

/// Mosquitto's own numbers.
enum class MessageState : std::uint8_t {
  invalid,
  publish_qos0,
  publish_qos1,
  wait_for_puback,
  publish_qos2,
  wait_for_pubrec,
  resend_pubrel,
  wait_for_pubrel,
  resend_pubcomp,
  wait_for_pubcomp,
  send_pubrec,
  queued,
};

struct ClientMessage {
  std::string_view client_id;
  std::uint64_t message = 0;    ///< Message::id
  std::uint16_t packet_id = 0;  ///< 0: none yet
  std::uint8_t qos = 0;
  MessageState state = MessageState::invalid;  ///< any value; the unknown ones too
  bool retain = false;
  bool is_inbound = false;  ///< from the client
  ByteView properties;      ///< as Message::properties
};

struct Subscription {
  std::string_view client_id;
  std::string_view filter;       ///< behind the mount point
  std::uint8_t options = 0;      ///< the Subscription Options byte, as it was read
  std::uint32_t identifier = 0;  ///< 0: none
};

/// What the properties of a message say.
struct Properties {
  MessageProperties message;
  bool any = false;  ///< `message` has one
  std::vector<std::uint32_t> subscription_ids;
};

/// One version of the format. Its readers take the body of a chunk; nullopt: lengths inside it do not
/// fit, or a field has a value that it cannot have. Views live as long as the body.
class Format {
 public:
  /// `head`: the first file_head_size bytes. Errors: malformed (not such a file), unsupported (the
  /// version, which is named).
  static Result<Format> read(ByteView head);

  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] std::size_t chunk_head_size() const { return has_structures() ? 8 : 6; }
  /// `head`: chunk_head_size() bytes.
  [[nodiscard]] ChunkHead read_chunk_head(ByteView head) const;

  /// The size of a message's number as that Mosquitto was built; only 8 is ever seen.
  [[nodiscard]] std::optional<std::uint8_t> read_number_size(ByteView body) const;
  /// For a client without a user name Mosquitto 2.0.11 writes the name of one before it: a length
  /// with its bytes exchanged and whatever lies there in its memory, so the name, a zero and more.
  /// That is `user_is_of_another`, and `user` is empty. The next such client has the name alone,
  /// which cannot be told from its own.
  [[nodiscard]] std::optional<Client> read_client(ByteView body) const;
  [[nodiscard]] std::optional<Message> read_message(ByteView body) const;
  [[nodiscard]] std::optional<ClientMessage> read_client_message(ByteView body) const;
  [[nodiscard]] std::optional<Subscription> read_subscription(ByteView body) const;
  /// Message::id.
  [[nodiscard]] static std::optional<std::uint64_t> read_retained(ByteView body);

 private:
  explicit Format(std::uint32_t version) : version_(version) {}
  [[nodiscard]] bool has_structures() const { return version_ >= 5; }

  std::uint32_t version_;
};

/// Bytes of a message's body up to its number and with it.
inline constexpr std::size_t message_id_size = 8;
/// The number with which the body of a message begins, in all versions. `body`: message_id_size
/// bytes or more.
std::uint64_t read_message_id(ByteView body);

/// Reads `block` (a length and properties, or nothing). nullopt: it breaks a rule of MQTT 5
/// (2.2.2.2), also in the texts, or has more than limits::user_properties_max user properties.
std::optional<Properties> read_properties(ByteView block);

}  // namespace starling::mosquitto_db
