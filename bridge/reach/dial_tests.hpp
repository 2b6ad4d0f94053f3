// DialTests: which of this node's addresses can really be dialled. Peers are asked to dial them back
// and to say a number there that only they were told. A pure table; it sends nothing itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "starling/endpoint.hpp"
#include "starling/ids.hpp"
#include "starling/port/entropy.hpp"
#include "starling/time.hpp"

#include "bridge/wire/reach_frames.hpp"

namespace starling {

enum class DialVerdict : std::uint8_t {
  untested,    ///< nobody has tried, or not enough have
  dialable,    ///< peers of two networks have dialled it, or one where there is one network only
  undialable,  ///< two peers have tried in vain, or the only one there is has twice
};

/// A linked peer that can be asked.
struct Tester {
  NodeId peer;
  std::uint64_t network = 0;  ///< network_of() its address
};

struct DialTest {
  NodeId tester;
  wire::DialNonce nonce{};
  Endpoint endpoint;
};

class DialTests {
 public:
  /// `entropy` outlives the tests: nobody may guess a number.
  explicit DialTests(Entropy& entropy) : entropy_(entropy) {}

  /// What there is to test; what is known about addresses that stay is kept. At most
  /// limits::observed_addresses_max and those of the interfaces: the caller bounds it.
  void set_candidates(const std::vector<Endpoint>& endpoints, TimePoint now);
  /// The tests that are due. At most one is under way per tester and address.
  [[nodiscard]] std::vector<DialTest> due(const std::vector<Tester>& testers, TimePoint now);

  /// `tester` has said `nonce` over a connection of its own. False: nobody asked it to.
  bool on_dialled(const NodeId& tester, const wire::DialNonce& nonce, TimePoint now);
  /// It could not. Unknown tests are ignored.
  void on_failed(const NodeId& tester, const wire::DialNonce& nonce, std::string why,
                 TimePoint now);
  /// Its link has gone, or another one has taken its place: what it was asked may never have arrived.
  void on_tester_lost(const NodeId& tester, TimePoint now);
  /// Ends tests that were not answered in time. True if a verdict has changed since the last call.
  bool review(const std::vector<Tester>& testers, TimePoint now);

  /// When something is to be asked or ends, given that somebody can be asked.
  [[nodiscard]] TimePoint next_deadline() const;
  [[nodiscard]] DialVerdict verdict(const Endpoint& endpoint) const;
  [[nodiscard]] bool is_testing(const Endpoint& endpoint) const;
  /// What the last tester in vain met with.
  [[nodiscard]] std::string why(const Endpoint& endpoint) const;

 private:
  struct Answer {
    bool dialled = false;
    std::uint64_t network = 0;
    TimePoint at;
    std::string why;
  };
  struct Pending {
    wire::DialNonce nonce{};
    std::uint64_t network = 0;
    TimePoint since;
  };
  struct Candidate {
    DialVerdict verdict = DialVerdict::untested;
    std::map<NodeId, Answer> answers;  // of those who were asked; bounded by answers_max
    std::map<NodeId, Pending> pending;
    TimePoint due;               // the next round
    unsigned rounds_failed = 0;  // in a row
    bool round_open = false;
    std::string why;
  };

  void judge(Candidate& candidate, const std::vector<Tester>& testers, TimePoint now);
  void begin_round(Candidate& candidate, TimePoint now) const;

  Entropy& entropy_;
  std::map<Endpoint, Candidate> candidates_;
  bool changed_ = false;
};

}  // namespace starling
