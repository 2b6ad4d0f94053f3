// PacketError: an Error with the MQTT 5 reason code that tells the peer the same; and Decoded<T>,
// the Result of the readers.
#pragma once

#include <utility>
#include <variant>

#include "starling/check.hpp"
#include "starling/result.hpp"

#include "src/mqtt/reason_code.hpp"

namespace starling::mqtt {

/// Every one of them ends the connection [MQTT-4.8.0-1] [MQTT5-4.13.1-1]; `reason` is what a
/// CONNACK (to a CONNECT) or DISCONNECT of MQTT 5 may say first.
struct PacketError : Error {
  ReasonCode reason = ReasonCode::malformed_packet;
};

/// Either a T or a PacketError. Reading the wrong one is a bug of ours and aborts.
template <class T>
class [[nodiscard]] Decoded {
 public:
  Decoded(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Decoded(PacketError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const T& value() const& {
    STARLING_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T& value() & {
    STARLING_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    STARLING_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

  [[nodiscard]] const PacketError& error() const {
    STARLING_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, PacketError> state_;
};

/// Success without a value, or a PacketError.
template <>
class [[nodiscard]] Decoded<void> {
 public:
  Decoded() = default;
  Decoded(PacketError error) : error_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return error_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const PacketError& error() const {
    STARLING_CHECK(!ok());
    return *std::get_if<1>(&error_);
  }

 private:
  std::variant<std::monostate, PacketError> error_;
};

}  // namespace starling::mqtt
