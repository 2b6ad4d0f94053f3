// Fifo: a queue that owns no memory while it is empty and gives it back as it drains. (An empty
// std::deque holds half a kilobyte, which a node with many idle clients cannot spare.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "starling/check.hpp"

namespace starling {

template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }

  void push_back(T item) { items_.push_back(std::move(item)); }
  T& front() {
    STARLING_CHECK(!empty());
    return items_[head_];
  }
  T& back() {
    STARLING_CHECK(!empty());
    return items_.back();
  }

  T pop_front() {
    STARLING_CHECK(!empty());
    T item = std::move(items_[head_++]);
    if (empty()) {
      clear();
    } else if (head_ >= compact_from && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), position(head_));
      head_ = 0;
    }
    return item;
  }

  void clear() {
    head_ = 0;
    if (items_.capacity() > spare_items) {
      items_ = std::vector<T>();
    } else {
      items_.clear();
    }
  }

  auto begin() { return position(head_); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() const { return items_.end(); }

  /// Takes out, in order, all items for which `predicate` holds.
  template <class Predicate>
  std::vector<T> extract(Predicate predicate) {
    std::vector<T> taken;
    auto keep = begin();
    for (auto at = begin(); at != end(); ++at) {
      if (predicate(*at)) {
        taken.push_back(std::move(*at));
      } else {
        if (keep != at) *keep = std::move(*at);
        ++keep;
      }
    }
    items_.erase(keep, items_.end());
    if (empty()) clear();
    return taken;
  }

 private:
  static constexpr std::size_t compact_from = 32;  // items; below it moving them is not worth it
  static constexpr std::size_t spare_items = 8;    // an emptied queue keeps room for these

  auto position(std::size_t index) { return items_.begin() + static_cast<std::ptrdiff_t>(index); }

  std::vector<T> items_;
  std::size_t head_ = 0;  // items_ before it are gone
};

}  // namespace starling
