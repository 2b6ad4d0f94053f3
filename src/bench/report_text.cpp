// The report for people: what was asked in one line, then a line for each thing that was found.
#include <cstdarg>
#include <cstdio>

#include "src/bench/report.hpp"

namespace starling::bench {
namespace {

/// A line as printf makes it.
[[gnu::format(printf, 2, 3)]] void say(std::string& out, const char* format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof(line), format, values);
  va_end(values);
  out += line;
  out += '\n';
}

/// 1234567 -> "1 234 567".
std::string grouped(double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.0f", value);
  const std::string all = digits;
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && (all.size() - i) % 3 == 0) text += ' ';
    text += all[i];
  }
  return text;
}
std::string grouped(std::uint64_t value) {
  return grouped(static_cast<double>(value));
}

std::string micros(std::uint64_t ns) {
  char text[32];
  const double us = static_cast<double>(ns) / 1e3;
  std::snprintf(text, sizeof(text),
                us < 1'000 ? "%.1f us"
                : us < 1e6 ? "%.2f ms"
                           : "%.2f s",
                us < 1'000 ? us
                : us < 1e6 ? us / 1e3
                           : us / 1e6);
  return text;
}

void say_asked(std::string& out, const Options& options) {
  std::string line = std::string(to_text(options.load)) + " at " + options.publish_at.to_text();
  if (options.subscribe_at.to_text() != options.publish_at.to_text())
    line += " -> " + options.subscribe_at.to_text();
  line += options.protocol == mqtt::ProtocolVersion::v5 ? ", MQTT 5" : ", MQTT 3.1.1";
  if (options.tls) line += " over TLS";
  line += ", " + std::to_string(options.clients) + " clients";
  if (options.load != Load::connections && options.load != Load::tls_handshakes) {
    line += ", QoS " + std::to_string(static_cast<unsigned>(options.qos)) + ", "
            + std::to_string(options.size) + " B";
    if (options.rate > 0)
      line += ", " + grouped(options.rate) + " messages/s due";
    else
      line += ", window " + std::to_string(options.window);
    if (options.topics > 1) line += ", " + std::to_string(options.topics) + " topics each";
  }
  say(out, "%s", line.c_str());
}

void say_messages(std::string& out, const Options& options, const Report& report) {
  if (const auto& measured = report.measured) {
    const double megabytes = static_cast<double>(options.size) / 1e6;
    say(out, "sent         %s messages in %.2f s: %s/s, %.1f MB/s", grouped(measured->sent).c_str(),
        measured->seconds, grouped(measured->per_s(measured->sent)).c_str(),
        measured->per_s(measured->sent) * megabytes);
    if (report.messages && report.messages->expected > 0)
      say(out, "delivered    %s messages: %s/s, %.1f MB/s", grouped(measured->delivered).c_str(),
          grouped(measured->per_s(measured->delivered)).c_str(),
          measured->per_s(measured->delivered) * megabytes);
    else if (options.qos != QoS::at_most_once)
      say(out, "acknowledged %s messages: %s/s", grouped(measured->acknowledged).c_str(),
          grouped(measured->per_s(measured->acknowledged)).c_str());
  }
  if (const auto& messages = report.messages; messages && messages->expected > 0)
    say(out, "whole run    %s of %s delivered, %s lost, %s duplicated, %s reordered",
        grouped(messages->delivered).c_str(), grouped(messages->expected).c_str(),
        grouped(messages->lost()).c_str(), grouped(messages->duplicated).c_str(),
        grouped(messages->reordered).c_str());
  if (report.messages && report.messages->foreign > 0)
    say(out, "foreign      %s messages of somebody else (another run on this --topic?)",
        grouped(report.messages->foreign).c_str());
}

