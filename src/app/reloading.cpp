#include "src/app/reloading.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "src/app/log_options.hpp"
#include "src/app/restart_needs.hpp"

namespace starling {

void tell_what_was_read(NodeLog& log, const Daemon::Configuration& configuration) {
  if (configuration.file.empty())
    log.info("config_default");
  else
    log.info("config_loaded", {{"file", configuration.file}});
  for (const std::string& notice : configuration.settings.notices)
    log.info("config_notice", {{"what", notice}});
  for (const std::string& warning : configuration.plan.warnings)
    log.warn("config_warning", {{"what", warning}});
  if (configuration.plan.local_only) log.info("local_only");
}

Reloading::Reloading(UvLoop& loop, Parts parts, Daemon::Reread reread)
    : parts_(std::move(parts)),
      reread_(std::move(reread)),
      file_watch_(loop, [this] { on_files_changed(); }) {
  watch_files();
}

void Reloading::reload() {
  NodeLog& log = parts_.log;
  log.info("reloading");
  parts_.systemd.reloading();
  log.reopen();
  std::vector<config::Diagnostic> trouble;
  Daemon::Configuration fresh = reread_(trouble);
  keep_channels(fresh.plan);
  open_channels(fresh.plan, trouble);
  for (const config::Diagnostic& diagnostic : trouble)
    log.error("reload_refused", {{"why", diagnostic.to_text()}});
  if (trouble.empty()) take(std::move(fresh));
  parts_.systemd.ready();
}

void Reloading::take(Daemon::Configuration fresh) {
  NodeLog& log = parts_.log;
  Daemon::Configuration& now = parts_.now;
  try {
    log.configure(log_options(fresh.settings.log));
  } catch (const std::exception& error) {
    log.error("reload_refused", {{"why", error.what()}});
    return;
  }
  for (const std::string& what : needs_restart(now.settings, fresh.settings))
    log.warn("reload_needs_restart", {{"what", what}});
  for (const ListenerPlan& listener : fresh.plan.listeners)
    if (keeps_channels(listener)) tell_reread(listener, listener.channels->reread(*listener.tls));
  parts_.listeners = number_listeners(parts_.listeners, fresh.plan.listeners);
  now = std::move(fresh);
  tell_what_was_read(log, now);
  parts_.node.reload(parts_.node_configuration());
  parts_.system_topics.set_interval(now.settings.sys_interval_s);
  try {
    parts_.clients.open(parts_.listeners);
  } catch (const std::exception& error) {
    log.error("listener_not_opened", {{"why", error.what()}});
  }
  watch_files();
  log.info("reloaded");
}

/// A TLS listener that is known goes on with its tickets, and with its certificates if the new ones
/// cannot be read: its key may have been root's alone. Nothing is read before the whole
/// configuration is known to be good.
void Reloading::keep_channels(Plan& fresh) const {
  for (ListenerPlan& listener : fresh.listeners) {
    if (!listener.tls) continue;
    const auto known = std::ranges::find_if(parts_.listeners, [&](const NumberedListener& other) {
      return other.is_wanted && other.plan.channels && other.plan.place() == listener.place();
    });
    if (known != parts_.listeners.end()) listener.channels = known->plan.channels;
  }
}

bool Reloading::keeps_channels(const ListenerPlan& listener) const {
  return listener.channels != nullptr
         && std::ranges::any_of(parts_.listeners, [&](const NumberedListener& known) {
              return known.plan.channels == listener.channels;
            });
}

void Reloading::tell_reread(const ListenerPlan& listener, const Result<void>& outcome) {
  NodeLog& log = parts_.log;
  if (outcome) {
    log.info("certificates_reread", {{"listener", listener.place()}});
    for (const std::string& warning : listener.channels->warnings())
      log.warn("config_warning", {{"what", warning}});
    return;
  }
  log.error("certificates_not_reread",
            {{"listener", listener.place()}, {"why", outcome.error().what}});
}

void Reloading::watch_files() {
  std::vector<std::string> paths;
  for (const NumberedListener& listener : parts_.listeners)
    if (listener.is_wanted && listener.plan.channels)
      for (const std::string& path : listener.plan.channels->files()) paths.push_back(path);
  file_watch_.set_paths(std::move(paths));
}

/// Certificates were renewed.
void Reloading::on_files_changed() {
  for (const NumberedListener& listener : parts_.listeners) {
    if (!listener.is_wanted || !listener.plan.channels) continue;
    tell_reread(listener.plan, listener.plan.channels->reread());
  }
}

}  // namespace starling
