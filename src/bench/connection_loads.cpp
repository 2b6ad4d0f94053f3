#include "src/bench/connection_loads.hpp"

#include <memory>

#include "src/bench/client.hpp"

namespace starling::bench {
namespace {

using Seconds = std::chrono::duration<double>;

Duration span(double seconds) {
  return std::chrono::duration_cast<Duration>(Seconds(seconds));
}

std::vector<std::unique_ptr<Client>> make_clients(Stage& stage) {
  const std::uint32_t count = stage.options().clients;
  reserve_descriptors(count);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint32_t i = 0; i < count; ++i)
    clients.push_back(std::make_unique<Client>(stage, stage.publish_at(), "c" + std::to_string(i)));
  return clients;
}

void wait_until(Stage& stage, TimePoint end) {
  while (stage.now() < end && !stage.should_end()) stage.turn(end);
}

/// One client of tls-handshakes.
class HandshakeRound {
 public:
  explicit HandshakeRound(Client& client) : client_(client) {}

  void begin() { client_.start(ticket_); }
  [[nodiscard]] bool is_over() const { return client_.is_ready(); }
  /// Counts what is over, and begins anew.
  void go_on(bool resumes, bool counts, Report& report) {
    if (counts) {
      ++report.handshakes->made;
      if (client_.connection()->resumed()) ++report.handshakes->resumed;
      report.latency.record(client_.connect_time().count());
    }
    if (resumes) ticket_ = client_.connection()->session_ticket();
    client_.leave();
    begin();
  }

 private:
  Client& client_;
  Bytes ticket_;
};

}  // namespace

void run_connections(Stage& stage, Report& report) {
  const Options& options = stage.options();
  const auto clients = make_clients(stage);
  std::vector<Client*> all;
  for (const auto& client : clients) all.push_back(client.get());
  report.connections.emplace();
  report.latency_of = "connect to CONNACK";
  Report::Connections& made = *report.connections;
  stage.show([&made, count = all.size()] {
    return "connected " + std::to_string(made.made) + " of " + std::to_string(count);
  });
  const std::uint64_t before = stage.meter().memory_now();
  stage.meter().begin();
  const TimePoint began = stage.poller().refresh_now();
  open_all(stage, all, options.rate > 0 ? options.clients : options.connecting, options.rate,
           [&](Client& client) {
             ++made.made;
             report.latency.record(client.connect_time().count());
           });
  made.seconds = Seconds(stage.now() - began).count();
  stage.meter().finish();
  report.work = made.made;
  report.work_of = "connections";
  wait_until(stage, stage.poller().refresh_now() + span(options.hold_s));
  if (!stage.meter().empty())
    report.memory = {"connection", made.made, before, stage.meter().memory_now()};
  stage.show(nullptr);
  for (Client* client : all) client->leave();
}

void run_tls_handshakes(Stage& stage, Report& report) {
  const Options& options = stage.options();
  const auto clients = make_clients(stage);
  std::vector<HandshakeRound> rounds;
  for (const auto& client : clients) rounds.emplace_back(*client);
  report.handshakes.emplace();
  report.latency_of = "connect to CONNACK";
  stage.show([&report] { return std::to_string(report.handshakes->made) + " handshakes"; });
  for (HandshakeRound& round : rounds) round.begin();

  const auto go_on_until = [&](TimePoint end, bool counts) {
    while (stage.now() < end && !stage.should_end()) {
      stage.turn(end);
      for (HandshakeRound& round : rounds) {
        if (stage.should_end()) break;
        if (round.is_over()) round.go_on(options.resume, counts, report);
      }
    }
  };
  go_on_until(stage.poller().refresh_now() + span(*options.warmup_s), false);
  stage.meter().begin();
  const TimePoint began = stage.poller().refresh_now();
  go_on_until(began + span(options.seconds), true);
  stage.meter().finish();
  report.handshakes->seconds = Seconds(stage.now() - began).count();
  report.work = report.handshakes->made;
  report.work_of = "handshakes";
  stage.show(nullptr);
  if (options.resume && report.handshakes->made > 0 && report.handshakes->resumed == 0)
    stage.fail(
        {ExitStatus::failed,
         stage.publish_at().name + " resumes no session: it gives no tickets, or takes none"});
}

}  // namespace starling::bench