void say_special(std::string& out, const Options& options, const Report& report) {
  const auto rate = [](std::uint64_t count, double seconds) {
    return grouped(seconds > 0 ? static_cast<double>(count) / seconds : 0);
  };
  if (const auto& made = report.connections; made && options.load == Load::connections)
    say(out, "connected    %s clients in %.2f s: %s/s", grouped(made->made).c_str(), made->seconds,
        rate(made->made, made->seconds).c_str());
  if (const auto& shaken = report.handshakes)
    say(out, "handshakes   %s in %.2f s: %s/s, %s of them resumed", grouped(shaken->made).c_str(),
        shaken->seconds, rate(shaken->made, shaken->seconds).c_str(),
        grouped(shaken->resumed).c_str());
  if (const auto& retained = report.retained) {
    say(out, "published    %s retained messages in %.2f s: %s/s",
        grouped(retained->published).c_str(), retained->publish_s,
        rate(retained->published, retained->publish_s).c_str());
    say(out,
        "received     %s by a new subscriber: the first after %.1f ms, the last after %.1f ms, "
        "%s/s",
        grouped(retained->received).c_str(), retained->first_s * 1e3, retained->last_s * 1e3,
        rate(retained->received, retained->last_s).c_str());
  }
  if (const auto& offline = report.offline) {
    say(out, "queued       %s messages for %s sessions that were away, in %.2f s: %s/s",
        grouped(offline->queued).c_str(), grouped(offline->sessions).c_str(), offline->queue_s,
        rate(offline->queued, offline->queue_s).c_str());
    say(out, "drained      %s messages in %.1f ms from CONNECT to the last: %s/s",
        grouped(offline->drained).c_str(), offline->drain_s * 1e3,
        rate(offline->drained, offline->drain_s).c_str());
  }
  if (const auto& filters = report.filters)
    say(out, "filters      %s subscribed in %.2f s: %s/s", grouped(filters->count).c_str(),
        filters->seconds, rate(filters->count, filters->seconds).c_str());
}

void say_processes(std::string& out, const Report& report) {
  constexpr double mib = 1U << 20U;
  for (const ProcessUsage& process : report.processes)
    say(out, "pid %-8u %s: %.3f CPU-s, RSS %.1f -> %.1f MiB (peak %.1f), PSS %.1f -> %.1f MiB",
        process.pid, process.name.c_str(), process.cpu_s(),
        static_cast<double>(process.before.rss) / mib, static_cast<double>(process.after.rss) / mib,
        static_cast<double>(process.rss_peak) / mib, static_cast<double>(process.before.pss) / mib,
        static_cast<double>(process.after.pss) / mib);
  if (!report.processes.empty() && report.work > 0)
    say(out, "per CPU-s    %s %s per CPU-second of the broker%s",
        grouped(report.work_per_cpu_s()).c_str(), report.work_of.c_str(),
        report.processes.size() > 1 ? "s together" : "");
  if (report.memory && !report.processes.empty())
    say(out, "memory       %.0f bytes per %s (%s of them)", report.memory->bytes_each(),
        report.memory->per.c_str(), grouped(report.memory->count).c_str());
}

}  // namespace

std::string to_text(const Options& options, const Report& report) {
  std::string out;
  say_asked(out, options);
  say_messages(out, options, report);
  say_special(out, options, report);
  if (report.latency.count() > 0)
    say(out, "latency      min %s, p50 %s, p90 %s, p99 %s, p99.9 %s, max %s (%s)",
        micros(report.latency.min()).c_str(), micros(report.latency.at(0.5)).c_str(),
        micros(report.latency.at(0.9)).c_str(), micros(report.latency.at(0.99)).c_str(),
        micros(report.latency.at(0.999)).c_str(), micros(report.latency.max()).c_str(),
        report.latency_of.c_str());
  say_processes(out, report);
  if (report.own_share() > 0.9)
    say(out,
        "note         the load generator itself was busy for %.0f %% of the time: it may be what "
        "limits",
        report.own_share() * 100);
  if (report.interrupted) say(out, "interrupted: this is what there was until then");
  return out;
}

}  // namespace starling::bench
