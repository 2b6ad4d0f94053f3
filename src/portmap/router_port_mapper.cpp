#include "src/portmap/router_port_mapper.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds lease_wished = 1h;  // a mapping nobody renews is gone soon
constexpr Duration renewal_min = 30s;    // however short the lease: routers are slow machines
constexpr Duration renewal_retry = 60s;  // while the lease still runs
constexpr Duration round_pause_min = 60s;
constexpr Duration round_pause_max = 1h;
constexpr Duration refresh_pause = 5s;      // between two refreshes
constexpr std::size_t ports_tried_max = 5;  // of one router
constexpr std::uint16_t random_port_first = 20'000;
constexpr std::uint16_t random_port_behind = 32'000;  // above are the ports of outgoing connections

std::string text_of(std::uint16_t port) {
  return std::to_string(port);
}

std::string protocols_text(const std::vector<GatewayProtocol>& protocols) {
  std::string text;
  for (const GatewayProtocol protocol : protocols)
    text += (text.empty() ? "" : " or ") + std::string(name_of(protocol));
  return text;
}

}  // namespace

const char* name_of(GatewayProtocol protocol) {
  return protocol == GatewayProtocol::nat_pmp ? "NAT-PMP" : "UPnP";
}

RouterPortMapper::RouterPortMapper(std::vector<GatewayProtocol> protocols, Gateway& gateway,
                                   Scheduler& scheduler, Entropy& entropy, LogSink& log)
    : protocols_(std::move(protocols)),
      gateway_(gateway),
      scheduler_(scheduler),
      entropy_(entropy),
      log_(log),
      pause_(round_pause_min) {
  STARLING_CHECK(!protocols_.empty());
}

RouterPortMapper::~RouterPortMapper() {
  *alive_ = false;
  scheduler_.cancel(wake_);
  scheduler_.cancel(release_wake_);
}

void RouterPortMapper::keep(std::uint16_t port, OnChange on_change) {
  STARLING_CHECK(port != 0 && !on_released_);
  port_ = port;
  on_change_ = std::move(on_change);
  lease_.reset();
  mapping_ = {};
  mapping_.state = PortMapping::State::asking;
  pause_ = round_pause_min;
  if (is_asking_) {
    again_ = true;
  } else {
    begin_round();
  }
}

void RouterPortMapper::refresh() {
  if (port_ == 0 || on_released_) return;
  const TimePoint now = scheduler_.now();
  const TimePoint soon = has_refreshed_ ? std::max(now, refreshed_at_ + refresh_pause) : now;
  wake_in(soon - now, &RouterPortMapper::refresh_now);
}

void RouterPortMapper::refresh_now() {
  if (is_asking_) {
    again_ = true;
    return;
  }
  has_refreshed_ = true;
  refreshed_at_ = scheduler_.now();
  pause_ = round_pause_min;
  is_doubted_ = lease_ != nullptr;
  if (lease_) {
    lease_->gateway.clear();
    renew();
  } else {
    begin_round();
  }
}

// --- Questions

void RouterPortMapper::ask(GatewayRequest request) {
  STARLING_CHECK(!is_asking_);
  is_asking_ = true;
  request.internal_port = port_;
  gateway_.ask(request, [this, request, alive = alive_](const GatewayAnswer& answer) {
    if (*alive) on_answer(request, answer);
  });
}

void RouterPortMapper::begin_round() {
  protocol_ = 0;
  ports_tried_ = 0;
  round_gateway_.clear();
  troubles_.clear();
  taken_.clear();
  ask_next();
}

/// The wished port, its neighbours (a second node of the house will have the wished one), then any.
std::uint16_t RouterPortMapper::next_port() {
  constexpr std::size_t neighbours = 2;
  if (ports_tried_ <= neighbours && port_ + ports_tried_ <= 0xFFFF)
    return static_cast<std::uint16_t>(port_ + ports_tried_);
  return static_cast<std::uint16_t>(random_port_first
                                    + entropy_.below(random_port_behind - random_port_first));
}

void RouterPortMapper::ask_next() {
  if (protocol_ >= protocols_.size()) return end_round();
  GatewayRequest request;
  request.protocol = protocols_[protocol_];
  request.external_port = next_port();
  request.lease = lease_wished;
  request.gateway = round_gateway_;
  ask(std::move(request));
}

void RouterPortMapper::renew() {
  GatewayRequest request;
  request.protocol = lease_->protocol;
  request.external_port = lease_->external_port;
  request.lease = lease_wished;
  request.gateway = lease_->gateway;
  ask(std::move(request));
}

