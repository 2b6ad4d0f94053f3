// UvCore: the part of an adapter that libuv points to. It owns itself from the moment its handle is
// open until libuv's close callback, so the adapter that made it may be destroyed at any time.
// Inside this room only.
#pragma once

#include <memory>
#include <uv.h>

namespace starling {

/// Made with std::make_shared. One core has one handle, as a member of the derived class.
class UvCore : public std::enable_shared_from_this<UvCore> {
 public:
  UvCore() = default;
  UvCore(const UvCore&) = delete;
  UvCore& operator=(const UvCore&) = delete;
  virtual ~UvCore() = default;

  /// Closes the handle; from now on the core does not call anybody. Closing twice does no harm.
  void close_handle() {
    if (handle_ != nullptr && uv_is_closing(handle_) == 0) uv_close(handle_, on_close);
  }
  /// The loop is ending.
  virtual void abandon() { close_handle(); }
  [[nodiscard]] bool is_open() const { return handle_ != nullptr && uv_is_closing(handle_) == 0; }

  static UvCore& of(const void* handle) {
    return *static_cast<UvCore*>(uv_handle_get_data(static_cast<const uv_handle_t*>(handle)));
  }

 protected:
  /// Call right after uv_..._init has succeeded: an initialised handle must be closed.
  template <class Handle>
  void own_handle(Handle& handle) {
    handle_ = reinterpret_cast<uv_handle_t*>(&handle);
    uv_handle_set_data(handle_, static_cast<UvCore*>(this));
    self_ = shared_from_this();
  }

 private:
  static void on_close(uv_handle_t* handle) {
    UvCore& core = of(handle);
    core.handle_ = nullptr;
    const auto last = std::move(core.self_);
  }

  uv_handle_t* handle_ = nullptr;
  std::shared_ptr<UvCore> self_;
};

}  // namespace starling
