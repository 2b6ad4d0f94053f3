// From topics to places in the DHT's key space. A filter is filed under its literal prefix; a
// publisher reads the three prefixes under which a filter that matches its topic can stand. Every
// key is an HMAC under the mesh's K_topic: whoever lacks the secret can neither read nor guess the
// topic behind it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "starling/ids.hpp"
#include "starling/topic.hpp"

#include "src/crypto/mesh_keys.hpp"

namespace starling {

/// The levels of a filter before its first wildcard, two at most: "a/b/c" and "a/b/#" have "a/b",
/// "a/+/c" and "a/#" have "a", "#" and "+/x" have none. No level and one empty level ("/+") differ.
class LiteralPrefix {
 public:
  static constexpr std::uint8_t levels_max =
      2;  // a constant of every mesh: readers and writers must agree

  LiteralPrefix() = default;  ///< no level: what "#" and "+/x" are filed under
  static LiteralPrefix of(const TopicFilter& filter);
  /// The first `levels` levels of a name or filter without wildcards in them; fewer if it has
  /// fewer.
  static LiteralPrefix first_levels(std::string_view text, std::uint8_t levels);

  [[nodiscard]] std::uint8_t levels() const { return levels_; }
  /// The levels joined by '/'. Empty for no level, and for one empty level.
  [[nodiscard]] std::string_view text() const { return text_; }
  /// One level less. Of no level: no level.
  [[nodiscard]] LiteralPrefix parent() const { return first_levels(text_, levels_ == 2 ? 1 : 0); }
  /// "prefix/#", or "#" for no level: the narrowest filter that covers all that is filed here.
  /// The prefix has at most 65533 bytes; longer ones are never filed (limits::record_prefix_max).
  [[nodiscard]] TopicFilter everything_below() const;

  auto operator<=>(const LiteralPrefix&) const = default;

 private:
  std::uint8_t levels_ = 0;
  std::string text_;
};

/// The prefixes under which a filter that matches `name` can be filed: two levels, one, none (a
/// name of one level has no two-level prefix). '$' names do not belong here: they never cross to a
/// mesh.
std::vector<LiteralPrefix> prefixes_of(const TopicName& name);

/// A hot key is split: shard `index` of 2^level. {0, 0} is the key that everybody begins with.
struct Shard {
  std::uint8_t level = 0;   ///< 0..32
  std::uint32_t index = 0;  ///< below 2^level
  auto operator<=>(const Shard&) const = default;
  [[nodiscard]] bool is_valid() const {
    return level <= 32 && (std::uint64_t{index} >> level) == 0;
  }
};

// Each key is the first 160 bits of an HMAC-SHA256 under K_topic; the text in front keeps kinds
// apart.

/// "interest/1" ‖ each level: u16 length, bytes ‖ shard: u8 level, u32 index. Where interest
/// records of filters with this prefix lie.
DhtKey interest_key(const crypto::MeshKeys& mesh, const LiteralPrefix& prefix, Shard shard = {});
/// "node/1" ‖ NodeId. Where a node says how it is reached.
DhtKey node_key(const crypto::MeshKeys& mesh, const NodeId& node);
/// "members/1" ‖ shard. Where members of the mesh sign in.
DhtKey member_key(const crypto::MeshKeys& mesh, Shard shard = {});
/// "inbox/1" ‖ NodeId. Where requests to a node that nobody can dial are left.
DhtKey inbox_key(const crypto::MeshKeys& mesh, const NodeId& node);

/// One prefix and its (unsharded) key.
struct PrefixKey {
  LiteralPrefix prefix;
  DhtKey key;
};
/// What a publisher on `name` reads: at most three, most specific first.
std::vector<PrefixKey> keys_of(const crypto::MeshKeys& mesh, const TopicName& name);

}  // namespace starling
