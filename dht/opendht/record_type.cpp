#include "dht/opendht/record_type.hpp"

#include <algorithm>
#include <utility>

#include "starling/limits.hpp"

namespace starling {

::dht::InfoHash to_infohash(const DhtKey& key) {
  static_assert(sizeof key.bytes == HASH_LEN);
  return ::dht::InfoHash(key.bytes.data(), key.bytes.size());
}

DhtKey to_dht_key(const ::dht::InfoHash& hash) {
  DhtKey key;
  std::copy(hash.cbegin(), hash.cend(), key.bytes.begin());
  return key;
}

std::optional<VerifiedEnvelope> RecordCheck::verify(const DhtKey& key, const ::dht::Value& value) {
  if (value.type != record_type_id || value.data.size() > limits::record_bytes_max)
    return std::nullopt;
  // OpenDHT's own additions could carry anything past the signature.
  const bool bare = !value.owner && value.signature.empty() && value.cypher.empty()
                    && value.user_type.empty() && !value.recipient && value.seq == 0;
  if (!bare) return std::nullopt;
  auto envelope = verify_envelope(value.data, key, scheduler_.unix_now(), *signatures_);
  if (!envelope || envelope->value_id() != value.id) return std::nullopt;
  return std::move(envelope).value();
}

bool RecordCheck::may_store(const DhtKey& key, const ::dht::Value& value) {
  const auto envelope = verify(key, value);
  return envelope && newest_.note(*envelope, scheduler_.unix_now()) != Freshness::older;
}

std::shared_ptr<::dht::Value> make_record_value(std::uint64_t value_id, ByteView record) {
  return std::make_shared<::dht::Value>(record_type_id, ::dht::Blob(record.begin(), record.end()),
                                        value_id);
}

::dht::ValueType make_record_type(RecordCheck& check) {
  const auto store = [&check](::dht::InfoHash key, std::shared_ptr<::dht::Value>& value,
                              const ::dht::InfoHash&, const ::dht::SockAddr&) {
    const bool accepted = check.may_store(to_dht_key(key), *value);
    ++(accepted ? check.stored : check.refused);
    return accepted;
  };
  const auto edit = [&check](::dht::InfoHash, const std::shared_ptr<::dht::Value>&,
                             std::shared_ptr<::dht::Value>&, const ::dht::InfoHash&,
                             const ::dht::SockAddr&) {
    ++check.refused;
    return false;
  };
  return {record_type_id, "starling record", limits::record_lifetime, store, edit};
}

}  // namespace starling
