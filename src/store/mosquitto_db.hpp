// The switch from Mosquitto: what its "mosquitto.db" holds, as changes for a store that is still
// empty. Retained messages, sessions with their subscriptions, and their messages of both directions;
// the file is only read.
//
// What Mosquitto 2.0.11 does not write cannot come over: wills, shared subscriptions, and sessions of
// MQTT 5 that began with Clean Start, however long they were to last.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "starling/port/store.hpp"
#include "starling/time.hpp"

namespace starling {

/// Bytes at positions: a file, or memory.
class PositionedBytes {
 public:
  virtual ~PositionedBytes() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Fills `into` with what stands from `at` on, all of it within size(). False: it cannot be read.
  virtual bool read(std::uint64_t at, std::span<std::uint8_t> into) = 0;
};

/// What the importer must be told.
struct MosquittoImport {
  struct Listener {
    std::string name;
    std::string mount;  ///< put before the topics of its clients
  };
  TimePoint now;
  UnixSeconds unix_now = 0;
  StoreNumbers first = {};  ///< in use already
  /// The listener that has this port; 0: none is known. Unset: the listeners have no names.
  std::function<Listener(std::uint16_t port)> listener = nullptr;
  /// Takes the changes in slices of import_slice_changes at most, in order: what a change refers to
  /// came before it, or comes with it.
  std::function<void(StoreBatch)> commit;
};

inline constexpr std::size_t import_slice_changes = 1'000;
/// Bytes of topics and payloads after which a slice is committed.
inline constexpr std::size_t import_slice_bytes = 4U << 20U;

/// What was taken over.
struct MosquittoImported {
  std::uint64_t retained = 0;  ///< messages
  std::uint64_t sessions = 0;
  std::uint64_t subscriptions = 0;
  std::uint64_t queued = 0;     ///< messages that wait for a session
  std::uint64_t in_flight = 0;  ///< of QoS 1 and 2, sent and not acknowledged
  std::uint64_t inbound = 0;    ///< of QoS 2, received and not released
  std::uint64_t expired = 0;    ///< sessions and messages whose time had run out: not taken
  std::uint64_t left_out = 0;   ///< what our rules refuse, or what makes no sense
  StoreNumbers last = {};       ///< in use now
  std::string trouble;          ///< empty, or a sentence for the operator without a full stop
};

/// Memory: 16 bytes for each message in `file`, some for each session, and a few MiB (or the largest
/// message). A file that is damaged or cut off is taken up to there; one of an unknown version, not
/// at all. `name` stands for it in `trouble`.
///
/// Sessions are away when they come back. Messages that were on their way have positions from which
/// the packet ids follow that their clients know; those that wait follow behind them, in order.
MosquittoImported import_mosquitto_db(PositionedBytes& file, const std::string& name,
                                      const MosquittoImport& how);

/// The same for the file at `path`. One that cannot be read is trouble and nothing else.
MosquittoImported import_mosquitto_db(const std::string& path, const MosquittoImport& how);

}  // namespace starling
