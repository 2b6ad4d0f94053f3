// InlineVector: a list that lives on the stack as long as it is short, for the hot path of
// matching.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace starling {

template <class T, std::size_t inline_size>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  void push_back(T value) {
    if (size_ < inline_size)
      inline_[size_] = value;
    else
      more_.push_back(value);
    ++size_;
  }
  void pop_back() {
    if (size_ > inline_size) more_.pop_back();
    --size_;
  }
  T& operator[](std::size_t i) { return i < inline_size ? inline_[i] : more_[i - inline_size]; }
  const T& operator[](std::size_t i) const {
    return i < inline_size ? inline_[i] : more_[i - inline_size];
  }
  T& back() { return (*this)[size_ - 1]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() {
    size_ = 0;
    more_.clear();
  }

 private:
  std::size_t size_ = 0;
  std::array<T, inline_size> inline_;  // deliberately not initialised: matching must not pay for it
  std::vector<T> more_;
};

}  // namespace starling
