// RouterPortMapper: which router protocol is asked when, for which port, and what follows from the
// answer. A machine: it knows the time and a Gateway, no socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "starling/port/entropy.hpp"
#include "starling/port/log.hpp"
#include "starling/port/port_mapper.hpp"
#include "starling/port/scheduler.hpp"

#include "src/portmap/gateway.hpp"

namespace starling {

/// A round asks each protocol in turn, each for the wished port and then for others, until one
/// answer is a mapping. A mapping is renewed at half its lease; a round without success is repeated
/// after a minute, then after two, up to an hour.
class RouterPortMapper final : public PortMapper {
 public:
  /// `protocols`: in the order to be tried. Everything must outlive the mapper.
  RouterPortMapper(std::vector<GatewayProtocol> protocols, Gateway& gateway, Scheduler& scheduler,
                   Entropy& entropy, LogSink& log);
  ~RouterPortMapper() override;
  RouterPortMapper(const RouterPortMapper&) = delete;
  RouterPortMapper& operator=(const RouterPortMapper&) = delete;

  void keep(std::uint16_t port, OnChange on_change) override;
  void refresh() override;
  /// `done` comes within `release_max`.
  void release(std::function<void()> done) override;
  [[nodiscard]] const PortMapping& mapping() const override { return mapping_; }

  /// A router that lives answers in milliseconds; a host under load starts a process in seconds.
  static constexpr auto release_max = std::chrono::seconds{5};

 private:
  /// What a router has promised.
  struct Lease {
    GatewayProtocol protocol;
    std::uint16_t external_port;
    std::string gateway;
    TimePoint ends;
  };

  void ask(GatewayRequest request);
  void begin_round();
  [[nodiscard]] std::uint16_t next_port();
  void ask_next();
  void renew();
  void refresh_now();
  void on_answer(const GatewayRequest& asked, const GatewayAnswer& answer);
  void on_mapped(const GatewayRequest& asked, const GatewayAnswer& answer);
  void on_not_renewed(const GatewayRequest& asked, const GatewayAnswer& answer);
  void on_vain(const GatewayRequest& asked, const GatewayAnswer& answer);
  void end_round();
  void remove_lease();
  void on_answer_while_releasing(const GatewayRequest& asked, const GatewayAnswer& answer);
  void finish_release();
  void wake_in(Duration span, void (RouterPortMapper::*next)());
  void tell(PortMapping now);
  void log_change();

  std::vector<GatewayProtocol> protocols_;
  Gateway& gateway_;
  Scheduler& scheduler_;
  Entropy& entropy_;
  LogSink& log_;

  std::uint16_t port_ = 0;  // 0: none is kept
  OnChange on_change_;
  PortMapping mapping_;
  std::unique_ptr<Lease> lease_;
  bool is_asking_ = false;   // one question at a time
  bool is_doubted_ = false;  // the lease is from a network that may be gone
  bool again_ = false;       // refresh() came while asking
  TimePoint refreshed_at_;
  bool has_refreshed_ = false;

  // Of the round under way.
  std::size_t protocol_ = 0;  // index
  std::size_t ports_tried_ = 0;
  std::string round_gateway_;          // of a router that has answered, if with "no"
  std::vector<std::string> troubles_;  // what routers that answered said
  std::string taken_;                  // why the router does not give the wished port

  Duration pause_;  // after a round in vain
  WakeId wake_;
  WakeId release_wake_;
  std::function<void()> on_released_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

[[nodiscard]] const char* name_of(GatewayProtocol protocol);

}  // namespace starling
