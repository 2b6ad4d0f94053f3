// Visits the schema with a TOML document in hand: what is written goes to its place, a wrong type
// or range is a trouble, and what no visit asked for is an unknown key, with the nearest known one
// beside it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

#include "src/config/diagnostics.hpp"
#include "src/config/schema.hpp"

namespace starling::config {

/// The text a document came from, to show lines of it.
class TomlSource {
 public:
  /// `name`: path or flag. `has_lines`: false for a flag, whose places mean nothing to a person.
  TomlSource(std::string name, std::string_view text, bool has_lines);

  [[nodiscard]] bool has_lines() const { return has_lines_; }
  [[nodiscard]] Origin origin_of(const toml::source_region& region) const;
  void report(std::vector<Diagnostic>& to, const toml::source_region& region, std::string message,
              std::string suggestion = {}) const;

 private:
  std::string name_;
  std::string_view text_;
  bool has_lines_;
};

class TomlReader final : public SchemaVisitor {
 public:
  /// Origins of what is read go into `origins` by the path of the key.
  TomlReader(const toml::table& document, const TomlSource& source,
             std::map<std::string, Origin, std::less<>>& origins, std::vector<Diagnostic>& trouble);

  void field(const Field& field) override;
  void table(std::string_view key, bool present, const std::function<void()>& inside) override;
  void tables(std::string_view key, const TableList& list) override;
  void refused(std::string_view key, std::string_view why) override;
  void place(Origin& origin) override;
  void trouble(std::string_view key, std::string message) override;

  /// A text of the document's root that is not part of the settings ("mosquitto", "import");
  /// nothing when it was not written. Its table has no other key.
  const toml::node* find_outside(std::string_view table, std::string_view key);
  void report(const toml::node& node, std::string message, std::string suggestion = {});

  /// Reports the keys of the root nobody asked for. Call last.
  void finish();

 private:
  /// A table that is being visited.
  struct Level {
    const toml::table* table;
    std::string path;  ///< of its keys: "limits.mesh."
    std::vector<std::string_view> known;
  };

  const toml::node* find(std::string_view key);
  [[nodiscard]] std::string path_of(std::string_view key) const;
  /// The same for people, without the number of an element: the place tells which it is.
  [[nodiscard]] std::string name_of(std::string_view key) const;
  void enter(const toml::table& table, std::string path, const std::function<void()>& inside);
  void finish_level();
  void visit_numbered(const toml::table& elements, std::string_view key, const TableList& list);
  bool has_room(const toml::node& at, std::string_view key, const TableList& list,
                std::size_t more);
  std::optional<Value> value_of(const toml::node& node, const Field& field);
  std::optional<Value> number_of(const toml::node& node, const Field& field);
  std::optional<Value> mode_of(const toml::node& node, const Field& field);
  std::optional<Value> choice_of(const toml::node& node, const Field& field);
  std::optional<Value> texts_of(const toml::node& node, const Field& field);
  std::optional<Value> numbers_of(const toml::node& node, const Field& field);
  bool in_range(const toml::node& node, const Field& field, std::int64_t value);
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted);

  const TomlSource& source_;
  std::map<std::string, Origin, std::less<>>& origins_;
  std::vector<Diagnostic>& trouble_;
  std::vector<Level> levels_;
};

}  // namespace starling::config
