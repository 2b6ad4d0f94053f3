// SimChannel: a SecureChannel that claims a NodeId without cryptography. As many flights and about
// as many bytes as TLS 1.3 with certificates on both sides, or with a ticket; secrecy is not its
// business.
#pragma once

#include <memory>

#include "starling/port/channel.hpp"

#include "simulations/world/random.hpp"

namespace starling::sim {

/// The channels of one node's links.
class SimLinkChannels final : public LinkChannels {
 public:
  /// `random` outlives it and its channels.
  SimLinkChannels(const NodeId& own, Random& random) : own_(own), random_(random) {}
  std::unique_ptr<SecureChannel> make_client(ByteView ticket) override;
  std::unique_ptr<SecureChannel> make_server() override;

 private:
  NodeId own_;
  Random& random_;
};

}  // namespace starling::sim
