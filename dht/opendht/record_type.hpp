// The type of our values in the DHT: what a storing node accepts, and what a reader believes. The
// same check stands on both sides.
#pragma once

#include <cstdint>
#include <memory>
#include <opendht/value.h>
#include <optional>
#include <utility>

#include "starling/ids.hpp"
#include "starling/port/scheduler.hpp"

#include "dht/records/envelope.hpp"
#include "dht/records/newest_records.hpp"

namespace starling {

inline constexpr ::dht::ValueType::Id record_type_id = 0x4D51;  // "MQ"

::dht::InfoHash to_infohash(const DhtKey& key);
DhtKey to_dht_key(const ::dht::InfoHash& hash);

class RecordCheck {
 public:
  /// `scheduler` outlives the check; only its date is asked. `signatures`: null for one of its own.
  explicit RecordCheck(Scheduler& scheduler, std::shared_ptr<SignatureCache> signatures = nullptr)
      : scheduler_(scheduler), signatures_(shared_or_own(std::move(signatures))) {}

  /// Is `value` a record of ours for `key`, whole, signed, in date, under the one id that it may
  /// have (a copy under another id is a replay that would take up room), and nothing beside it?
  [[nodiscard]] bool accepts(const DhtKey& key, const ::dht::Value& value) {
    return verify(key, value).has_value();
  }
  /// The same, and not overtaken by a record of its author that was stored here before.
  [[nodiscard]] bool may_store(const DhtKey& key, const ::dht::Value& value);

  std::uint64_t stored = 0;   ///< accepted by the store policy
  std::uint64_t refused = 0;  ///< refused by the store and edit policies

 private:
  std::optional<VerifiedEnvelope> verify(const DhtKey& key, const ::dht::Value& value);

  Scheduler& scheduler_;
  std::shared_ptr<SignatureCache> signatures_;
  NewestRecords newest_;
};

/// A plain value as OpenDHT takes it; every call makes a fresh object, for a put of the same object
/// again would be no news to it.
std::shared_ptr<::dht::Value> make_record_value(std::uint64_t value_id, ByteView record);

/// The type to register on every node. Its policies store what `check` accepts, and edit nothing: a
/// changed record has another id, and an identical one is a refresh, which asks no policy. `check`
/// outlives the Dht.
::dht::ValueType make_record_type(RecordCheck& check);

}  // namespace starling
