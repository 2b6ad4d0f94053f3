// A Store that keeps nothing beyond the process: every batch is "safe" at once. What the node
// promises with it is exactly what its memory holds.
#pragma once

#include "starling/port/store.hpp"

namespace starling {

class MemoryStore final : public Store {
 public:
  void set_handlers(Handlers handlers) override { handlers_ = std::move(handlers); }
  StoreNumbers load(StoreLoader&) override { return {}; }
  BatchNumber commit(StoreBatch batch) override;
  /// Nothing waits here; `done` runs from inside.
  void read_queue(const QueueRead& what,
                  std::function<void(std::vector<StoredDelivery>)> done) override;
  [[nodiscard]] bool keeps_anything() const override { return false; }

 private:
  Handlers handlers_;
  BatchNumber last_ = 0;
};

}  // namespace starling
