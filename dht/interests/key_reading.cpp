#include "dht/interests/key_reading.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr Duration shortest = 1500ms;
constexpr Duration longest = 3s;
constexpr Duration quiet = 500ms;
constexpr Duration look_for_connection = 500ms;

}  // namespace

KeyReading::KeyReading(const DhtKey& key, const crypto::MeshKeys& mesh, Rendezvous& rendezvous,
                       Scheduler& scheduler, SignatureCache& signatures, OnRecord on_record,
                       OnEnd on_end)
    : sketch_(key),
      mesh_(mesh),
      rendezvous_(rendezvous),
      scheduler_(scheduler),
      signatures_(signatures),
      on_record_(std::move(on_record)),
      on_end_(std::move(on_end)),
      begun_(scheduler.now()),
      connected_(rendezvous.status().connected),
      ends_at_(begun_ + (connected_ ? shortest : look_for_connection)) {
  listening_ = rendezvous_.listen(key, [this](ByteView value, bool expired) {
    if (!expired) on_value(value);
    return true;
  });
  arm();
}

KeyReading::~KeyReading() {
  scheduler_.cancel(wake_);
  if (listening_) rendezvous_.cancel_listen(listening_);
}

void KeyReading::on_value(ByteView value) {
  const auto envelope = verify_envelope(value, sketch_.root(), scheduler_.unix_now(), signatures_);
  // Who cannot seal for the mesh must not make the key look hot.
  if (!envelope || !open_body(*envelope, mesh_)) return;
  const std::size_t before = sketch_.size();
  sketch_.add(envelope->node());
  if (sketch_.size() != before) {
    ends_at_ = std::clamp(scheduler_.now() + quiet, begun_ + shortest, begun_ + longest);
    arm();
  }
  if (on_record_) on_record_(*envelope);
}

void KeyReading::arm() {
  scheduler_.cancel(wake_);
  wake_ = scheduler_.wake_at(ends_at_, [this] {
    wake_ = {};
    on_timer();
  });
}

void KeyReading::on_timer() {
  if (!connected_) {
    const TimePoint now = scheduler_.now();
    connected_ = rendezvous_.status().connected || sketch_.size() > 0;
    // The way to the key's own nodes is longest for a node that has just come.
    begun_ = now;
    ends_at_ = now + (connected_ ? longest : look_for_connection);
    arm();
    return;
  }
  rendezvous_.cancel_listen(std::exchange(listening_, {}));
  const OnEnd on_end = std::move(on_end_);
  const KeySketch sketch = sketch_;  // this may be gone when it returns
  on_end(sketch);
}

}  // namespace starling
