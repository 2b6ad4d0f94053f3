#include "src/control/host_checks.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "starling/limits.hpp"

#include "src/control/text.hpp"

namespace starling::control {
namespace {

using namespace std::chrono_literals;

constexpr auto commit_time_wanted = 100ms;  // above it QoS 1 and 2 feel slow
constexpr std::uint64_t free_bytes_wanted = 512ULL << 20U;
constexpr std::uint64_t free_bytes_needed = 32ULL << 20U;
constexpr std::uint64_t descriptors_beside_clients = 200;  // peers, listeners, files
constexpr std::uint64_t connections_usual = 1'000;         // more than a house has devices
constexpr UnixSeconds clock_tolerance_s = 60;              // files of other machines, copied here

std::string mode_text(unsigned mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode);
  return text.data();
}

std::string date_text(UnixSeconds at) {
  const std::time_t time = at;
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&time, &parts) == nullptr
      || std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts) == 0)
    return std::to_string(at);
  return text.data();
}

}  // namespace

Finding check_identity(const IdentityFacts& facts, bool running) {
  Finding finding{"identity", Verdict::ok, {}, {}, {}};
  if (!facts.trouble.empty()) {
    finding.verdict = Verdict::skipped;
    finding.evidence = "cannot look at " + facts.file + ": " + facts.trouble;
    finding.fix = "run this as root, or as the user the daemon runs as";
  } else if (!facts.is_there && running) {
    finding.verdict = Verdict::problem;
    finding.evidence = facts.file + " is gone";
    finding.why = "after the next start this node would be another one, a stranger to its peers";
    finding.fix = "put it back from a copy before the daemon is restarted";
  } else if (!facts.is_there) {
    finding.verdict = Verdict::skipped;
    finding.evidence = facts.file + " is not there yet: it is made at the first start";
  } else if ((facts.mode & 077U) != 0) {
    finding.verdict = Verdict::problem;
    finding.evidence = facts.file + " is open to others (mode " + mode_text(facts.mode) + ")";
    finding.why = "whoever has read it can pretend to be this node";
    finding.fix = "chmod 600 " + facts.file;
  } else {
    finding.evidence = facts.file + " is its owner's alone (mode " + mode_text(facts.mode) + ")";
  }
  return finding;
}

Finding check_storage(const StorageFacts& facts, bool keeps_state) {
  Finding finding{"storage", Verdict::ok, {}, {}, {}};
  if (!facts.is_there) {
    finding.verdict = Verdict::skipped;
    finding.evidence = facts.directory + " is not there yet: it is made at the first start";
    return finding;
  }
  if (!facts.trouble.empty()) {
    finding.verdict = Verdict::problem;
    finding.evidence = "cannot write in " + facts.directory + ": " + facts.trouble;
    finding.why = "what is to be kept is kept there, and acknowledged only then";
    finding.fix = "mend the disk or the permissions, or choose another place ([store] path)";
    return finding;
  }
  finding.evidence = facts.directory + ": " + size_text(facts.free_bytes) + " free";
  if (facts.commit_time)
    finding.evidence += ", a small write is on the disk after " + latency_text(*facts.commit_time);
  if (facts.free_bytes < free_bytes_needed) {
    finding.verdict = Verdict::problem;
    finding.why = "when the disk is full nothing more is acknowledged";
    finding.fix = "make room on the disk";
  } else if (!keeps_state) {
    finding.evidence += " (this node keeps everything in memory: [store] durability = \"none\")";
  } else if (facts.free_bytes < free_bytes_wanted) {
    finding.verdict = Verdict::warning;
    finding.why = "queues of clients that are away grow on this disk";
    finding.fix = "make room on the disk, or bound the queues ([limits] max_queued_bytes)";
  } else if (facts.commit_time && *facts.commit_time > commit_time_wanted) {
    finding.verdict = Verdict::warning;
    finding.why =
        "QoS 1 and 2 are acknowledged when the disk has them; SD cards are often that slow";
    finding.fix =
        "move the state to a better disk ([store] path), or accept the loss of a second"
        " at a power cut ([store] durability = \"relaxed\")";
  } else if (facts.in_memory) {
    finding.verdict = Verdict::warning;
    finding.evidence += ", in memory";
    finding.why = "this file system ends with the machine's power, and with it the node's identity";
    finding.fix = "choose a place on a disk ([store] path)";
  }
  return finding;
}

Finding check_limits(const LimitFacts& facts, std::uint64_t connections_wanted) {
  Finding finding{"limits", Verdict::ok, {}, {}, {}};
  finding.evidence = std::to_string(facts.descriptors_open) + " of "
                     + std::to_string(facts.descriptors_max) + " descriptors in use";
  const std::uint64_t room = facts.descriptors_max > descriptors_beside_clients
                                 ? facts.descriptors_max - descriptors_beside_clients
                                 : 0;
  if (facts.descriptors_open > facts.descriptors_max / 10 * 9) {
    finding.verdict = Verdict::problem;
    finding.why = "every client takes one; without any left nobody else gets in";
    finding.fix = "LimitNOFILE=524288 in the unit of systemd, or ulimit -n before the start";
  } else if (room < std::max(connections_wanted, connections_usual)) {
    finding.verdict = Verdict::warning;
    finding.why = "every client takes one: there is room for about " + std::to_string(room)
                  + (connections_wanted > room
                         ? ", [limits] max_connections is " + std::to_string(connections_wanted)
                         : "");
    finding.fix = "LimitNOFILE=524288 in the unit of systemd, or ulimit -n before the start";
  }
  return finding;
}

Finding check_clock(const ClockFacts& facts, UnixSeconds written_at) {
  Finding finding{"clock", Verdict::ok, {}, {}, {}};
  finding.evidence = "it is " + date_text(facts.now);
  const std::string tolerance = duration_text(limits::clock_skew_max);
  if (written_at > facts.now + clock_tolerance_s) {
    finding.verdict = Verdict::problem;
    finding.evidence += ", but this node's key was written at " + date_text(written_at);
    finding.why = "the clock went back: peers refuse what is dated more than " + tolerance
                  + " off, and certificates look as if they were not valid yet";
    finding.fix = "set the clock, and have it kept: apt install systemd-timesyncd";
  } else if (facts.is_kept == false) {
    finding.verdict = Verdict::warning;
    finding.evidence += ", and no time service keeps it, says the kernel";
    finding.why = "peers refuse what is dated more than " + tolerance + " off";
    finding.fix = "apt install systemd-timesyncd (or chrony)";
  } else if (facts.is_kept == true) {
    finding.evidence += ", kept by a time service";
  }
  return finding;
}

Finding check_version(const std::string& version, bool replaced) {
  Finding finding{"version", Verdict::ok, "starlingd " + version, {}, {}};
  if (!replaced) return finding;
  finding.verdict = Verdict::warning;
  finding.evidence += " runs, but its program was replaced since it started";
  finding.fix = "restart the daemon";
  return finding;
}

}  // namespace starling::control
