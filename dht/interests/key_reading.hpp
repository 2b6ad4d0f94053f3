// KeyReading: listens to a key for a moment, to learn who stands there: at its root, or in a shard. A listen, not a
// get: values come in bulk, where a get asks for every single one of every node that has it.
#pragma once

#include <functional>

#include "starling/port/rendezvous.hpp"
#include "starling/port/scheduler.hpp"

#include "dht/keys/key_sketch.hpp"
#include "dht/records/envelope.hpp"
#include "src/crypto/mesh_keys.hpp"

namespace starling {

class KeyReading {
 public:
  /// A record of a member of the mesh under this key, own ones and repetitions too.
  using OnRecord = std::function<void(const VerifiedEnvelope&)>;
  /// Nothing more is to be expected: half a second has passed since the last new node, a second and a
  /// half since the beginning, or three if there are ever new ones. Before the rendezvous is
  /// connected the time does not count. Told from a timer; the reading may be destroyed in it.
  using OnEnd = std::function<void(const KeySketch&)>;

  /// Begins. All references outlive it.
  KeyReading(const DhtKey& key, const crypto::MeshKeys& mesh, Rendezvous& rendezvous,
             Scheduler& scheduler, SignatureCache& signatures, OnRecord on_record, OnEnd on_end);
  ~KeyReading();  ///< ends it, silently
  KeyReading(const KeyReading&) = delete;
  KeyReading& operator=(const KeyReading&) = delete;

  [[nodiscard]] const KeySketch& so_far() const { return sketch_; }

 private:
  void on_value(ByteView value);
  void arm();
  void on_timer();

  KeySketch sketch_;
  const crypto::MeshKeys& mesh_;
  Rendezvous& rendezvous_;
  Scheduler& scheduler_;
  SignatureCache& signatures_;
  OnRecord on_record_;
  OnEnd on_end_;
  TimePoint begun_;
  bool connected_ = false;
  TimePoint ends_at_;
  Rendezvous::Handle listening_;
  WakeId wake_;
};

}  // namespace starling
