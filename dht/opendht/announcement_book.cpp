#include "dht/opendht/announcement_book.hpp"

#include <algorithm>
#include <chrono>

#include "starling/limits.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;

constexpr Duration read_back_after = 3s;
constexpr Duration unanswered_pause = 10s;
constexpr Duration missing_pause_min = 2s;
constexpr Duration missing_pause_max = 60s;

constexpr Duration put_interval{static_cast<Duration::rep>(1e9 / limits::puts_per_s)};
constexpr Duration put_burst{
    static_cast<Duration::rep>(1e9 * (limits::puts_burst - 1) / limits::puts_per_s)};

}  // namespace

void AnnouncementBook::schedule(std::uint64_t id, Entry& entry, Chore chore, TimePoint due) {
  unschedule(id, entry);
  entry.chore = chore;
  entry.due = due;
  agenda_.emplace(due, id);
}

void AnnouncementBook::unschedule(std::uint64_t id, Entry& entry) {
  if (entry.due) agenda_.erase({*entry.due, id});
  entry.due.reset();
}

std::uint64_t AnnouncementBook::add(Announcement announcement, TimePoint now) {
  if (entries_.size() >= limits::dht_operations_max) return 0;
  const std::uint64_t id = ++last_id_;
  Entry& entry = entries_[id];
  entry.announcement = std::move(announcement);
  schedule(id, entry, Chore::put, now);
  return id;
}

const Announcement* AnnouncementBook::find(std::uint64_t id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.announcement;
}

std::optional<Announcement> AnnouncementBook::remove(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  unschedule(id, found->second);
  std::optional<Announcement> removed = std::move(found->second.announcement);
  entries_.erase(found);
  return removed;
}

void AnnouncementBook::put_all_again(TimePoint now) {
  for (auto& [id, entry] : entries_) {
    entry.times_missing = 0;
    entry.reading = false;
    schedule(id, entry, Chore::put, now);
  }
}

std::optional<AnnouncementBook::Task> AnnouncementBook::next_task(TimePoint now) {
  if (agenda_.empty() || agenda_.begin()->first > now) return std::nullopt;
  const std::uint64_t id = agenda_.begin()->second;
  Entry& entry = entries_.at(id);
  if (entry.chore == Chore::read_back) {
    unschedule(id, entry);
    entry.reading = true;
    return Task{id, Chore::read_back};
  }
  if (puts_paid_until_ > now + put_burst) return std::nullopt;
  puts_paid_until_ = std::max(puts_paid_until_, now) + put_interval;
  if (entry.was_put) ++repeated_;
  entry.was_put = true;
  schedule(id, entry, Chore::read_back, now + read_back_after);
  return Task{id, Chore::put};
}

std::optional<TimePoint> AnnouncementBook::next_deadline() const {
  if (agenda_.empty()) return std::nullopt;
  const auto& [due, id] = *agenda_.begin();
  if (entries_.at(id).chore == Chore::read_back) return due;
  return std::max(due, puts_paid_until_ - put_burst);
}

void AnnouncementBook::on_read_back(std::uint64_t id, ReadBack outcome, TimePoint now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.reading) return;
  Entry& entry = found->second;
  entry.reading = false;
  switch (outcome) {
    case ReadBack::found:
      entry.times_missing = 0;
      ++verified_;
      break;
    case ReadBack::unanswered:
      schedule(id, entry, Chore::read_back, now + unanswered_pause);
      break;
    case ReadBack::missing: {
      Duration pause = missing_pause_min;
      for (unsigned i = 0; i < entry.times_missing && pause < missing_pause_max; ++i) pause *= 2;
      ++entry.times_missing;
      schedule(id, entry, Chore::put, now + std::min(pause, missing_pause_max));
      break;
    }
  }
}

}  // namespace starling
