// MemberWatch: who stands under a mesh's member key. The part of PeerFinder that decides whether to
// listen to it or to read it now and then.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "starling/ids.hpp"
#include "starling/peer_record.hpp"
#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "dht/interests/key_reading.hpp"
#include "dht/interests/lookup_pacer.hpp"
#include "dht/records/envelope.hpp"
#include "dht/records/newest_records.hpp"

namespace starling {

struct PeerFinderSettings;

class MemberWatch {
 public:
  /// A newer record of another member.
  using OnMember = std::function<void(const PeerRecord& peer)>;

  /// All references outlive it.
  MemberWatch(const PeerFinderSettings& settings, Rendezvous& rendezvous, Scheduler& scheduler,
              LookupPacer& pacer, OnMember on_member);
  ~MemberWatch();
  MemberWatch(const MemberWatch&) = delete;
  MemberWatch& operator=(const MemberWatch&) = delete;

  // See PeerFinder.
  void start();
  void stop();
  void seek();
  [[nodiscard]] std::size_t estimate() const { return estimate_; }

 private:
  struct Member {
    RecordStamp stamp;
    UnixSeconds expires_at = 0;
    bool is_dialable = false;
    Shard shard;
  };

  void read();
  void on_read(const KeySketch& root);
  void on_value(Shard shard, ByteView value);
  void on_record(Shard shard, const VerifiedEnvelope& envelope);
  void listen_to(Shard shard);
  void stop_listening();
  void review();
  void read_later();
  [[nodiscard]] std::size_t dialable() const;
  void arm(TimePoint when);
  void on_timer();

  const PeerFinderSettings& settings_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  LookupPacer& pacer_;
  OnMember on_member_;

  bool is_running_ = false;
  std::size_t readings_ = 0;  // since start()
  TimePoint started_at_;
  TimePoint read_at_;  // the last reading's beginning
  std::size_t estimate_ = 0;
  std::unique_ptr<KeyReading> root_reading_;
  std::unique_ptr<KeyReading> shard_reading_;
  std::map<Shard, Rendezvous::Handle> listening_;  // in a small mesh: the root and all shards
  std::map<NodeId, Member> members_;               // told, until their records lapse
  std::shared_ptr<SignatureCache> signatures_;
  NewestRecords newest_;
  WakeId wake_;
};

}  // namespace starling
