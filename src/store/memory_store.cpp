#include "src/store/memory_store.hpp"

namespace starling {

BatchNumber MemoryStore::commit(StoreBatch) {
  ++last_;
  if (on_committed_) on_committed_(last_);
  return last_;
}

}  // namespace starling
