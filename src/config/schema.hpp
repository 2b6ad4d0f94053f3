// The schema of the settings: every key, its kind and its range, written once. What reads TOML,
// what prints it and what --set changes all visit it, so they cannot disagree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/config/settings.hpp"

namespace starling::config {

/// How people may write a number beside its digits: 4194304 or "4 MiB", 30 or "30s".
enum class Unit : std::uint8_t { none, bytes, bytes_per_s, seconds };

enum class Kind : std::uint8_t {
  flag,     ///< bool
  number,   ///< std::uint64_t between `least` and `most`
  text,     ///< std::string
  texts,    ///< std::vector<std::string>
  numbers,  ///< std::vector<std::uint64_t>, each between `least` and `most`
  choice,   ///< std::string, one of `words`
  mode      ///< std::uint64_t, file permissions, written in octal: "0660"
};

using Value = std::variant<bool, std::uint64_t, std::string, std::vector<std::string>,
                           std::vector<std::uint64_t>>;

/// One key of a table, with the way to its place in the settings. Lives only while it is visited.
struct Field {
  std::string_view key;
  Kind kind = Kind::text;
  Unit unit = Unit::none;
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  std::span<const std::string_view> words;
  bool one_or_many = false;  ///< texts: a single one may be written without brackets
  std::function<std::optional<Value>()> get;  ///< nothing: not set, and nobody reads a default
  std::function<void(Value)> set;             ///< takes only what kind, range and words allow
};

/// `[[key]]`: elements are visited by their index, from 0.
struct TableList {
  std::size_t size = 0;
  std::size_t size_max = 0;
  std::function<std::size_t()> append;  ///< returns the index of the new element
  std::function<void(std::size_t)> visit;
};

class SchemaVisitor {
 public:
  virtual ~SchemaVisitor() = default;
  virtual void field(const Field& field) = 0;
  /// `[key]`. `present`: there is something to print. Whoever has a use for the table calls
  /// `inside`, which visits its keys.
  virtual void table(std::string_view key, bool present, const std::function<void()>& inside) = 0;
  virtual void tables(std::string_view key, const TableList& list) = 0;
  /// A key that is part of the plan but not of this version: an error that says so, never silence.
  virtual void refused(std::string_view key, std::string_view why) = 0;
  /// Where this table was written goes into `origin`.
  virtual void place(Origin& origin) = 0;
  /// Something about `key` of this table is wrong, now that it has been read.
  virtual void trouble(std::string_view key, std::string message) = 0;
};

/// Visits every key of `settings`: those of a table before its tables, in the order of printing.
void visit_settings(SchemaVisitor& visitor, Settings& settings);

}  // namespace starling::config
