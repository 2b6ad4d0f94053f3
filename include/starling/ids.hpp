// Names of things that cross rooms. Ids go across rooms, not pointers: a stale id finds nothing.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"

namespace starling {

/// SHA-256 of a node's Ed25519 public key in its SubjectPublicKeyInfo form (44 bytes of DER). This
/// is how a node is addressed wherever it lives; it is not its id inside the DHT.
struct NodeId {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const NodeId&) const = default;
  [[nodiscard]] bool is_zero() const { return *this == NodeId{}; }
  [[nodiscard]] ByteView view() const { return bytes; }

  /// Eight groups of seven base32 characters (RFC 4648 alphabet), each group of 13 data characters
  /// followed by a Luhn-mod-32 check character, as Syncthing prints device ids: 63 characters.
  [[nodiscard]] std::string to_text() const;
  /// The first group: for people, never for decisions.
  [[nodiscard]] std::string to_short_text() const { return to_text().substr(0, 7); }
  /// Reads to_text() back; dashes, spaces and case do not matter. nullopt: wrong length, character
  /// or check character.
  static std::optional<NodeId> parse(std::string_view text);
};

/// 160 bits: a place in the DHT's key space.
struct DhtKey {
  std::array<std::uint8_t, 20> bytes{};
  auto operator<=>(const DhtKey&) const = default;
  [[nodiscard]] ByteView view() const { return bytes; }
};

/// One connection of an MQTT client to this node; never reused while the process lives.
struct ConnectionId {
  std::uint64_t value = 0;
  auto operator<=>(const ConnectionId&) const = default;
};
/// One link (TLS connection) to another node; never reused while the process lives.
struct LinkId {
  std::uint64_t value = 0;
  auto operator<=>(const LinkId&) const = default;
};

/// Stamped once, when a client's message is accepted, and the same on every path through the mesh.
/// `epoch` is the origin's boot counter, kept on disk; `sequence` counts from 1 within it.
struct MessageId {
  NodeId origin;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  auto operator<=>(const MessageId&) const = default;
};

}  // namespace starling

// Ids of nodes and keys are hashes already: their first eight bytes spread well enough. A table
// that strangers can fill with ids of their choosing must not be unordered.
template <>
struct std::hash<starling::NodeId> {
  std::size_t operator()(const starling::NodeId& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};
template <>
struct std::hash<starling::DhtKey> {
  std::size_t operator()(const starling::DhtKey& key) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, key.bytes.data(), sizeof value);
    return value;
  }
};
template <>
struct std::hash<starling::ConnectionId> {
  std::size_t operator()(starling::ConnectionId id) const noexcept { return id.value; }
};
template <>
struct std::hash<starling::LinkId> {
  std::size_t operator()(starling::LinkId id) const noexcept { return id.value; }
};
