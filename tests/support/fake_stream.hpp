// A ByteStream of memory: the test holds one end.
#pragma once

#include <memory>
#include <utility>

#include "starling/port/stream.hpp"

namespace starling::test {

/// What the test sees of a stream that the connection owns.
struct StreamView {
  ByteStream::Handler* handler = nullptr;
  OutputBuffer output;
  bool closing = false;
  bool destroyed = false;
  bool congested = false;
  bool paused = false;

  /// What has been written since the last call, in order.
  Bytes sent() {
    Bytes all;
    ByteView views[8];
    while (!output.empty()) {
      const std::size_t count = output.gather(views);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count; ++i) {
        append(all, views[i]);
        taken += views[i].size();
      }
      output.consume(taken);
    }
    return all;
  }
};

class FakeStream final : public ByteStream {
 public:
  explicit FakeStream(std::shared_ptr<StreamView> view) : view_(std::move(view)) {}
  ~FakeStream() override { view_->destroyed = true; }
  void set_handler(Handler* handler) override { view_->handler = handler; }
  OutputBuffer& output() override { return view_->output; }
  void flush_soon() override {}
  [[nodiscard]] bool write_is_congested() const override { return view_->congested; }
  void pause_reading() override { view_->paused = true; }
  void resume_reading() override { view_->paused = false; }
  void close() override { view_->closing = true; }
  [[nodiscard]] Endpoint local_endpoint() const override { return {}; }
  [[nodiscard]] Endpoint peer_endpoint() const override { return {}; }

 private:
  std::shared_ptr<StreamView> view_;
};

}  // namespace starling::test
