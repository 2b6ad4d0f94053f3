#include "src/bench/stage.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "src/bench/client.hpp"

namespace starling::bench {
namespace {

constexpr auto second = std::chrono::seconds(1);

Target prepare_target(const HostPort& at, const Options& options) {
  Target target = find_target(at);
  if (!options.tls) return target;
  TlsClientSettings settings;
  settings.server_name = at.host;
  settings.ca_file = options.ca_file;
  settings.verify = !options.insecure;
  settings.certificate_file = options.certificate_file;
  settings.key_file = options.key_file;
  target.tls = std::make_shared<TlsClientChannels>(settings);
  return target;
}

}  // namespace

Stage::Stage(const Options& options)
    : options_(options),
      meter_(options.pids),
      publish_at_(prepare_target(options.publish_at, options)),
      subscribe_at_(options.subscribe_at.to_text() == options.publish_at.to_text()
                        ? publish_at_
                        : prepare_target(options.subscribe_at, options)),
      start_(poller_.refresh_now()),
      next_second_(start_ + second),
      shows_line_(!options.quiet && ::isatty(STDERR_FILENO) != 0
                  && std::getenv("NO_COLOR") == nullptr) {}

void Stage::turn(TimePoint until) {
  poller_.turn(std::min(until, next_second_));
  if (now() >= next_second_) every_second();
}

void Stage::every_second() {
  next_second_ = now() + second;
  for (Client* client : clients_) client->on_second();
  meter_.look_between();
  if (shows_line_ && line_) std::fprintf(stderr, "\r\033[K%s", line_().c_str());
}

void Stage::clear_line() {
  if (shows_line_) std::fputs("\r\033[K", stderr);
}

void Stage::fail(Trouble trouble) {
  if (!trouble_) trouble_ = std::move(trouble);
}

void Stage::add(Client& client) {
  client.place_ = clients_.size();
  clients_.push_back(&client);
}

void Stage::remove(Client& client) {
  clients_[client.place_] = clients_.back();
  clients_[client.place_]->place_ = client.place_;
  clients_.pop_back();
}

}  // namespace starling::bench
