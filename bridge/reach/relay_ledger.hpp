// RelayLedger: what was relayed for whom, both ways, and so who is served first when the line does not
// suffice for all: those who relay for us, then whoever asks, with one place for newcomers.
#pragma once

#include <cstdint>
#include <map>

#include "starling/ids.hpp"
#include "starling/time.hpp"

namespace starling {

enum class RelayRank : std::uint8_t {
  gives,     ///< has relayed for us more than we for it, or nearly as much
  takes,     ///< the others
  newcomer,  ///< we have hardly relayed for it: nobody knows yet
};

class RelayLedger {
 public:
  struct Account {
    std::uint64_t for_them = 0;  ///< bytes that we have relayed for the peer
    std::uint64_t for_us = 0;    ///< bytes that the peer has relayed for us
  };

  void on_relayed_for(const NodeId& peer, std::uint64_t bytes, TimePoint now);
  void on_relayed_by(const NodeId& peer, std::uint64_t bytes, TimePoint now);
  [[nodiscard]] RelayRank rank(const NodeId& peer) const;
  [[nodiscard]] Account account(const NodeId& peer) const;
  [[nodiscard]] std::size_t size() const { return accounts_.size(); }

 private:
  struct Entry {
    Account account;
    TimePoint used;
    TimePoint halved;
  };
  Entry& entry(const NodeId& peer, TimePoint now);

  std::map<NodeId, Entry> accounts_;  // bounded; the one unused longest goes
};

}  // namespace starling
