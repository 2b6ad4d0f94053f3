// Fifo: a queue that owns no memory while it is empty and gives it back as it drains. (An empty
// std::deque holds half a kilobyte, which a node with many idle clients cannot spare.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "starling/check.hpp"

namespace starling {

template <class T>
class Fifo {
 public:
  [[nodiscard]] bool empty() const { return items_ == nullptr || head() == list().size(); }
  [[nodiscard]] std::size_t size() const { return items_ == nullptr ? 0 : list().size() - head(); }

  void push_back(T item) {
    if (items_ == nullptr) items_ = std::make_unique<Items>();
    list().push_back(std::move(item));
  }
  T& front() {
    STARLING_CHECK(!empty());
    return list()[head()];
  }
  T& back() {
    STARLING_CHECK(!empty());
    return list().back();
  }

  T pop_front() {
    STARLING_CHECK(!empty());
    T item = std::move(list()[items_->head++]);
    if (empty()) {
      clear();
    } else if (head() >= compact_from && head() * 2 >= list().size()) {
      list().erase(list().begin(), begin());
      items_->head = 0;
    }
    return item;
  }

  void clear() {
    if (items_ == nullptr) return;
    if (list().capacity() > spare_items) {
      items_.reset();
    } else {
      list().clear();
      items_->head = 0;
    }
  }

  auto begin() { return items_ == nullptr ? Iterator() : position(head()); }
  auto end() { return items_ == nullptr ? Iterator() : list().end(); }
  auto begin() const {
    return items_ == nullptr ? ConstIterator()
                             : list().cbegin() + static_cast<std::ptrdiff_t>(head());
  }
  auto end() const { return items_ == nullptr ? ConstIterator() : list().cend(); }

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
    if (items_ != nullptr) list().erase(keep, list().end());
    if (empty()) clear();
    return taken;
  }

 private:
  static constexpr std::size_t compact_from = 32;  // items; below it moving them is not worth it
  static constexpr std::size_t spare_items = 8;    // an emptied queue keeps room for these

  using Iterator = typename std::vector<T>::iterator;
  using ConstIterator = typename std::vector<T>::const_iterator;
  struct Items {
    std::vector<T> list;
    std::size_t head = 0;  // those before it are gone
  };
  std::vector<T>& list() { return items_->list; }
  const std::vector<T>& list() const { return items_->list; }
  [[nodiscard]] std::size_t head() const { return items_->head; }
  auto position(std::size_t index) { return list().begin() + static_cast<std::ptrdiff_t>(index); }

  // One pointer, as every idle session has five of these: 120 bytes less for each.
  std::unique_ptr<Items> items_;  // null: empty
};

}  // namespace starling
