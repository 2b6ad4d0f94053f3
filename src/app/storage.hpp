// Storage: the store a daemon was told to have, with the thread that waits for its disk.
#pragma once

#include <memory>
#include <optional>

#include "starling/port/log.hpp"
#include "starling/port/metrics.hpp"
#include "starling/port/store.hpp"

#include "src/app/plan.hpp"
#include "src/config/settings.hpp"
#include "src/store/memory_store.hpp"
#include "src/store/open_store.hpp"
#include "src/store/state_directory.hpp"
#include "src/uv/uv_thread.hpp"

namespace starling {

class UvLoop;

/// Its file in the state directory.
inline constexpr const char* store_file = "store.sqlite";

class Storage {
 public:
  struct World {
    UvLoop& loop;
    LogSink& log;
    Metrics& metrics;
  };

  /// Opens the store that `settings` asks for; a new one takes over what Mosquitto kept. The state
  /// directory and all of `world` outlive it. `set_aside_newer`: see OpenStoreOptions.
  /// Throws StoreFromLaterVersion, and std::runtime_error with a sentence for the operator.
  Storage(const config::Settings& settings, const Plan& plan, const StateDirectory& state,
          const World& world, bool set_aside_newer);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] Store& store();
  /// Waits until everything is on disk, and ends the store. Nothing may be committed afterwards.
  void close();

 private:
  MemoryStore memory_;
  std::unique_ptr<UvThread> thread_;
  std::unique_ptr<StoreOnDisk> disk_;  ///< null: memory only
};

}  // namespace starling
