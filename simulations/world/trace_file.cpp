#include "simulations/world/trace_file.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace starling::sim {
namespace {

constexpr NodeNumber world_track = 1'000'000;  // faults

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

}  // namespace

TraceFile::TraceFile(const std::string& path, TimePoint begins) : out_(path), begins_(begins) {
  if (!out_) throw std::runtime_error("cannot write the trace to " + path);
  out_ << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  write("M", "process_name", begins, world_track, R"("tid":0,"args":{"name":"the world"})");
}

TraceFile::~TraceFile() {
  out_ << "\n]}\n";
}

double TraceFile::us(TimePoint at) const {
  return std::chrono::duration<double, std::micro>(at - begins_).count();
}

void TraceFile::write(std::string_view phase, std::string_view name, TimePoint at, NodeNumber node,
                      const std::string& more) {
  out_ << (is_first_ ? "\n" : ",\n")
       << fmt::format(R"({{"ph":"{}","name":{},"ts":{:.3f},"pid":{}{}{}}})", phase, quoted(name),
                      us(at), node, more.empty() ? "" : ",", more);
  is_first_ = false;
}

void TraceFile::on_node_started(TimePoint at, NodeNumber node) {
  write("M", "process_name", at, node, fmt::format(R"("tid":0,"args":{{"name":"node {}"}})", node));
  write("i", "starts", at, node, R"("tid":0,"s":"p")");
}
void TraceFile::on_node_ended(TimePoint at, NodeNumber node, NodeEnd how) {
  static constexpr std::string_view names[] = {"stops", "is killed", "is unplugged"};
  write("i", names[static_cast<std::size_t>(how)], at, node, R"("tid":0,"s":"p")");
}
void TraceFile::on_link_up(TimePoint at, NodeNumber node, NodeNumber peer) {
  write("b", fmt::format("link to node {}", peer), at, node,
        fmt::format(R"("tid":0,"cat":"link","id":"{}-{}")", node, peer));
}
void TraceFile::on_link_down(TimePoint at, NodeNumber node, NodeNumber peer) {
  write("e", fmt::format("link to node {}", peer), at, node,
        fmt::format(R"("tid":0,"cat":"link","id":"{}-{}")", node, peer));
}
void TraceFile::on_lookup(TimePoint at, NodeNumber node, const Lookup& lookup) {
  write("X", "DHT lookup", at - lookup.took, node,
        fmt::format(R"("dur":{:.3f},"tid":1,"args":{{"values":{}}})",
                    std::chrono::duration<double, std::micro>(lookup.took).count(), lookup.values));
}
void TraceFile::on_client_connected(TimePoint at, const ClientConnected& what) {
  write("i", fmt::format("client {} connects", what.client), at, what.node, R"("tid":0,"s":"t")");
}
void TraceFile::on_subscribed(TimePoint at, const Subscribed& what) {
  write("i", fmt::format("client {} subscribes to {}", what.client, what.filter), at, what.node,
        R"("tid":0,"s":"t")");
}
void TraceFile::on_published(TimePoint at, const Published& what) {
  if (what.is_will) return;
  write("i", fmt::format("PUBLISH {} {}", what.number, what.topic), at, what.node,
        R"("tid":0,"s":"t")");
  if (what.qos != QoS::at_most_once) published_at_[what.number] = what.node;
}
void TraceFile::on_acknowledged(TimePoint at, MessageNumber number) {
  const auto found = published_at_.find(number);
  if (found == published_at_.end()) return;
  write("i", fmt::format("acknowledged {}", number), at, found->second, R"("tid":0,"s":"t")");
  published_at_.erase(found);
}
void TraceFile::on_received(TimePoint at, const Received& what) {
  if (what.number == 0) return;
  const double took = std::chrono::duration<double, std::micro>(at - what.published_at).count();
  write("X", fmt::format("message {} to client {}", what.number, what.client), what.published_at,
        what.node,
        fmt::format(R"("dur":{:.3f},"tid":{},"args":{{"topic":{},"from node":{}}})", took,
                    2 + what.client % 1'000, quoted(what.topic), what.published_at_node));
}
void TraceFile::on_fault_begins(TimePoint at, std::string_view what) {
  write("b", what, at, world_track, fmt::format(R"("tid":0,"cat":"fault","id":{})", quoted(what)));
}
void TraceFile::on_fault_ends(TimePoint at, std::string_view what) {
  write("e", what, at, world_track, fmt::format(R"("tid":0,"cat":"fault","id":{})", quoted(what)));
}

}  // namespace starling::sim
