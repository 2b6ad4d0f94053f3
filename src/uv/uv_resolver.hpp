// UvResolver: host names to addresses with getaddrinfo, on threads of its own: a dead name server
// blocks a lookup for half a minute, and must hold up neither the loop, nor the worker pool, nor
// the end of the process.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "starling/port/stream.hpp"

#include "src/uv/uv_inbox.hpp"

namespace starling {

/// At most limits::lookups_running_max at a time, the rest waits in order. A resolver that is
/// destroyed calls nobody any more; its threads end by themselves.
class UvResolver final : public Resolver {
 public:
  /// Runs on a thread of its own and may block.
  using Lookup = std::function<Result<std::vector<Endpoint>>(const HostPort&)>;

  explicit UvResolver(UvLoop& loop);
  /// `lookup`: instead of getaddrinfo.
  UvResolver(UvLoop& loop, Lookup lookup);
  ~UvResolver() override;

  /// Addresses in the order the system prefers them, none twice.
  /// Errors: not_found (no such host), unreachable (no answer in limits::lookup_timeout),
  /// quota_exceeded.
  void resolve(const HostPort& host, OnResolved done) override;

 private:
  struct Job;
  void start_waiting();
  void start(const std::shared_ptr<Job>& job);
  void finish(const std::shared_ptr<Job>& job, Result<std::vector<Endpoint>> result);

  UvLoop& loop_;
  std::shared_ptr<const Lookup> lookup_;
  UvInbox inbox_;
  std::vector<std::shared_ptr<Job>> jobs_;  // all that have not been answered
  std::deque<std::weak_ptr<Job>> waiting_;  // those among them without a thread
  std::size_t threads_ = 0;
};

}  // namespace starling