// --- Answers

void RouterPortMapper::on_answer(const GatewayRequest& asked, const GatewayAnswer& answer) {
  using Outcome = GatewayAnswer::Outcome;
  is_asking_ = false;
  if (on_released_) return on_answer_while_releasing(asked, answer);
  const bool again = std::exchange(again_, false);
  if (answer.outcome == Outcome::mapped) {
    on_mapped(asked, answer);
    if (again) refresh_now();
  } else if (again) {
    refresh_now();
  } else if (lease_) {
    on_not_renewed(asked, answer);
  } else if (answer.outcome == Outcome::conflict && ++ports_tried_ < ports_tried_max) {
    if (taken_.empty()) taken_ = answer.why;
    round_gateway_ = answer.gateway;
    ask_next();
  } else {
    on_vain(asked, answer);
  }
}

void RouterPortMapper::on_mapped(const GatewayRequest& asked, const GatewayAnswer& answer) {
  const Duration granted =
      answer.lease == 0s ? lease_wished : std::clamp(answer.lease, 1s, lease_wished);
  lease_ = std::make_unique<Lease>(
      Lease{asked.protocol, answer.external.port, answer.gateway, scheduler_.now() + granted});
  is_doubted_ = false;
  pause_ = round_pause_min;
  wake_in(std::max<Duration>(granted / 2, renewal_min), &RouterPortMapper::renew);

  PortMapping now;
  now.external = answer.external;
  now.by = std::string(name_of(asked.protocol)) + " on " + answer.router;
  if (answer.external.is_global()) {
    now.state = PortMapping::State::mapped;
    // A renewal says nothing about why it is this port: what was known stays.
    if (answer.external.port != port_)
      now.why = taken_.empty() ? mapping_.why : "port " + text_of(port_) + " is taken: " + taken_;
  } else {
    now.state = PortMapping::State::not_public;
    now.why = (answer.external.is_unspecified()
                   ? "the router does not know its own public address"
                   : "the router's own address " + answer.external.address_text()
                         + " is not public: the provider translates addresses once more")
              + std::string(
                  ", so the mapped port cannot be dialled from the Internet. The mapping is kept, "
                  "since it is one obstacle less for peers that meet this node by other ways, but "
                  "it is not announced");
  }
  tell(std::move(now));
}

/// While the lease runs the router may come back to its senses.
void RouterPortMapper::on_not_renewed(const GatewayRequest& asked, const GatewayAnswer& answer) {
  using Outcome = GatewayAnswer::Outcome;
  const bool no_answer = answer.outcome == Outcome::silent || answer.outcome == Outcome::failed;
  if (!is_doubted_ && no_answer && !asked.gateway.empty()) {
    lease_->gateway.clear();  // a router that has started again is found elsewhere
    return renew();
  }
  const Duration left = lease_->ends - scheduler_.now();
  if (!is_doubted_ && answer.outcome != Outcome::conflict && left > 0s)
    return wake_in(std::min(renewal_retry, left), &RouterPortMapper::renew);
  lease_.reset();
  is_doubted_ = false;
  PortMapping lost;
  lost.state = PortMapping::State::asking;
  lost.why = answer.outcome == Outcome::silent
                 ? "the router that had mapped it does not answer any more"
                 : "the router does not renew it: " + answer.why;
  tell(std::move(lost));
  begin_round();
}

/// This protocol leads to nothing.
void RouterPortMapper::on_vain(const GatewayRequest& asked, const GatewayAnswer& answer) {
  using Outcome = GatewayAnswer::Outcome;
  if (answer.outcome != Outcome::silent) {
    const std::string who =
        name_of(asked.protocol) + (answer.router.empty() ? "" : " on " + answer.router) + " says: ";
    troubles_.push_back(
        who + (answer.outcome == Outcome::conflict && !taken_.empty() ? taken_ : answer.why));
  }
  ++protocol_;
  ports_tried_ = 0;
  round_gateway_.clear();
  taken_.clear();
  ask_next();
}

void RouterPortMapper::end_round() {
  PortMapping now;
  for (const std::string& trouble : troubles_) now.why += (now.why.empty() ? "" : "; ") + trouble;
  now.state = troubles_.empty() ? PortMapping::State::no_router : PortMapping::State::refused;
  if (troubles_.empty()) now.why = "no router answers to " + protocols_text(protocols_);
  now.why += ". Peers outside can dial this node only if port " + text_of(port_)
             + " (TCP and UDP) is forwarded to it in the router by hand, or if the router is "
               "allowed to map ports by itself";
  wake_in(pause_, &RouterPortMapper::begin_round);
  pause_ = std::min(pause_ * 2, round_pause_max);
  tell(std::move(now));
}

