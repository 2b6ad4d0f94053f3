// UvMulticast: one UDP port and one multicast group per address family, on chosen interfaces. What
// it sends stays in the local network.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/endpoint.hpp"

namespace starling {

class UvLoop;

/// An address of an interface over which others in its network can be reached by multicast.
struct MulticastFace {
  unsigned interface = 0;  ///< the system's number
  Endpoint address{};      ///< of ours, with port 0
  std::string name{};      ///< of the interface, for people

  auto operator<=>(const MulticastFace&) const = default;
};

/// Those of interfaces that are up, connected, and can do multicast; neither loopback nor a tunnel
/// from point to point. Sorted.
std::vector<MulticastFace> multicast_faces();

class UvMulticast {
 public:
  using OnDatagram = std::function<void(const Endpoint& from, ByteView bytes)>;

  static constexpr std::size_t faces_max = 16;  // those beyond are left out

  /// `group_v4` and `group_v6` (link-local scope) carry the port. `handler` comes from the loop, also
  /// for what we have sent ourselves: other nodes on this host share the port and must hear it. It must not destroy this object.
  UvMulticast(UvLoop& loop, const Endpoint& group_v4, const Endpoint& group_v6, OnDatagram handler);
  ~UvMulticast();
  UvMulticast(const UvMulticast&) = delete;
  UvMulticast& operator=(const UvMulticast&) = delete;

  struct Trouble {
    MulticastFace face;
    std::string why;
  };
  /// Listens on these and no others. Returns those that the system refused; they are tried again at
  /// the next call.
  std::vector<Trouble> set_faces(const std::vector<MulticastFace>& faces);

  /// Out of every face; how many took it. What the kernel does not take at once is lost.
  std::size_t send(ByteView bytes);

 private:
  class Core;
  struct Receiver;
  struct Open;
  Open open(const MulticastFace& face);
  [[nodiscard]] const Endpoint& group_of(const MulticastFace& face) const;

  UvLoop& loop_;
  Endpoint group_v4_;
  Endpoint group_v6_;
  std::shared_ptr<Receiver> receiver_;
  std::vector<Open> open_;
};

}  // namespace starling
