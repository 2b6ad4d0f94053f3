// RouterNews: hears a router say that its public address has changed, or that it has started again
// and forgotten everything: NAT-PMP and PCP tell that to all hosts [RFC 6886 §3.2.1] [RFC 6887
// §14.1]. What is said is not believed, only taken as a reason to ask.
#pragma once

#include <functional>
#include <memory>

#include "starling/bytes.hpp"
#include "starling/port/stream.hpp"

namespace starling {

class UvLoop;

class RouterNews {
 public:
  /// `on_news` comes from the loop, as often as somebody in the local network likes: whoever acts on
  /// it must have a bound of his own. Where the port cannot be had nothing is ever told.
  RouterNews(UvLoop& loop, std::function<void()> on_news);
  ~RouterNews();
  RouterNews(const RouterNews&) = delete;
  RouterNews& operator=(const RouterNews&) = delete;

 private:
  std::function<void()> on_news_;
  std::unique_ptr<Datagram> datagram_;
};

[[nodiscard]] bool is_router_news(const Endpoint& from, ByteView datagram);

}  // namespace starling
