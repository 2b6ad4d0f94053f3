// Walks over a table of which parts cannot be read: around a damaged page and on behind it. Keys must
// rise, so a damaged tree cannot lead in circles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "src/store/sqlite.hpp"

namespace starling {

/// One for all walks of a rescue, so that it ends whatever the damage.
struct SalvageBudget {
  std::size_t probes = 100'000;  ///< seeks behind damage, each a few microseconds
};

/// Takes one row. Throws SqliteError for a row that makes no sense; it is left out.
using OnSalvagedRow = std::function<void(const Statement&)>;

/// Rows with a number above zero as key.
class NumberWalk {
 public:
  /// `select`: up to and with its WHERE clause, in which ?1 is what run() is given. `key`: the name of
  /// the key's column, which is column 0 of the result.
  NumberWalk(Database& database, const std::string& select, const std::string& key,
             SalvageBudget& budget);
  /// Each row that can be read, in no order, once. `of`: of this session, say.
  void run(std::int64_t of, const OnSalvagedRow& on_row);

 private:
  struct Stretch {
    std::int64_t last;   ///< key of the last row, or where it began
    bool whole = false;  ///< it came to its end
    bool any = false;
  };
  Stretch walk(bool up, std::int64_t low, std::int64_t high);

  Statement up_;
  Statement down_;
  SalvageBudget& budget_;
  std::int64_t of_ = 0;
  const OnSalvagedRow* on_row_ = nullptr;
};

/// Rows with a text as key: from both ends to where the damage begins.
class TextWalk {
 public:
  TextWalk(Database& database, const std::string& select, const std::string& key);
  /// Where nothing could be read; keys between `low` and `high`, which is empty for "no end".
  struct Gap {
    bool is_there = false;
    std::string low;
    std::string high;
  };
  Gap run(std::int64_t of, const OnSalvagedRow& on_row);

 private:
  Statement up_;
  Statement down_;
};

}  // namespace starling
