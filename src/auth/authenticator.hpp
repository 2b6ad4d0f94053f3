// Authenticator: whether a client is who it says it is. It looks up, remembers and limits on the
// loop, and has the slow hashes computed by the Worker. It knows no files and no packets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/port/scheduler.hpp"
#include "starling/port/worker.hpp"

#include "src/auth/credential_cache.hpp"
#include "src/auth/login_limiter.hpp"
#include "src/auth/login_queue.hpp"
#include "src/auth/password_file.hpp"
#include "src/auth/scram_server.hpp"

namespace starling {

/// Who may come in by one listener. Numbered like the ListenerPolicy of src/broker.
struct DoorKeys {
  std::shared_ptr<const PasswordTable> passwords;  ///< nullptr: no password_file
  /// Also lets anybody in who brings a name, if there is no password_file (as Mosquitto does).
  bool allow_anonymous = false;
};

struct LoginVerdict {
  enum class Kind : std::uint8_t {
    accepted,
    refused,    ///< not authorised (CONNACK 5, 0x87)
    throttled,  ///< its address failed too often (CONNACK 3, 0x9F)
    busy,       ///< too many wait to be checked (CONNACK 3, 0x89)
  };
  Kind kind = Kind::refused;
  std::string why;  ///< for the log, when not accepted; never for the client
};

/// One step of an exchange of messages (MQTT5 4.12).
struct ExchangeStep {
  enum class Kind : std::uint8_t {
    go_on,
    accepted,
    refused,         ///< not authorised (0x87)
    throttled,       ///< its address failed too often (0x9F)
    unknown_method,  ///< not offered at this door (0x8C)
  };
  Kind kind = Kind::refused;
  Bytes data = {};        ///< Authentication Data for the client
  std::string user = {};  ///< accepted: who it is
  std::string why = {};   ///< not accepted: for the log
};

/// What a client brings. Views are good during the call.
struct LoginAttempt {
  ConnectionId connection;
  std::uint16_t door = 0;  ///< index into the DoorKeys
  Endpoint peer;           ///< behind a proxy: whom the proxy named
};

/// Counted since the start, for the metrics.
struct LoginCounters {
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
  std::int64_t throttled = 0;
  std::int64_t busy = 0;
  std::int64_t cache_hits = 0;  ///< of those accepted
  std::int64_t hashes = 0;      ///< computed by the worker
};

class Authenticator {
 public:
  /// The verdict of a check() that did not answer at once. Never called from inside check().
  using OnVerdict = std::function<void(ConnectionId, const LoginVerdict&)>;

  /// All outlive it; the worker's jobs that are still running when it goes are forgotten.
  Authenticator(const Scheduler& scheduler, Worker& worker, Entropy& entropy, OnVerdict on_verdict);
  ~Authenticator();

  /// What the configuration says, also after a reload: credentials found good before are checked
  /// anew from here on, and checks under way are judged by the new keys. Exchanges under way go on
  /// with the old ones. `failed_logins_per_minute`: per address; 0: no bound.
  void configure(std::vector<DoorKeys> doors, std::uint32_t failed_logins_per_minute);
  /// The last configure() took this user's entry away, changed it, or added a password file that
  /// does not name him: who came in by the old one has no right to be here any more.
  [[nodiscard]] bool was_revoked(std::uint16_t door, std::string_view user) const;

  /// Are user and password good? Ask only for clients that bring a user name (an empty one is none,
  /// as with Mosquitto). nullopt: OnVerdict follows. At most one check per connection at a time.
  std::optional<LoginVerdict> check(const LoginAttempt& attempt, std::string_view user,
                                    std::optional<ByteView> password);

  /// Begins an exchange with the client's first message. At most one per connection at a time.
  ExchangeStep begin_exchange(const LoginAttempt& attempt, std::string_view method, ByteView data);
  ExchangeStep continue_exchange(ConnectionId connection, ByteView data);
  /// Gives it up, if there is one.
  void end_exchange(ConnectionId connection);

  /// The connection has gone: no verdict for it follows. What its failure costs its address is
  /// counted all the same.
  void forget(ConnectionId connection);

  [[nodiscard]] const LoginCounters& counters() const { return counters_; }

 private:
  struct Shared;  // what jobs on their way back look at: is the Authenticator still there?
  struct Job;
  struct Exchange;

  std::optional<LoginVerdict> judge(const LoginRequest& request);
  void start(LoginRequest request);
  void on_hashed(Job& job);
  void check_again(LoginRequest request);
  void serve_queue();
  void answer(const LoginRequest& request, const LoginVerdict& outcome);
  void count(const LoginVerdict& outcome);
  ExchangeStep settle(ConnectionId connection, const LoginOrigin& origin, ScramStep step);

  const Scheduler& scheduler_;
  Worker& worker_;
  Entropy& entropy_;
  OnVerdict on_verdict_;
  crypto::Key secret_;  // of this process: what names that do not exist are given
  std::vector<DoorKeys> doors_;
  std::vector<DoorKeys> former_doors_;
  std::uint64_t generation_ = 0;  // of doors_
  LoginLimiter limiter_;
  CredentialCache cache_;
  LoginQueue queue_;
  std::map<ConnectionId, bool> running_;  // of the jobs under way; false: it has gone meanwhile
  std::unordered_map<ConnectionId, std::unique_ptr<Exchange>> exchanges_;
  std::shared_ptr<Shared> shared_;
  LoginCounters counters_;
};

}  // namespace starling
