#include "src/uv/uv_listener.hpp"

#include <utility>

#include "src/uv/accept_socket.hpp"
#include "src/uv/socket_address.hpp"

namespace starling {
namespace {

ListeningSockets in_order(BoundSockets sockets) {
  ListeningSockets all;
  if (sockets.v6) all.sockets.push_back(std::move(sockets.v6));
  if (sockets.v4) all.sockets.push_back(std::move(sockets.v4));
  return all;
}

}  // namespace

UvListener::UvListener(UvLoop& loop, const Endpoint& at, OnStream on_stream, LogSink* log,
                       StreamOptions options)
    : UvListener(loop, bind_port(at, PortUse::tcp).tcp, std::move(on_stream), log, options) {}

UvListener::UvListener(UvLoop& loop, BoundSockets sockets, OnStream on_stream, LogSink* log,
                       StreamOptions options)
    : UvListener(loop, in_order(std::move(sockets)), std::move(on_stream), log, options) {}

UvListener::UvListener(UvLoop& loop, ListeningSockets sockets, OnStream on_stream, LogSink* log,
                       StreamOptions options) {
  const auto shared = std::make_shared<const OnStream>(std::move(on_stream));
  for (UniqueFd& socket : sockets.sockets) {
    std::string name = local_endpoint_of(socket.get()).to_text();
    sockets_.push_back(std::make_shared<AcceptSocket>(loop, std::move(socket), std::move(name),
                                                      shared, log, options));
    sockets_.back()->open();
  }
}

UvListener::~UvListener() {
  for (const auto& socket : sockets_) socket->close();
}

Endpoint UvListener::local_endpoint() const {
  return sockets_.empty() ? Endpoint{} : local_endpoint_of(sockets_.front()->fd());
}

std::vector<Endpoint> UvListener::local_endpoints() const {
  std::vector<Endpoint> all;
  all.reserve(sockets_.size());
  for (const auto& socket : sockets_) all.push_back(local_endpoint_of(socket->fd()));
  return all;
}

}  // namespace starling
