// The report as JSON. tests/unit/bench/test_report.cpp holds the names against change.
#include "starling/version.hpp"

#include "src/bench/json_writer.hpp"
#include "src/bench/report.hpp"

namespace starling::bench {
namespace {

constexpr double per_us = 1e3;  // nanoseconds

void put_asked(JsonWriter& out, const Options& options) {
  out.open("asked");
  out.put("publish_at", options.publish_at.to_text());
  out.put("subscribe_at", options.subscribe_at.to_text());
  out.put("protocol", options.protocol == mqtt::ProtocolVersion::v5 ? "5" : "3.1.1");
  out.put("tls", options.tls);
  out.put("resume", options.resume);
  out.put("clients", options.clients);
  out.put("topics", options.topics);
  out.put("publishers", options.publishers);
  out.put("qos", static_cast<std::uint32_t>(options.qos));
  out.put("size", options.size);
  out.put("seconds", options.seconds);
  out.put("warmup_s", options.warmup_s.value_or(0));
  out.put("messages", options.messages);
  out.put("window", options.window);
  out.put("rate", options.rate);
  out.put("filters", options.filters);
  out.put("connecting", options.connecting);
  out.put("hold_s", options.hold_s);
  out.put("topic", options.topic);
  out.close();
}

void put_messages(JsonWriter& out, const Report::Messages& messages) {
  out.open("messages");
  out.put("sent", messages.sent);
  out.put("acknowledged", messages.acknowledged);
  out.put("expected", messages.expected);
  out.put("delivered", messages.delivered);
  out.put("lost", messages.lost());
  out.put("duplicated", messages.duplicated);
  out.put("reordered", messages.reordered);
  out.put("foreign", messages.foreign);
  out.close();
}

void put_measured(JsonWriter& out, const Report::Measured& measured, std::uint64_t size) {
  const double megabytes = static_cast<double>(size) / 1e6;
  out.open("measured");
  out.put("seconds", measured.seconds);
  out.put("sent", measured.sent);
  out.put("acknowledged", measured.acknowledged);
  out.put("delivered", measured.delivered);
  out.put("sent_per_s", measured.per_s(measured.sent));
  out.put("acknowledged_per_s", measured.per_s(measured.acknowledged));
  out.put("delivered_per_s", measured.per_s(measured.delivered));
  out.put("sent_mb_per_s", measured.per_s(measured.sent) * megabytes);
  out.put("delivered_mb_per_s", measured.per_s(measured.delivered) * megabytes);
  out.close();
}

void put_latency(JsonWriter& out, const Report& report) {
  const Histogram& latency = report.latency;
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / per_us; };
  out.open("latency_us");
  out.put("of", report.latency_of);
  out.put("count", latency.count());
  out.put("min", us(latency.min()));
  out.put("mean", latency.mean() / per_us);
  out.put("p50", us(latency.at(0.5)));
  out.put("p90", us(latency.at(0.9)));
  out.put("p99", us(latency.at(0.99)));
  out.put("p99_9", us(latency.at(0.999)));
  out.put("max", us(latency.max()));
  out.close();
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

void put_special(JsonWriter& out, const Report& report) {
  if (const auto& made = report.connections) {
    out.open("connections");
    out.put("made", made->made);
    out.put("seconds", made->seconds);
    out.put("per_s", per_second(made->made, made->seconds));
    out.close();
  }
  if (const auto& shaken = report.handshakes) {
    out.open("handshakes");
    out.put("made", shaken->made);
    out.put("resumed", shaken->resumed);
    out.put("seconds", shaken->seconds);
    out.put("per_s", per_second(shaken->made, shaken->seconds));
    out.close();
  }
  if (const auto& retained = report.retained) {
    out.open("retained");
    out.put("published", retained->published);
    out.put("publish_s", retained->publish_s);
    out.put("publish_per_s", per_second(retained->published, retained->publish_s));
    out.put("received", retained->received);
    out.put("first_ms", retained->first_s * 1e3);
    out.put("last_ms", retained->last_s * 1e3);
    out.put("per_s", per_second(retained->received, retained->last_s));
    out.close();
  }
  if (const auto& offline = report.offline) {
    out.open("offline");
    out.put("sessions", offline->sessions);
    out.put("queued", offline->queued);
    out.put("queue_s", offline->queue_s);
    out.put("queue_per_s", per_second(offline->queued, offline->queue_s));
    out.put("queue_cpu_s", offline->queue_cpu_s);
    out.put("drained", offline->drained);
    out.put("drain_ms", offline->drain_s * 1e3);
    out.put("drain_per_s", per_second(offline->drained, offline->drain_s));
    out.close();
  }
  if (const auto& filters = report.filters) {
    out.open("filters");
    out.put("count", filters->count);
    out.put("seconds", filters->seconds);
    out.put("per_s", per_second(filters->count, filters->seconds));
    out.close();
  }
}

void put_processes(JsonWriter& out, const Report& report) {
  if (report.processes.empty()) return;
  out.open_list("processes");
  for (const ProcessUsage& process : report.processes) {
    out.open();
    out.put("pid", process.pid);
    out.put("name", process.name);
    out.put("cpu_s", process.cpu_s());
    out.put("rss_before", process.before.rss);
    out.put("rss_after", process.after.rss);
    out.put("rss_peak", process.rss_peak);
    out.put("pss_before", process.before.pss);
    out.put("pss_after", process.after.pss);
    out.close();
  }
  out.close_list();
  out.put("cpu_s", report.cpu_s());
  out.put("work", report.work);
  out.put("work_of", report.work_of);
  out.put("per_cpu_s", report.work_per_cpu_s());
  if (const auto& memory = report.memory) {
    out.open("memory");
    out.put("per", memory->per);
    out.put("count", memory->count);
    out.put("bytes_before", memory->before);
    out.put("bytes_after", memory->after);
    out.put("bytes_each", memory->bytes_each());
    out.close();
  }
}

}  // namespace

std::string to_json(const Options& options, const Report& report, const std::string& date) {
  JsonWriter out;
  out.open();
  out.put("schema", std::uint32_t{1});
  out.put("program", std::string("starling bench ") + version);
  out.put("date", date);
  out.put("load", to_text(options.load));
  put_asked(out, options);
  if (report.messages) put_messages(out, *report.messages);
  if (report.measured) put_measured(out, *report.measured, options.size);
  if (!report.latency_of.empty()) put_latency(out, report);
  put_special(out, report);
  put_processes(out, report);
  out.open("own");
  out.put("cpu_s", report.own_cpu_s);
  out.put("share_of_core", report.own_share());
  out.close();
  out.put("interrupted", report.interrupted);
  if (report.trouble)
    out.put("error", report.trouble->what);
  else
    out.put_null("error");
  out.close();
  return out.text() + "\n";
}

}  // namespace starling::bench
