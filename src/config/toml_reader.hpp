// A table of a TOML document, read key by key: whoever asks for a key makes it known; what nobody
// asked for is an error when the table is finished, with the nearest known key beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// The text a document came from, to show lines of it.
class TomlSource {
 public:
  /// `name`: path or flag. `has_lines`: false for a flag, whose places mean nothing to a person.
  TomlSource(std::string name, std::string_view text, bool has_lines);

  [[nodiscard]] Origin origin_of(const toml::source_region& region) const;
  void report(std::vector<Diagnostic>& to, const toml::source_region& region, std::string message,
              std::string suggestion = {}) const;

 private:
  [[nodiscard]] std::string line_text(std::size_t number) const;

  std::string name_;
  std::string_view text_;
  bool has_lines_;
};

class TomlReader {
 public:
  TomlReader(const toml::table& table, const TomlSource& source, std::vector<Diagnostic>& trouble,
             std::string path = {})
      : table_(table), source_(source), trouble_(trouble), path_(std::move(path)) {}

  // Each leaves `into` alone when the key is absent, and reports a value of the wrong type or
  // range.
  void read(std::string_view key, std::string& into);
  void read(std::string_view key, bool& into);
  void read(std::string_view key, std::vector<std::string>& into);
  template <std::unsigned_integral T>
  void read(std::string_view key, T& into, T least = 0, T most = std::numeric_limits<T>::max()) {
    read_integer(key, least, most, [&](std::uint64_t value) { into = static_cast<T>(value); });
  }
  /// One of `words`; calls `chosen` with its index.
  void read_choice(std::string_view key, std::span<const std::string_view> words,
                   const std::function<void(std::size_t)>& chosen);
  /// `[key]`: a table.
  void read_table(std::string_view key, const std::function<void(TomlReader&)>& with);
  /// `[[key]]`: an array of tables, in order.
  void read_tables(std::string_view key, const std::function<void(TomlReader&)>& with);
  /// A key that is part of the plan but not of this version: an error that says so, never silence.
  void refuse(std::string_view key, std::string_view why);

  /// Reports the keys nobody asked for. Call last.
  void finish();
  [[nodiscard]] Origin origin() const { return source_.origin_of(table_.source()); }
  /// Where `key` was written; this table's place when it was not.
  [[nodiscard]] Origin origin_of(std::string_view key) const;
  void report(std::string_view key, std::string message, std::string suggestion = {});

 private:
  const toml::node* find(std::string_view key);
  void read_integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                    const std::function<void(std::uint64_t)>& store);
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted);
  void visit_table(const toml::table& table, std::string_view key,
                   const std::function<void(TomlReader&)>& with);

  const toml::table& table_;
  const TomlSource& source_;
  std::vector<Diagnostic>& trouble_;
  std::string path_;
  std::vector<std::string_view> known_;
};

}  // namespace starling::config
