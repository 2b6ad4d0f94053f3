#include "src/auth/authenticator.hpp"

#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

namespace starling {
namespace {

LoginVerdict verdict(LoginVerdict::Kind kind, std::string why = {}) {
  return LoginVerdict{kind, std::move(why)};
}

ExchangeStep refusal(ExchangeStep::Kind kind, std::string why) {
  ExchangeStep step;
  step.kind = kind;
  step.why = std::move(why);
  return step;
}

constexpr const char* too_many_failures = "too many failed logins from this address";

}  // namespace

struct Authenticator::Shared {
  Authenticator* owner;
};

/// One slow hash on its way through the worker: what the other thread reads, and writes `good` to.
struct Authenticator::Job {
  LoginRequest request;
  std::shared_ptr<const PasswordTable> table;  // keeps what it was made of
  PasswordHash hash;
  std::string entry;  // its text; empty: there is no such user, and `hash` is a decoy
  std::uint64_t generation = 0;
  bool good = false;
};

struct Authenticator::Exchange {
  LoginOrigin origin;
  ScramServer server;
};

Authenticator::Authenticator(const Scheduler& scheduler, Worker& worker, Entropy& entropy,
                             OnVerdict on_verdict)
    : scheduler_(scheduler),
      worker_(worker),
      entropy_(entropy),
      on_verdict_(std::move(on_verdict)),
      limiter_(0),
      cache_(entropy),
      shared_(std::make_shared<Shared>(Shared{this})) {
  entropy_.fill(secret_);
}

Authenticator::~Authenticator() {
  shared_->owner = nullptr;
  crypto::wipe(secret_.data(), secret_.size());
}

void Authenticator::configure(std::vector<DoorKeys> doors, std::uint32_t failed_logins_per_minute) {
  former_doors_ = std::exchange(doors_, std::move(doors));
  ++generation_;
  limiter_.set_bound(failed_logins_per_minute);
  cache_.clear();
}

bool Authenticator::was_revoked(std::uint16_t door, std::string_view user) const {
  const DoorKeys& now = doors_.at(door);
  if (now.passwords == nullptr) return !now.allow_anonymous;
  const PasswordTable::Entry* entry = now.passwords->find(user);
  if (entry == nullptr || door >= former_doors_.size()) return entry == nullptr;
  const auto& former = former_doors_[door].passwords;
  const PasswordTable::Entry* before = former == nullptr ? nullptr : former->find(user);
  return before == nullptr || before->text != entry->text;
}

// --- User name and password

std::optional<LoginVerdict> Authenticator::check(const LoginAttempt& attempt, std::string_view user,
                                                 std::optional<ByteView> password) {
  LoginRequest request;
  request.connection = attempt.connection;
  request.door = attempt.door;
  request.origin = login_origin(attempt.peer);
  request.user = std::string(user);
  if (password && !password->empty()) request.password.emplace(*password);
  if (auto known = judge(request)) {
    count(*known);
    return known;
  }
  // While a job is free nobody waits.
  if (running_.size() < limits::logins_checked_max) {
    start(std::move(request));
  } else if (!queue_.push(std::move(request))) {
    ++counters_.busy;
    return verdict(LoginVerdict::Kind::busy, "too many logins wait to be checked");
  }
  return std::nullopt;
}

/// What can be said without a slow hash; nullopt: nothing.
std::optional<LoginVerdict> Authenticator::judge(const LoginRequest& request) {
  const DoorKeys& door = doors_.at(request.door);
  if (door.passwords == nullptr) {
    if (door.allow_anonymous) return verdict(LoginVerdict::Kind::accepted);
    return verdict(LoginVerdict::Kind::refused, "there is no password file");
  }
  const TimePoint now = scheduler_.now();
  if (!limiter_.may_try(request.origin, now))
    return verdict(LoginVerdict::Kind::throttled, too_many_failures);
  if (!request.password || door.passwords->size() == 0) {
    limiter_.on_failure(request.origin, now);
    return verdict(LoginVerdict::Kind::refused,
                   request.password ? "unknown user" : "a user name without a password");
  }
  const PasswordTable::Entry* entry = door.passwords->find(request.user);
  if (entry == nullptr) return std::nullopt;
  const auto print = cache_.fingerprint(request.user, entry->text, request.password->view());
  if (!cache_.knows(print, now)) return std::nullopt;
  ++counters_.cache_hits;
  return verdict(LoginVerdict::Kind::accepted);
}

void Authenticator::start(LoginRequest request) {
  const auto& table = doors_.at(request.door).passwords;
  const PasswordTable::Entry* entry = table->find(request.user);
  // A user that is not there costs what one of the others costs: always the same one.
  const PasswordTable::Entry* cost =
      entry != nullptr ? entry : table->stand_in(stand_in_draw(secret_, request.user));
  auto job = std::make_shared<Job>(
      Job{std::move(request), table, entry != nullptr ? cost->hash : cost->hash.decoy(),
          entry != nullptr ? entry->text : std::string(), generation_});
  running_.insert_or_assign(job->request.connection, true);
  ++counters_.hashes;
  worker_.run([job] { job->good = job->hash.matches(job->request.password->view()); },
              [job, shared = shared_] {
                if (shared->owner != nullptr) shared->owner->on_hashed(*job);
              });
}

void Authenticator::on_hashed(Job& job) {
  const auto running = running_.find(job.request.connection);
  STARLING_CHECK(running != running_.end());
  const bool still_here = running->second;
  running_.erase(running);
  const bool is_current = job.generation == generation_;
  const bool good = job.good && !job.entry.empty();
  if (good && is_current)
    cache_.remember(cache_.fingerprint(job.request.user, job.entry, job.request.password->view()),
                    scheduler_.now());
  if (!good) limiter_.on_failure(job.request.origin, scheduler_.now());
  if (still_here) {
    if (!is_current)
      check_again(std::move(job.request));
    else if (good)
      answer(job.request, verdict(LoginVerdict::Kind::accepted));
    else
      answer(job.request, verdict(LoginVerdict::Kind::refused,
                                  job.entry.empty() ? "unknown user" : "wrong password"));
  }
  serve_queue();
}

/// The passwords were read anew while this one was being checked.
void Authenticator::check_again(LoginRequest request) {
  if (const auto known = judge(request)) return answer(request, *known);
  const ConnectionId connection = request.connection;
  if (queue_.push(std::move(request))) return;
  LoginRequest lost;
  lost.connection = connection;
  answer(lost, verdict(LoginVerdict::Kind::busy, "too many logins wait to be checked"));
}

void Authenticator::serve_queue() {
  while (running_.size() < limits::logins_checked_max) {
    auto request = queue_.pop();
    if (!request) return;
    // Meanwhile its address may have failed too often, or the same credentials been found good.
    if (const auto known = judge(*request))
      answer(*request, *known);
    else
      start(*std::move(request));
  }
}

void Authenticator::answer(const LoginRequest& request, const LoginVerdict& outcome) {
  count(outcome);
  on_verdict_(request.connection, outcome);
}

void Authenticator::count(const LoginVerdict& outcome) {
  switch (outcome.kind) {
    case LoginVerdict::Kind::accepted:
      ++counters_.accepted;
      break;
    case LoginVerdict::Kind::refused:
      ++counters_.refused;
      break;
    case LoginVerdict::Kind::throttled:
      ++counters_.throttled;
      break;
    case LoginVerdict::Kind::busy:
      ++counters_.busy;
      break;
  }
}

void Authenticator::forget(ConnectionId connection) {
  queue_.remove(connection);
  const auto running = running_.find(connection);
  if (running != running_.end()) running->second = false;
  end_exchange(connection);
}

// --- Exchanges

ExchangeStep Authenticator::begin_exchange(const LoginAttempt& attempt, std::string_view method,
                                           ByteView data) {
  using Kind = ExchangeStep::Kind;
  exchanges_.erase(attempt.connection);
  const auto& users = doors_.at(attempt.door).passwords;
  if (method != scram_sha_256 || users == nullptr || !users->has_scram())
    return refusal(Kind::unknown_method, "an authentication method we do not offer");
  const LoginOrigin origin = login_origin(attempt.peer);
  if (!limiter_.may_try(origin, scheduler_.now())) {
    ++counters_.throttled;
    return refusal(Kind::throttled, too_many_failures);
  }
  auto exchange = std::unique_ptr<Exchange>(
      new Exchange{origin, ScramServer(users, secret_, make_scram_nonce(entropy_))});
  Exchange& begun = *exchange;
  exchanges_.emplace(attempt.connection, std::move(exchange));
  return settle(attempt.connection, origin, begun.server.on_message(data));
}

ExchangeStep Authenticator::continue_exchange(ConnectionId connection, ByteView data) {
  const auto found = exchanges_.find(connection);
  if (found == exchanges_.end())
    return refusal(ExchangeStep::Kind::refused, "no exchange was begun");
  Exchange& exchange = *found->second;
  const LoginOrigin origin = exchange.origin;
  // Other exchanges of the same address may have used up its failures.
  if (!limiter_.may_try(origin, scheduler_.now())) {
    exchanges_.erase(found);
    ++counters_.throttled;
    return refusal(ExchangeStep::Kind::throttled, too_many_failures);
  }
  return settle(connection, origin, exchange.server.on_message(data));
}

ExchangeStep Authenticator::settle(ConnectionId connection, const LoginOrigin& origin,
                                   ScramStep step) {
  ExchangeStep out;
  out.data = std::move(step.data);
  out.user = std::move(step.user);
  out.why = std::move(step.why);
  switch (step.kind) {
    case ScramStep::Kind::go_on:
      out.kind = ExchangeStep::Kind::go_on;
      return out;
    case ScramStep::Kind::accepted:
      out.kind = ExchangeStep::Kind::accepted;
      ++counters_.accepted;
      break;
    case ScramStep::Kind::refused:
      out.kind = ExchangeStep::Kind::refused;
      limiter_.on_failure(origin, scheduler_.now());
      ++counters_.refused;
      break;
  }
  exchanges_.erase(connection);
  return out;
}

void Authenticator::end_exchange(ConnectionId connection) {
  exchanges_.erase(connection);
}

}  // namespace starling
