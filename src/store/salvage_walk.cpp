#include "src/store/salvage_walk.hpp"

#include <limits>

namespace starling {
namespace {

/// Only what is wrong with the row or the page is swallowed, whatever SQLite calls it: a sector that
/// cannot be read is no better than a page that makes no sense.
void take(const Statement& row, const OnSalvagedRow& on_row) {
  try {
    on_row(row);
  } catch (const SqliteError&) {
    return;
  }
}

}  // namespace

NumberWalk::NumberWalk(Database& database, const std::string& select, const std::string& key,
                       SalvageBudget& budget)
    : up_(database, select + " AND " + key + " > ?2 AND " + key + " < ?3 ORDER BY " + key),
      down_(database,
            select + " AND " + key + " > ?2 AND " + key + " < ?3 ORDER BY " + key + " DESC"),
      budget_(budget) {}

NumberWalk::Stretch NumberWalk::walk(bool up, std::int64_t low, std::int64_t high) {
  Statement& statement = up ? up_ : down_;
  statement.bind(1, of_);
  statement.bind(2, low);
  statement.bind(3, high);
  Stretch stretch{up ? low : high};
  try {
    while (statement.step()) {
      const std::int64_t key = statement.integer(0);
      const bool is_next = up ? key > stretch.last && key < high : key < stretch.last && key > low;
      if (!is_next) throw_damaged_row("keys that do not rise");
      stretch.last = key;
      stretch.any = true;
      take(statement, *on_row_);
    }
    stretch.whole = true;
  } catch (const SqliteError&) {
    statement.reset();
  }
  return stretch;
}

void NumberWalk::run(std::int64_t of, const OnSalvagedRow& on_row) {
  of_ = of;
  on_row_ = &on_row;
  const Stretch begin = walk(true, 0, std::numeric_limits<std::int64_t>::max());
  if (begin.whole) return;
  const Stretch end = walk(false, begin.last, std::numeric_limits<std::int64_t>::max());
  if (end.whole) return;

  // What lies between: jump ahead in growing steps until a row can be read, then look back from it.
  std::int64_t low = begin.last;
  const std::int64_t high = end.last;
  for (std::int64_t step = 1; budget_.probes > 0 && step < high - low;) {
    --budget_.probes;
    const std::int64_t at = low + step;
    const Stretch ahead = walk(true, at, high);
    if (!ahead.any && !ahead.whole) {
      if (step > (high - low) / 2) break;
      step *= 2;
      continue;
    }
    walk(false, low, at + 1);
    if (ahead.whole) return;
    low = ahead.last;
    step = 1;
  }
}

TextWalk::TextWalk(Database& database, const std::string& select, const std::string& key)
    : up_(database, select + " AND " + key + " > ?2 ORDER BY " + key),
      down_(database, select + " AND " + key + " > ?2 ORDER BY " + key + " DESC") {}

TextWalk::Gap TextWalk::run(std::int64_t of, const OnSalvagedRow& on_row) {
  Gap gap;
  try {
    up_.bind(1, of);
    up_.bind_text(2, "");
    while (up_.step()) {
      const std::string_view key = up_.text(0);
      if (key <= gap.low) throw_damaged_row("keys that do not rise");
      gap.low = key;
      take(up_, on_row);
    }
    return gap;
  } catch (const SqliteError&) {
    up_.reset();
  }
  gap.is_there = true;
  try {
    down_.bind(1, of);
    down_.bind_text(2, gap.low);
    while (down_.step()) {
      const std::string_view key = down_.text(0);
      if (key <= gap.low || (!gap.high.empty() && key >= gap.high))
        throw_damaged_row("keys that do not fall");
      gap.high = key;
      take(down_, on_row);
    }
    gap.is_there = false;
  } catch (const SqliteError&) {
    down_.reset();
  }
  return gap;
}

}  // namespace starling
