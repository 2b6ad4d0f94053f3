#include "src/uv/uv_resolver.hpp"

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <system_error>
#include <thread>
#include <utility>

#include "starling/limits.hpp"

#include "src/uv/socket_address.hpp"
#include "src/uv/uv_loop.hpp"
#include "src/uv/uv_scheduler.hpp"

namespace starling {
namespace {

Result<std::vector<Endpoint>> ask_system(const HostPort& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* answers = nullptr;
  const int error = ::getaddrinfo(host.host.c_str(), nullptr, &hints, &answers);
  if (error != 0) {
    const std::string why = error == EAI_SYSTEM ? error_text(errno) : ::gai_strerror(error);
    return Error{error == EAI_NONAME ? Errc::not_found : Errc::unreachable,
                 "cannot resolve " + host.host + ": " + why};
  }
  std::vector<Endpoint> endpoints;
  for (const addrinfo* answer = answers; answer != nullptr; answer = answer->ai_next) {
    if (answer->ai_family != AF_INET && answer->ai_family != AF_INET6) continue;
    Endpoint endpoint = endpoint_of(*answer->ai_addr);
    endpoint.port = host.port;
    if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  }
  ::freeaddrinfo(answers);
  if (endpoints.empty()) return Error{Errc::not_found, "no address is known for " + host.host};
  return endpoints;
}

std::optional<Endpoint> as_literal(const HostPort& host) {
  const bool v6 = host.host.find(':') != std::string::npos;
  auto endpoint = Endpoint::parse((v6 ? "[" + host.host + "]" : host.host) + ":1");
  if (endpoint) endpoint->port = host.port;
  return endpoint;
}

}  // namespace

struct UvResolver::Job {
  HostPort host;
  OnResolved done;
  WakeId timeout;
};

UvResolver::UvResolver(UvLoop& loop) : UvResolver(loop, ask_system) {}

UvResolver::UvResolver(UvLoop& loop, Lookup lookup)
    : loop_(loop), lookup_(std::make_shared<const Lookup>(std::move(lookup))), inbox_(loop) {}

UvResolver::~UvResolver() {
  for (const auto& job : jobs_) loop_.scheduler().cancel(job->timeout);
}

void UvResolver::resolve(const HostPort& host, OnResolved done) {
  const auto answer = [&](Result<std::vector<Endpoint>> result) {
    inbox_.poster().post([done = std::move(done), result = std::move(result)] { done(result); });
  };
  if (const auto literal = as_literal(host)) return answer(std::vector<Endpoint>{*literal});
  if (jobs_.size() >= limits::lookups_running_max + limits::lookups_waiting_max) {
    return answer(Error{Errc::quota_exceeded, "cannot resolve " + host.host + ": "
                                                  + std::to_string(jobs_.size())
                                                  + " lookups are waiting already"});
  }
  auto job = std::make_shared<Job>(Job{host, std::move(done), {}});
  job->timeout = loop_.scheduler().wake_at(
      loop_.now() + limits::lookup_timeout, [this, known = std::weak_ptr<Job>(job)] {
        const auto late = known.lock();
        if (late) {
          finish(late, Error{Errc::unreachable,
                             "cannot resolve " + late->host.host + ": no answer in time"});
        }
      });
  waiting_.emplace_back(job);
  jobs_.push_back(std::move(job));
  start_waiting();
}

void UvResolver::start_waiting() {
  while (threads_ < limits::lookups_running_max && !waiting_.empty()) {
    const auto job =
        waiting_.front().lock();  // null: it has been answered with "no answer in time"
    waiting_.pop_front();
    if (job) start(job);
  }
}

void UvResolver::start(const std::shared_ptr<Job>& job) {
  // The thread holds no Job: what `done` owns must die on the loop's thread.
  auto ask = [this, lookup = lookup_, host = job->host, known = std::weak_ptr<Job>(job),
              poster = inbox_.poster()] {
    auto result = (*lookup)(host);
    poster.post([this, known, result = std::move(result)] {  // runs only while the resolver lives
      --threads_;
      if (const auto waiter = known.lock())
        finish(waiter, result);
      else
        start_waiting();
    });
  };
  ++threads_;
  try {
    std::thread(std::move(ask)).detach();
  } catch (const std::system_error& error) {
    --threads_;
    inbox_.poster().post([this, known = std::weak_ptr<Job>(job), why = std::string(error.what())] {
      const auto waiter = known.lock();
      if (waiter) {
        finish(waiter,
               Error{Errc::unreachable, "cannot resolve " + waiter->host.host + ": " + why});
      }
    });
  }
}

void UvResolver::finish(const std::shared_ptr<Job>& job, Result<std::vector<Endpoint>> result) {
  loop_.scheduler().cancel(job->timeout);
  jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), job), jobs_.end());
  start_waiting();
  job->done(std::move(result));  // last: it may destroy the resolver
}

}  // namespace starling
