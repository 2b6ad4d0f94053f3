// Result<T>: a value, or the Error that says whose rule was broken. For what a peer sends and what
// the world refuses; expected daily, hence no exception.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "starling/check.hpp"

namespace starling {

/// What kind of trouble it is; the text in Error::what names the rule and the place.
enum class Errc : std::uint8_t {
  malformed,       ///< bytes that no correct peer sends
  protocol_error,  ///< well-formed, but not allowed now
  too_large,       ///< above a bound of limits.hpp or of a setting
  unsupported,     ///< a version, method or feature we do not have
  not_authorized,  ///< known, and refused by a rule
  bad_identity,    ///< a key, signature or proof that does not hold
  quota_exceeded,  ///< a limit of rate, count or memory
  expired,         ///< too old, or from a clock that is too far off
  not_found,
  unreachable,  ///< no route, refused, reset, timed out
  io,           ///< a file or socket call failed
};

/// `what`: one sentence without a full stop that names what, where and, if it helps, the clause.
struct Error {
  Errc code;
  std::string what;
};

/// Either a T or an E. Reading the wrong one is a bug of ours and aborts.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

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

  [[nodiscard]] const E& error() const {
    STARLING_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

/// Success without a value, or an E.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return error_.index() == 0; }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const E& error() const {
    STARLING_CHECK(!ok());
    return *std::get_if<1>(&error_);
  }

 private:
  std::variant<std::monostate, E> error_;
};

}  // namespace starling
