// Fifo: a queue that owns no memory while it is empty and gives it back as it drains, a little at a
// time: a million messages that wait must not be moved in one go.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "starling/check.hpp"

namespace starling {

template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return items_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return items_ == nullptr ? 0 : items_->size(); }

  void push_back(T item) {
    if (items_ == nullptr) items_ = std::make_unique<std::deque<T>>();
    items_->push_back(std::move(item));
  }
  T& front() {
    STARLING_CHECK(!empty());
    return items_->front();
  }
  T& back() {
    STARLING_CHECK(!empty());
    return items_->back();
  }

  T pop_front() {
    STARLING_CHECK(!empty());
    T item = std::move(items_->front());
    items_->pop_front();
    if (items_->empty()) clear();
    return item;
  }

  void clear() { items_.reset(); }

  auto begin() { return items_ == nullptr ? Iterator() : items_->begin(); }
  auto end() { return items_ == nullptr ? Iterator() : items_->end(); }
  auto begin() const { return items_ == nullptr ? ConstIterator() : items_->cbegin(); }
  auto end() const { return items_ == nullptr ? ConstIterator() : items_->cend(); }

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
    if (items_ == nullptr) return taken;
    items_->erase(keep, items_->end());
    if (items_->empty()) clear();
    return taken;
  }

 private:
  using Iterator = typename std::deque<T>::iterator;
  using ConstIterator = typename std::deque<T>::const_iterator;

  // An empty std::deque holds half a kilobyte, and every idle session has five of these.
  std::unique_ptr<std::deque<T>> items_;  // null: empty
};

}  // namespace starling
