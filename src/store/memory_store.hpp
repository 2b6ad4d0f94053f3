// A Store that keeps nothing beyond the process: every batch is "safe" at once. What the node
// promises with it is exactly what its memory holds.
#pragma once

#include "starling/port/store.hpp"

namespace starling {

class MemoryStore final : public Store {
 public:
  void set_handler(OnCommitted handler) override { on_committed_ = std::move(handler); }
  BatchNumber commit(StoreBatch batch) override;
  [[nodiscard]] bool keeps_anything() const override { return false; }

 private:
  OnCommitted on_committed_;
  BatchNumber last_ = 0;
};

}  // namespace starling
