#include "dht/records/interest_record.hpp"

#include <string>
#include <utility>

#include "dht/records/body_kind.hpp"

namespace starling {
namespace {

constexpr std::uint64_t qos_bits = 0x03;
constexpr std::uint64_t durable_bit = 0x04;  // the other bits are for later versions, and ignored

std::uint64_t flags_of(const Interest& interest) {
  return static_cast<std::uint64_t>(interest.qos_max) | (interest.durable ? durable_bit : 0);
}

/// All filters of a record begin with its prefix, so it is written once and cut off from each.
std::string_view behind(const LiteralPrefix& prefix, const TopicFilter& filter) {
  return filter.text().substr(prefix.text().size());
}

/// Levels and text as they stand in a body, or nullopt when they are no prefix of any filter.
std::optional<LiteralPrefix> prefix_from(std::uint64_t levels, std::string_view text) {
  if (levels > LiteralPrefix::levels_max || text.size() > limits::record_prefix_max) {
    return std::nullopt;
  }
  if (levels == 0) return text.empty() ? std::optional(LiteralPrefix()) : std::nullopt;
  const Result<TopicFilter> below = TopicFilter::parse(std::string(text) + "/#");
  if (!below) return std::nullopt;
  LiteralPrefix prefix = LiteralPrefix::of(*below);
  if (prefix.levels() != levels || prefix.text() != text) return std::nullopt;
  return prefix;
}

Result<Interest> interest_from(ElementReader element, const LiteralPrefix& prefix) {
  const std::string_view rest = element.read_text();
  const std::uint64_t flags = element.read_uint();
  const std::string_view group = element.remaining() > 0 ? element.read_text() : std::string_view();
  if (!element.ok()) return Error{Errc::malformed, "an interest with a field of the wrong type"};
  if ((flags & qos_bits) > 2) return Error{Errc::malformed, "an interest with QoS 3"};

  const std::string text = std::string(prefix.text()) + std::string(rest);
  const bool shared = !group.empty();
  Result<SubscriptionName> name =
      SubscriptionName::parse(shared ? "$share/" + std::string(group) + "/" + text : text);
  if (!name) return name.error();
  if (name->share_group != group || !is_mqtt_text(group)) {
    return Error{Errc::malformed, "a share group that is none"};
  }
  if (text.front() == '$') return Error{Errc::malformed, "an interest in '$' topics"};
  if (LiteralPrefix::of(name->filter) != prefix) {
    return Error{Errc::malformed, "an interest that is filed under the wrong prefix"};
  }
  return Interest{.filter = std::move(name->filter),
                  .share_group = std::move(name->share_group),
                  .qos_max = static_cast<QoS>(flags & qos_bits),
                  .durable = (flags & durable_bit) != 0};
}

}  // namespace

// [kind, shard level, shard index, prefix levels, prefix, [[rest of the filter, flags, group?]...],
//  endpoints, vias?]
Bytes write_interest_body(const InterestBody& body) {
  Packing packing;
  packing.array(body.vias.empty() ? 7 : 8);
  packing.number(static_cast<std::uint64_t>(BodyKind::interest));
  write_shard(packing, body.shard);
  packing.number(body.prefix.levels());
  packing.text(body.prefix.text());
  packing.array(body.interests.size());
  for (const Interest& interest : body.interests) {
    packing.array(interest.share_group.empty() ? 2 : 3);
    packing.text(behind(body.prefix, interest.filter));
    packing.number(flags_of(interest));
    if (!interest.share_group.empty()) packing.text(interest.share_group);
  }
  write_endpoints(packing, body.endpoints);
  write_vias(packing, body.vias);
  return packing.take();
}

Result<InterestBody> read_interest_body(ByteView bytes) {
  const std::optional<msgpack::object_handle> unpacked = unpack_array(bytes);
  if (!unpacked)
    return Error{Errc::malformed, "an interest record's body that is no msgpack array"};
  ElementReader reader(unpacked->get());
  if (std::optional<Error> error = check_kind(reader, BodyKind::interest)) return *error;

  InterestBody body;
  body.shard = read_shard(reader);
  const std::uint64_t levels = reader.read_uint();
  std::optional<LiteralPrefix> prefix = prefix_from(levels, reader.read_text());
  ElementReader interests = reader.read_array();
  bool too_many_endpoints = false;
  body.endpoints = read_endpoints(reader, limits::record_endpoints_max, too_many_endpoints);
  body.vias = read_vias(reader, too_many_endpoints);
  if (too_many_endpoints || interests.remaining() > limits::record_filters_max) {
    return Error{Errc::too_large, "an interest record with too many filters or endpoints"};
  }
  if (!reader.ok() || !prefix) {
    return Error{Errc::malformed, "an interest record with a malformed field"};
  }
  body.prefix = *std::move(prefix);
  while (interests.remaining() > 0) {
    Result<Interest> interest = interest_from(interests.read_array(), body.prefix);
    if (!interest) return interest.error();
    body.interests.push_back(*std::move(interest));
  }
  if (!interests.ok()) return Error{Errc::malformed, "an interest that is no array"};
  return body;
}

Result<Bytes> write_interest_record(const crypto::SigningKey& author, const crypto::MeshKeys& mesh,
                                    RecordStamp stamp, UnixSeconds expires_at,
                                    const InterestBody& body) {
  if (std::optional<Error> error = check_reach(body.endpoints, body.vias)) return *error;
  if (body.interests.size() > limits::record_filters_max) {
    return Error{Errc::too_large, "more filters than a record holds"};
  }
  for (const Interest& interest : body.interests) {
    STARLING_CHECK(LiteralPrefix::of(interest.filter) == body.prefix);
  }
  const RecordHeader header{
      .key = interest_key(mesh, body.prefix, body.shard), .stamp = stamp, .expires_at = expires_at};
  return write_envelope(author, mesh, header, write_interest_body(body));
}

Result<InterestRecord> read_interest_record(const VerifiedEnvelope& envelope,
                                            const crypto::MeshKeys& mesh) {
  const Result<Bytes> bytes = open_body(envelope, mesh);
  if (!bytes) return bytes.error();
  Result<InterestBody> body = read_interest_body(*bytes);
  if (!body) return body.error();
  if (envelope.key() != interest_key(mesh, body->prefix, body->shard)) {
    return Error{Errc::bad_identity, "an interest record under another key than its prefix has"};
  }
  return InterestRecord{
      .peer = peer_of(envelope, std::move(body->endpoints), std::move(body->vias)),
      .prefix = std::move(body->prefix),
      .shard = body->shard,
      .interests = std::move(body->interests)};
}

}  // namespace starling
