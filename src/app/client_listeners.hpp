// ClientListeners: the sockets that clients come in by, one set for each listener of the plan. A
// listener keeps its number as long as the daemon lives; a reload closes those that are no longer
// in the configuration, opens new ones behind the others, and leaves the rest alone.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "starling/port/log.hpp"
#include "starling/port/stream.hpp"

#include "src/app/plan.hpp"
#include "src/control/node_status.hpp"
#include "src/uv/stream_options.hpp"

namespace starling {

class UvLoop;

/// `wanted` in the numbering of `known`: each that is known keeps its number, new ones follow. One
/// that is not wanted any more keeps its number too, and its last plan, so that its clients still
/// have one.
struct NumberedListener {
  ListenerPlan plan;
  bool is_wanted = true;
};
std::vector<NumberedListener> number_listeners(const std::vector<NumberedListener>& known,
                                               std::vector<ListenerPlan> wanted);

class ClientListeners {
 public:
  using OnClient = std::function<void(ListenerIndex, std::unique_ptr<ByteStream>)>;

  /// `traffic`: where the bytes of all clients are counted. All outlive it, and the streams too.
  ClientListeners(UvLoop& loop, LogSink& log, StreamTraffic& traffic, OnClient on_client);
  ~ClientListeners();

  /// Opens what is wanted and not open, and closes what is not wanted. Throws std::runtime_error
  /// with a sentence at the first that cannot be opened; those before it stay open.
  void open(const std::vector<NumberedListener>& listeners);
  /// Nobody comes in any more.
  void close();
  /// Every address that is listened at.
  [[nodiscard]] std::vector<control::OpenListener> places() const;

 private:
  struct Open {
    std::unique_ptr<Listener> listener;
    std::vector<control::OpenListener> places;
  };
  Open open_one(ListenerIndex number, const ListenerPlan& plan);

  UvLoop& loop_;
  LogSink& log_;
  StreamTraffic& traffic_;
  OnClient on_client_;
  std::vector<Open> open_;  // by number; without a listener: closed
};

}  // namespace starling
