#include "src/cli/bench_arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

namespace starling::cli {
namespace {

using bench::Load;
using bench::Options;

constexpr const char* description =
    "starling bench - puts load on any MQTT broker and measures what comes of it\n\n"
    "LOAD is one of\n"
    "  pairs           n publishers, each with a subscriber of its own (the default)\n"
    "  fan-out         one publisher, n subscribers\n"
    "  fan-in          n publishers, one subscriber\n"
    "  wildcard        pairs that subscribe with + and #; --filters N more that match nothing\n"
    "  publish         n publishers, nobody subscribes: how fast the broker takes messages\n"
    "  retained        --messages N retained ones, then a new subscriber asks for all of them\n"
    "  offline-drain   n sessions go away, --messages N are queued for each, they come back\n"
    "  connections     n connections, all at once or at a --rate, held idle\n"
    "  tls-handshakes  connect, shake hands, leave; full or --resume'd";
constexpr const char* footer =
    "Without --rate the loop is closed: each publisher has --window messages under way. With it "
    "the\n"
    "loop is open: messages fall due at fixed times, and latency counts from there.\n"
    "Exit status: 0 done, 1 failed or QoS 1/2 messages lost, 2 wrong usage, 69 no connection,\n"
    "77 not let in.\n\n"
    "Examples:\n"
    "  starling bench                                        ten pairs at localhost for 5 seconds\n"
    "  starling bench pairs --qos 1 --pid $(pidof mosquitto)\n"
    "  starling bench fan-out --clients 1000 --size 1024\n"
    "  starling bench pairs --rate 5000                      latency at 5 000 messages a second\n"
    "  starling bench pairs --publish-at a.lan --subscribe-at b.lan:1884\n"
    "  starling bench connections --clients 10000 --hold 5 --pid $(pidof starlingd)";

/// What cannot be filled into Options as it is written.
struct Words {
  std::string load = "pairs";
  std::string host = "localhost";
  std::uint32_t port = 0;
  std::string publish_at, subscribe_at, protocol = "3.1.1";
  std::string user, password;
  std::uint32_t qos = 0;
  double warmup = 0;
  std::vector<std::string> pids;
};

void declare_broker(CLI::App& app, Words& words, Options& options) {
  const char* group = "Broker";
  app.add_option("-h,--host", words.host, "Host (localhost)")->type_name("HOST")->group(group);
  app.add_option("-p,--port", words.port, "Port (1883; with TLS 8883)")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65'535).description(""))
      ->group(group);
  app.add_option("-u,--user", words.user, "User name")->type_name("NAME")->group(group);
  app.add_option("-P,--password", words.password, "Password")->type_name("TEXT")->group(group);
  app.add_option("--publish-at", words.publish_at,
                 "Publishers connect here: to measure a mesh or bridge")
      ->type_name("HOST[:PORT]")
      ->group(group);
  app.add_option("--subscribe-at", words.subscribe_at, "Subscribers connect here")
      ->type_name("HOST[:PORT]")
      ->group(group);
  app.add_option("--protocol", words.protocol, "MQTT version: 3.1.1 (default) or 5")
      ->type_name("VERSION")
      ->check(CLI::IsMember({"3.1.1", "5"}).description(""))
      ->group(group);
  app.add_option("--keepalive", options.keep_alive_s, "Keep alive in seconds (60; 0: none)")
      ->type_name("S")
      ->group(group);
  app.add_flag("--tls", options.tls, "TLS; implied by the four below")->group(group);
  app.add_option("--cafile", options.ca_file, "Trust these CAs (PEM), not the system's")
      ->type_name("FILE")
      ->group(group);
  app.add_flag("--insecure", options.insecure, "Believe whoever answers")->group(group);
  app.add_option("--cert", options.certificate_file, "Client certificate (PEM), with --key")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--key", options.key_file, "Its key (PEM)")->type_name("FILE")->group(group);
}

void declare_amount(CLI::App& app, Words& words, Options& options) {
  const char* group = "How much";
  app.add_option("-n,--clients", options.clients,
                 "The load's n (10; fan-out, fan-in 100; connections 1000)")
      ->type_name("N")
      ->group(group);
  app.add_option("-q,--qos", words.qos, "Of publishing and subscribing (0)")
      ->type_name("QOS")
      ->check(CLI::Range(0, 2).description(""))
      ->group(group);
  app.add_option("--size", options.size, "Bytes of payload (64)")->type_name("BYTES")->group(group);
  app.add_option("--seconds", options.seconds, "Measured time (5)")->type_name("S")->group(group);
  app.add_option("--warmup", words.warmup, "Time before that (1)")->type_name("S")->group(group);
  app.add_option("--messages", options.messages, "Send this many in all, instead of --seconds")
      ->type_name("N")
      ->group(group);
  app.add_option("--window", options.window,
                 "Messages under way per publisher (100; fan-out 16, QoS 2 20)")
      ->type_name("W")
      ->group(group);
  app.add_option("--rate", options.rate, "Messages (connections) a second in all; open loop")
      ->type_name("R")
      ->group(group);
  app.add_option("--topic", options.topic, "Prefix of all topics (bench/ and something random)")
      ->type_name("PREFIX")
      ->group(group);
  app.add_option("--topics", options.topics, "Topics per publisher (1)")
      ->type_name("N")
      ->group(group);
  app.add_option("--publishers", options.publishers, "offline-drain: publishers (one per session)")
      ->type_name("N")
      ->group(group);
  app.add_option("--filters", options.filters,
                 "wildcard: filters that match nothing, 1 000 per connection")
      ->type_name("N")
      ->group(group);
  app.add_option("--connecting", options.connecting, "Connections being made at a time (100)")
      ->type_name("N")
      ->group(group);
  app.add_option("--hold", options.hold_s, "connections: idle time before memory is read (0)")
      ->type_name("S")
      ->group(group);
  app.add_flag("--resume", options.resume, "tls-handshakes: with the ticket of the time before")
      ->group(group);
}

void declare_report(CLI::App& app, Words& words, Options& options) {
  const char* group = "Report";
  app.add_option("--pid", words.pids,
                 "Broker process on this host: CPU and memory (repeatable, or 1,2)")
      ->type_name("PID")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  app.add_flag("--json", options.json, "One JSON object")->group(group);
  app.add_flag("--quiet", options.quiet, "No progress line")->group(group);
}

[[noreturn]] void refuse(const std::string& what) {
  throw CLI::ValidationError(what);
}

Load parse_load(const std::string& text) {
  for (const Load load : bench::all_loads())
    if (text == bench::to_text(load)) return load;
  std::string all;
  for (const Load load : bench::all_loads())
    all += (all.empty() ? "" : ", ") + std::string(bench::to_text(load));
  refuse("there is no load \"" + text + "\": " + all);
}

HostPort parse_place(const std::string& flag, const std::string& text, std::uint16_t port) {
  const auto place = HostPort::parse(text, port);
  if (!place) refuse(flag + " \"" + text + "\" is not HOST or HOST:PORT");
  return *place;
}

std::uint32_t parse_pid(const std::string& text) {
  const bool is_number =
      !text.empty() && text.size() < 10
      && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) refuse("--pid \"" + text + "\" is not a process number");
  return static_cast<std::uint32_t>(std::stoul(text));
}

/// Moves what was written into `options`.
void apply(const CLI::App& app, const Words& words, Options& options) {
  options.load = parse_load(words.load);
  const bool has_tls = options.tls || options.insecure || !options.ca_file.empty()
                       || !options.certificate_file.empty() || options.load == Load::tls_handshakes;
  const auto port = static_cast<std::uint16_t>(words.port != 0 ? words.port
                                               : has_tls       ? 8883
                                                               : 1883);
  options.publish_at = parse_place("--host", words.host, port);
  options.subscribe_at = options.publish_at;
  if (!words.publish_at.empty())
    options.publish_at = parse_place("--publish-at", words.publish_at, port);
  if (!words.subscribe_at.empty())
    options.subscribe_at = parse_place("--subscribe-at", words.subscribe_at, port);
  if (words.protocol == "5") options.protocol = mqtt::ProtocolVersion::v5;
  if (app.count("--user") > 0) options.user_name = words.user;
  if (app.count("--password") > 0) options.password = words.password;
  options.qos = static_cast<QoS>(words.qos);
  options.qos_is_asked = app.count("--qos") > 0;
  if (app.count("--warmup") > 0) options.warmup_s = words.warmup;
  for (const std::string& pid : words.pids) options.pids.push_back(parse_pid(pid));
  if (const auto completed = bench::complete(options); !completed) refuse(completed.error().what);
}

/// CLI11's usage line, with LOAD in the place of its brackets.
class HelpPage final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return "\nUsage: starling bench [LOAD] [options]\n";
  }
};

}  // namespace

BenchArguments parse_bench_arguments(const std::vector<std::string>& words) {
  BenchArguments result;
  Words written;
  CLI::App app(description, "starling bench");
  app.footer(footer);
  const auto page = std::make_shared<HelpPage>();
  page->column_width(28);
  app.formatter(page);
  app.set_help_flag("--help", "Print this help and exit")->group("Broker");  // -h is the host's
  app.add_option("LOAD", written.load, "")->type_name("")->group("");
  declare_broker(app, written, result.options);
  declare_amount(app, written, result.options);
  declare_report(app, written, result.options);
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.parse(reversed);
    apply(app, written, result.options);
  } catch (const CLI::CallForHelp&) {
    result.text = app.help() + "\n";
  } catch (const CLI::ParseError& error) {
    result.text = std::string("starling bench: ") + error.what() + "\nTry: starling bench --help\n";
    result.text_is_error = true;
  }
  return result;
}

}  // namespace starling::cli
