#include "dht/keys/prefix_key.hpp"

#include <algorithm>

#include "starling/bytes.hpp"
#include "starling/check.hpp"

#include "src/crypto/hash.hpp"

namespace starling {
namespace {

DhtKey make_key(const crypto::MeshKeys& mesh, ByteView message) {
  const crypto::Digest digest = crypto::hmac_sha256(mesh.topic, message);
  DhtKey key;
  std::copy_n(digest.begin(), key.bytes.size(), key.bytes.begin());
  return key;
}

void write_shard(ByteWriter& writer, Shard shard) {
  STARLING_CHECK(shard.is_valid());
  writer.write_u8(shard.level);
  writer.write_u32(shard.index);
}

DhtKey key_of_node(const crypto::MeshKeys& mesh, std::string_view label, const NodeId& node) {
  Bytes message;
  ByteWriter writer(message);
  writer.write_bytes(as_bytes(label));
  writer.write_bytes(node.view());
  return make_key(mesh, message);
}

bool is_wildcard(std::string_view level) {
  return level == "+" || level == "#";
}

}  // namespace

LiteralPrefix LiteralPrefix::first_levels(std::string_view text, std::uint8_t levels) {
  LiteralPrefix prefix;
  std::size_t end = 0;
  while (prefix.levels_ < std::min(levels, levels_max)) {
    const std::size_t begin = prefix.levels_ == 0 ? 0 : end + 1;
    end = std::min(text.find('/', begin), text.size());
    ++prefix.levels_;
    if (end == text.size()) break;
  }
  prefix.text_ = std::string(text.substr(0, end));
  return prefix;
}

LiteralPrefix LiteralPrefix::of(const TopicFilter& filter) {
  std::uint8_t levels = 0;
  for (const std::string_view level : split_levels(filter.text())) {
    if (levels == levels_max || is_wildcard(level)) break;
    ++levels;
  }
  return first_levels(filter.text(), levels);
}

TopicFilter LiteralPrefix::everything_below() const {
  // A prefix of 65534 bytes or more has no such filter; file_interests keeps them far below.
  return TopicFilter::parse(levels_ == 0 ? "#" : text_ + "/#").value();
}

std::vector<LiteralPrefix> prefixes_of(const TopicName& name) {
  std::vector<LiteralPrefix> prefixes;
  prefixes.reserve(LiteralPrefix::levels_max + 1);
  LiteralPrefix prefix = LiteralPrefix::first_levels(name.text(), LiteralPrefix::levels_max);
  while (prefix.levels() > 0) {
    prefixes.push_back(prefix);
    prefix = prefix.parent();
  }
  prefixes.push_back(prefix);
  return prefixes;
}

DhtKey interest_key(const crypto::MeshKeys& mesh, const LiteralPrefix& prefix, Shard shard) {
  Bytes message;
  ByteWriter writer(message);
  writer.write_bytes(as_bytes("interest/1"));
  if (prefix.levels() > 0) {
    for (const std::string_view level : split_levels(prefix.text())) {
      writer.write_u16(static_cast<std::uint16_t>(level.size()));
      writer.write_bytes(as_bytes(level));
    }
  }
  write_shard(writer, shard);
  return make_key(mesh, message);
}

DhtKey node_key(const crypto::MeshKeys& mesh, const NodeId& node) {
  return key_of_node(mesh, "node/1", node);
}

DhtKey member_key(const crypto::MeshKeys& mesh, Shard shard) {
  Bytes message;
  ByteWriter writer(message);
  writer.write_bytes(as_bytes("members/1"));
  write_shard(writer, shard);
  return make_key(mesh, message);
}

DhtKey inbox_key(const crypto::MeshKeys& mesh, const NodeId& node) {
  return key_of_node(mesh, "inbox/1", node);
}

std::vector<PrefixKey> keys_of(const crypto::MeshKeys& mesh, const TopicName& name) {
  std::vector<PrefixKey> keys;
  for (LiteralPrefix& prefix : prefixes_of(name)) {
    const DhtKey key = interest_key(mesh, prefix);
    keys.push_back(PrefixKey{.prefix = std::move(prefix), .key = key});
  }
  return keys;
}

}  // namespace starling
