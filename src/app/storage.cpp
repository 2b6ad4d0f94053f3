#include "src/app/storage.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "src/app/fault_point.hpp"
#include "src/store/mosquitto_db.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

using Commit = std::function<void(StoreBatch)>;

/// By the port its listener has there, a client of Mosquitto's finds the listener it has here.
MosquittoImport::Listener listener_of(const std::vector<ListenerPlan>& listeners,
                                      std::uint16_t port) {
  const auto found = std::ranges::find_if(listeners, [&](const ListenerPlan& listener) {
    return port != 0 && listener.settings.unix_socket.empty() && listener.settings.port == port;
  });
  if (found != listeners.end()) return {found->policy.name, found->policy.mount_point};
  if (listeners.size() != 1) return {};
  return {listeners.front().policy.name, listeners.front().policy.mount_point};
}

/// What cannot be read now is not read later either: the store is new only once.
bool is_there_to_read(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int error = errno;
  if (descriptor >= 0) {
    ::close(descriptor);
    return true;
  }
  if (error == ENOENT) return false;
  throw std::runtime_error("cannot read what Mosquitto kept in " + path + ": "
                           + std::strerror(error)
                           + "; make it readable for this first start, or begin without it with"
                             " --set store.import_mosquitto_db=");
}

void import(const std::string& path, const std::vector<ListenerPlan>& listeners,
            const Storage::World& world, const Commit& commit) {
  if (!is_there_to_read(path)) return;
  MosquittoImport how;
  how.now = world.loop.scheduler().now();
  how.unix_now = world.loop.scheduler().unix_now();
  how.listener = [&](std::uint16_t port) { return listener_of(listeners, port); };
  how.commit = commit;
  const MosquittoImported imported = import_mosquitto_db(path, how);
  world.log.info("mosquitto_db_imported", {{"file", path},
                                           {"retained", imported.retained},
                                           {"sessions", imported.sessions},
                                           {"subscriptions", imported.subscriptions},
                                           {"queued", imported.queued},
                                           {"in_flight", imported.in_flight},
                                           {"inbound", imported.inbound},
                                           {"expired", imported.expired},
                                           {"left_out", imported.left_out}});
  if (!imported.trouble.empty())
    world.log.warn("mosquitto_db_trouble", {{"file", path}, {"why", imported.trouble}});
}

}  // namespace

Storage::Storage(const config::Settings& settings, const Plan& plan, const StateDirectory& state,
                 const World& world, bool set_aside_newer) {
  if (settings.durability == config::Durability::none) return;
  OpenStoreOptions options;
  options.sqlite.file = (state.path() / store_file).string();
  if (settings.durability == config::Durability::relaxed)
    options.sqlite.durability = Durability::relaxed;
  options.sqlite.fault = fault_from_environment();
  options.set_aside_newer = set_aside_newer;
  if (!settings.mosquitto_db.empty())
    options.fill_new = [&](const Commit& commit) {
      import(settings.mosquitto_db, plan.listeners, world, commit);
      world.loop.forget_now();  // it may have taken long: the store would see the clock jump
    };
  thread_ = std::make_unique<UvThread>(world.loop);
  disk_ = std::make_unique<StoreOnDisk>(std::move(options), world.loop.scheduler(), *thread_,
                                        world.log, world.metrics);
}

Storage::~Storage() = default;

Store& Storage::store() {
  if (disk_) return *disk_;
  return memory_;
}

void Storage::close() {
  if (disk_) disk_->close();
}

}  // namespace starling
