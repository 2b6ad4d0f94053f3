// InflightWindow: the QoS 1 and 2 messages of one session that are under way, in the order they were
// first sent. Acknowledgements come nearly in that order, so the front leaves without moving the
// others, and one out of order leaves a hole that goes with those before it (erasing from a plain
// vector was 15 % of a QoS 1 message with a window of 100).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "starling/check.hpp"

#include "src/session/delivery.hpp"

namespace starling {

enum class InflightState : std::uint8_t { awaiting_puback, awaiting_pubrec, awaiting_pubcomp };

/// A message that was sent, or must be sent again after a reconnect.
struct Inflight {
  Delivery delivery;
  std::uint16_t packet_id = 0;
  InflightState state = InflightState::awaiting_puback;
};

class InflightWindow {
 public:
  /// Memory of windows that have emptied, for those that fill again: a session with nothing under
  /// way owns none. Bounded.
  class Spares {
   public:
    std::vector<Inflight> take() {
      if (spares_.empty()) return {};
      std::vector<Inflight> spare = std::move(spares_.back());
      spares_.pop_back();
      return spare;
    }
    /// `spare` is empty.
    void give(std::vector<Inflight> spare) {
      if (spares_.size() < count_max && spare.capacity() <= entries_max)
        spares_.push_back(std::move(spare));
    }

   private:
    static constexpr std::size_t count_max = 256;      // windows
    static constexpr std::size_t entries_max = 1'024;  // of one: some 70 KB
    std::vector<std::vector<Inflight>> spares_;
  };

  explicit InflightWindow(Spares& spares) : spares_(spares) {}

  [[nodiscard]] std::size_t size() const { return live_; }
  [[nodiscard]] bool empty() const { return live_ == 0; }

  /// Behind the others, as sent on this connection or (`sent` false) as one that is still to be.
  Inflight& push_back(Inflight&& entry, bool sent = true) {
    STARLING_CHECK(entry.packet_id != 0 && (!sent || all_sent()));
    if (entries_.capacity() == 0) entries_ = spares_.take();
    in_order_ = entries_.empty()
                || (in_order_ && entries_.back().delivery.position < entry.delivery.position);
    entries_.push_back(std::move(entry));
    ++live_;
    if (sent) {
      ++sent_;
      unsent_ = entries_.size();
    }
    return entries_.back();
  }

  /// The message under way with this id; null: there is none.
  Inflight* find(std::uint16_t packet_id) {
    if (live_ == 0 || packet_id == 0) return nullptr;
    // Mostly the oldest, or as far behind it as its id says.
    const std::uint16_t first = entries_[head_].packet_id;
    const std::size_t behind =
        packet_id >= first ? packet_id - first : packet_id + packet_ids - first;
    const std::size_t guess = head_ + behind;
    if (guess < entries_.size() && entries_[guess].packet_id == packet_id) return &entries_[guess];
    // Else (gaps) where its position must be, as ids follow from positions; one that is stuck at the
    // front may be rounds behind. They are out of order only while retained messages and waiting ones
    // take turns.
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(head_);
    if (!in_order_) {
      const auto at = std::ranges::find(begin, entries_.end(), packet_id, &Inflight::packet_id);
      return at == entries_.end() ? nullptr : &*at;
    }
    const auto position = [](const Inflight& entry) { return entry.delivery.position; };
    for (std::uint64_t there = position(*begin) + behind; there <= position(entries_.back());
         there += packet_ids) {
      const auto at = std::ranges::lower_bound(begin, entries_.end(), there, {}, position);
      if (at->packet_id == packet_id) return &*at;
    }
    return nullptr;
  }

  struct Span {
    std::uint64_t earliest;
    std::uint64_t latest;
  };
  /// Of the positions in it. Only if it is not empty.
  [[nodiscard]] Span span() const {
    STARLING_CHECK(!empty());
    if (in_order_) return {entries_[head_].delivery.position, entries_.back().delivery.position};
    Span span{UINT64_MAX, 0};
    for_each([&span](const Inflight& entry) {
      span.earliest = std::min(span.earliest, entry.delivery.position);
      span.latest = std::max(span.latest, entry.delivery.position);
    });
    return span;
  }

  /// Takes out what find() gave.
  Delivery take(Inflight& entry) {
    const auto index = static_cast<std::size_t>(&entry - entries_.data());
    Delivery taken = std::move(entry.delivery);
    entry = {};
    entry.delivery.position = taken.position;  // a hole is still in its place
    --live_;
    if (index < unsent_) --sent_;
    if (live_ == 0) {
      release();
    } else if (index == head_) {
      while (is_hole(entries_[head_])) ++head_;
      unsent_ = std::max(unsent_, head_);
      if (head_ * 2 >= entries_.size()) close_holes();
    } else if (++holes_ > live_) {
      close_holes();
    }
    return taken;
  }

  /// All of it, oldest first.
  std::vector<Inflight> take_all() {
    close_holes();
    std::vector<Inflight> all = std::move(entries_);
    entries_ = {};
    live_ = 0;
    release();
    return all;
  }

  /// A new connection: everything is to be sent again.
  void forget_sent() {
    sent_ = 0;
    unsent_ = head_;
  }
  [[nodiscard]] bool all_sent() const { return sent_ == live_; }
  /// How many have been sent on this connection.
  [[nodiscard]] std::size_t sent() const { return sent_; }
  /// The oldest that was not sent on this connection, which now counts as sent; null: all were.
  Inflight* next_to_send() {
    if (all_sent()) return nullptr;
    while (is_hole(entries_[unsent_])) ++unsent_;
    ++sent_;
    return &entries_[unsent_++];
  }

  /// Calls visit(const Inflight&) for all, oldest first.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = head_; i < entries_.size(); ++i)
      if (!is_hole(entries_[i])) visit(entries_[i]);
  }

 private:
  static constexpr std::size_t packet_ids = 65'535;  // 1 to 65535: zero is none
  static bool is_hole(const Inflight& entry) { return entry.packet_id == 0; }

  void close_holes() {
    std::size_t kept = 0;
    std::size_t unsent = 0;
    for (std::size_t i = head_; i < entries_.size(); ++i) {
      if (is_hole(entries_[i])) continue;
      if (i < unsent_) ++unsent;
      if (kept != i) entries_[kept] = std::move(entries_[i]);
      ++kept;
    }
    entries_.resize(kept);
    head_ = holes_ = 0;
    unsent_ = unsent;
  }

  void release() {
    entries_.clear();
    if (entries_.capacity() > 0) spares_.give(std::exchange(entries_, {}));
    head_ = holes_ = unsent_ = sent_ = 0;
  }

  Spares& spares_;
  std::vector<Inflight> entries_;  // those before head_ are gone, entries_[head_] is no hole
  bool in_order_ = true;           // of their positions
  std::size_t head_ = 0;
  std::size_t live_ = 0;
  std::size_t holes_ = 0;   // made since they were last closed, not at the front
  std::size_t sent_ = 0;    // on this connection
  std::size_t unsent_ = 0;  // entries before this index were sent on this connection
};

}  // namespace starling
