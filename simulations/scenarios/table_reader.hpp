// TableReader: one table of a scenario file. It hands out what is asked for, reports what is of the
// wrong kind, and at the end every key that nobody asked for, with the nearest known one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

#include "starling/time.hpp"

#include "src/config/diagnostics.hpp"
#include "src/config/toml_reader.hpp"

namespace starling::sim {

/// "150ms", "2.5 s", "10min", "2h". nullopt: no such text, negative, or more than 100 days.
std::optional<Duration> parse_duration(std::string_view text);
/// "10 Mbit/s", "500 kB/s": bytes per second. nullopt: no such text, or nothing.
std::optional<double> parse_rate(std::string_view text);

/// The first text in `node`, or below it, that reads `text`; null: there is none.
const toml::node* find_text(const toml::node& node, std::string_view text);

class TableReader {
 public:
  /// All outlive the reader. `name` of the table, for messages.
  TableReader(const toml::table& table, const config::TomlSource& source, std::string name,
              std::vector<config::Diagnostic>& trouble)
      : table_(table), source_(source), name_(std::move(name)), trouble_(trouble) {}

  // Each leaves `out` alone when the key is not there, or wrong (which is reported).
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, Duration& out);
  void read(std::string_view key, std::vector<std::string>& out);  ///< a list, or one text
  void read_count(std::string_view key, std::uint32_t& out, std::uint32_t most);
  void read_count(std::string_view key, std::uint64_t& out);
  void read_share(std::string_view key, double& out);  ///< 0 to 1
  void read_number(std::string_view key, double& out, double least, double most);
  void read_rate(std::string_view key, double& out);
  /// A text that `parse` understands; `wanted` says what it should be.
  template <class Value>
  void read_word(std::string_view key, Value& out,
                 const std::function<std::optional<Value>(std::string_view)>& parse,
                 std::string_view wanted) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto text = node->value_exact<std::string>();
    const auto value = text ? parse(*text) : std::nullopt;
    if (value) {
      out = *value;
      return;
    }
    wrong(key, "must be " + std::string(wanted)
                   + (text ? ", not \"" + config::printable(*text) + "\"" : std::string{}));
  }
  /// A table of its own; null: it is not there.
  void table(std::string_view key, const std::function<void(TableReader&)>& inside);
  /// [[key]], each in its order.
  void tables(std::string_view key, const std::function<void(TableReader&)>& each);

  [[nodiscard]] bool has(std::string_view key);
  /// Reports trouble with a key that is there, or with the table.
  void wrong(std::string_view key, const std::string& why, const std::string& suggestion = {});
  /// The same of one text of a list.
  void wrong_text(std::string_view key, std::string_view text, const std::string& why);
  /// Reports the keys nobody asked for. Call last.
  void finish();

 private:
  const toml::node* find(std::string_view key);

  const toml::table& table_;
  const config::TomlSource& source_;
  std::string name_;
  std::vector<config::Diagnostic>& trouble_;
  std::vector<std::string> known_;
};

}  // namespace starling::sim