// --- The end

void RouterPortMapper::release(std::function<void()> done) {
  STARLING_CHECK(!on_released_);
  on_released_ = std::move(done);
  scheduler_.cancel(wake_);
  const bool nothing = port_ == 0 || (!lease_ && !is_asking_);
  const TimePoint latest = scheduler_.now() + (nothing ? Duration{} : Duration{release_max});
  release_wake_ = scheduler_.wake_at(latest, [this] {
    if (lease_) {
      log_.warn("port_mapping_left",
                {{"external", mapping_.external.to_text()},
                 {"text",
                  "the router has not answered in time; it forgets the mapping by itself, "
                  "at the latest in an hour"}});
    }
    finish_release();
  });
  if (lease_ && !is_asking_) remove_lease();
}

void RouterPortMapper::remove_lease() {
  GatewayRequest request;
  request.verb = GatewayRequest::Verb::remove;
  request.protocol = lease_->protocol;
  request.external_port = lease_->external_port;
  request.gateway = lease_->gateway;
  ask(std::move(request));
}

void RouterPortMapper::on_answer_while_releasing(const GatewayRequest& asked,
                                                 const GatewayAnswer& answer) {
  using Outcome = GatewayAnswer::Outcome;
  if (asked.verb == GatewayRequest::Verb::remove) {
    if (answer.outcome == Outcome::removed) {
      log_.info("port_unmapped", {{"external", mapping_.external.to_text()}, {"by", mapping_.by}});
    } else {
      log_.warn("port_mapping_left",
                {{"external", mapping_.external.to_text()}, {"text", answer.why}});
    }
    lease_.reset();
    return finish_release();
  }
  // The question that was under way when the end came.
  if (answer.outcome == Outcome::mapped) {
    mapping_.external = answer.external;
    lease_ = std::make_unique<Lease>(
        Lease{asked.protocol, answer.external.port, answer.gateway, scheduler_.now()});
  }
  if (lease_) return remove_lease();
  finish_release();
}

void RouterPortMapper::finish_release() {
  scheduler_.cancel(std::exchange(release_wake_, {}));
  if (!on_released_) return;
  port_ = 0;
  lease_.reset();
  mapping_ = {};
  *std::exchange(alive_, std::make_shared<bool>(true)) = false;  // an answer that is still to come
  is_asking_ = false;
  const auto done = std::exchange(on_released_, nullptr);
  done();  // last: it may destroy us
}

// --- What others hear

void RouterPortMapper::wake_in(Duration span, void (RouterPortMapper::*next)()) {
  scheduler_.cancel(wake_);
  wake_ = scheduler_.wake_at(scheduler_.now() + span, [this, next] {
    wake_ = {};
    (this->*next)();
  });
}

void RouterPortMapper::tell(PortMapping now) {
  if (now == mapping_) return;
  mapping_ = std::move(now);
  log_change();
  const auto on_change = on_change_;
  if (on_change) on_change(mapping_);
}

void RouterPortMapper::log_change() {
  const std::string port = text_of(port_);
  switch (mapping_.state) {
    case PortMapping::State::mapped:
      if (mapping_.why.empty()) {
        return log_.info(
            "port_mapped",
            {{"external", mapping_.external.to_text()}, {"port", port}, {"by", mapping_.by}});
      }
      return log_.info("port_mapped", {{"external", mapping_.external.to_text()},
                                       {"port", port},
                                       {"by", mapping_.by},
                                       {"text", mapping_.why}});
    case PortMapping::State::not_public:
      return log_.warn("port_mapped_in_vain", {{"external", mapping_.external.to_text()},
                                               {"port", port},
                                               {"by", mapping_.by},
                                               {"text", mapping_.why}});
    case PortMapping::State::refused:
      return log_.warn("port_not_mapped", {{"port", port}, {"text", mapping_.why}});
    case PortMapping::State::no_router:
      return log_.info("port_not_mapped", {{"port", port}, {"text", mapping_.why}});
    case PortMapping::State::asking:
      return log_.warn("port_mapping_lost", {{"port", port}, {"text", mapping_.why}});
    case PortMapping::State::off:
      return;
  }
}

}  // namespace starling
