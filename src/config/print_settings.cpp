#include "src/config/print_settings.hpp"

#include <sstream>
#include <toml++/toml.h>

#include "src/config/complete.hpp"
#include "src/config/schema.hpp"

namespace starling::config {
namespace {

std::string octal(std::uint64_t mode) {
  std::ostringstream text;
  text << '0' << std::oct << mode;
  return text.str();
}

/// `text` on one line of a comment.
std::string in_comment(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

/// A value as toml++ holds it.
toml::array to_array(const std::vector<std::string>& texts) {
  toml::array array;
  for (const std::string& text : texts) array.push_back(text);
  return array;
}

toml::array to_array(const std::vector<std::uint64_t>& numbers) {
  toml::array array;
  for (const std::uint64_t number : numbers) array.push_back(static_cast<std::int64_t>(number));
  return array;
}

/// Puts `value` of `field` into `table`.
void insert(toml::table& table, const Field& field, const Value& value) {
  if (const auto* yes = std::get_if<bool>(&value)) {
    table.insert(field.key, *yes);
  } else if (const auto* number = std::get_if<std::uint64_t>(&value)) {
    if (field.kind == Kind::mode)
      table.insert(field.key, octal(*number));
    else
      table.insert(field.key, static_cast<std::int64_t>(*number));
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    table.insert(field.key, *text);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    if (field.one_or_many && texts->size() == 1)
      table.insert(field.key, texts->front());
    else
      table.insert(field.key, to_array(*texts));
  } else if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value)) {
    table.insert(field.key, to_array(*numbers));
  }
}

/// Where the visit is: the path of the keys of the current table.
class PathVisitor : public SchemaVisitor {
 public:
  void refused(std::string_view, std::string_view) override {}
  void place(Origin&) override {}
  void trouble(std::string_view, std::string) override {}

 protected:
  void inside(std::string step, const std::function<void()>& visit) {
    const std::size_t before = path_.size();
    path_ += step;
    visit();
    path_.resize(before);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Lines of TOML, in the order of the schema.
class TomlWriter final : public PathVisitor {
 public:
  explicit TomlWriter(const Settings& settings) : settings_(settings) {}

  void field(const Field& field) override {
    const auto value = field.get();
    if (!value) {
      lines_ += "# " + std::string(field.key) + ": not set\n";
      return;
    }
    std::string line = std::string(field.key) + " = " + literal(field, *value);
    constexpr std::size_t comment_column = 40;
    if (line.size() < comment_column) line.resize(comment_column, ' ');
    const auto origin = settings_.origins.find(path() + std::string(field.key));
    lines_ += line + " # "
              + (origin == settings_.origins.end() ? "default" : in_comment(origin->second.text))
              + "\n";
  }
  void table(std::string_view key, bool present, const std::function<void()>& visit) override {
    if (!present) return;
    const std::string name = name_ + std::string(key);
    lines_ += "\n[" + name + "]\n";
    enter(name, std::string(key) + ".", visit);
  }
  void tables(std::string_view key, const TableList& list) override {
    const std::string name = name_ + std::string(key);
    for (std::size_t i = 0; i < list.size; ++i) {
      lines_ += "\n[[" + name + "]]\n";
      enter(name, std::string(key) + "[" + std::to_string(i) + "].", [&] { list.visit(i); });
    }
  }
  [[nodiscard]] const std::string& lines() const { return lines_; }

 private:
  void enter(const std::string& name, std::string step, const std::function<void()>& visit) {
    const std::string outer = name_;
    name_ = name + ".";
    inside(std::move(step), visit);
    name_ = outer;
  }
  static std::string literal(const Field& field, const Value& value) {
    toml::table table;
    insert(table, field, value);
    std::ostringstream text;
    const toml::format_flags flags = toml::toml_formatter::default_flags
                                     & ~(toml::format_flags::allow_multi_line_strings
                                         | toml::format_flags::allow_literal_strings);
    const toml::node* node = table.get(field.key);
    if (const auto* array = node->as_array()) {
      // One line, whatever its length: the comment with the origin follows it.
      text << "[";
      for (std::size_t i = 0; i < array->size(); ++i) {
        if (i > 0) text << ", ";
        text << toml::toml_formatter(*array->get(i), flags);
      }
      text << "]";
    } else {
      text << toml::toml_formatter(*node, flags);
    }
    return text.str();
  }

  const Settings& settings_;
  std::string name_;  ///< of the current table in headers, without indices
  std::string lines_;
};

/// The settings as a document, for JSON.
class TableBuilder final : public PathVisitor {
 public:
  explicit TableBuilder(toml::table& root) : table_(&root) {}

  void field(const Field& field) override {
    if (const auto value = field.get()) insert(*table_, field, *value);
  }
  void table(std::string_view key, bool present, const std::function<void()>& visit) override {
    if (present) fill(*table_->insert(key, toml::table{}).first->second.as_table(), visit);
  }
  void tables(std::string_view key, const TableList& list) override {
    toml::array& array = *table_->insert(key, toml::array{}).first->second.as_array();
    for (std::size_t i = 0; i < list.size; ++i) {
      array.push_back(toml::table{});
      fill(*array.back().as_table(), [&] { list.visit(i); });
    }
  }

 private:
  void fill(toml::table& table, const std::function<void()>& visit) {
    toml::table* outer = table_;
    table_ = &table;
    visit();
    table_ = outer;
  }

  toml::table* table_;
};

/// Every path once; tables and elements that are not there are visited in a copy.
class PathCollector final : public PathVisitor {
 public:
  void field(const Field& field) override { paths_.push_back(path() + std::string(field.key)); }
  void table(std::string_view key, bool, const std::function<void()>& visit) override {
    inside(std::string(key) + ".", visit);
  }
  void tables(std::string_view key, const TableList& list) override {
    const std::size_t index = list.append();
    inside(std::string(key) + "[].", [&] { list.visit(index); });
  }
  std::vector<std::string> take() { return std::move(paths_); }

 private:
  std::vector<std::string> paths_;
};

}  // namespace

std::string print_toml(const Settings& settings) {
  std::string text = "# The effective configuration, each value with its origin.\n";
  for (const std::string& notice : settings.notices) text += "# " + in_comment(notice) + "\n";
  TomlWriter writer(settings);
  Settings copy = without_inherited(settings);  // the schema is written for readers too
  visit_settings(writer, copy);
  return text + writer.lines();
}

std::string print_json(const Settings& settings) {
  toml::table document;
  document.insert("schema", 1);
  toml::table& root = *document.insert("settings", toml::table{}).first->second.as_table();
  TableBuilder builder(root);
  Settings copy = without_inherited(settings);
  visit_settings(builder, copy);
  toml::table origins;
  for (const auto& [path, origin] : settings.origins) origins.insert(path, origin.text);
  document.insert("origins", std::move(origins));
  document.insert("notices", to_array(settings.notices));
  std::ostringstream text;
  text << toml::json_formatter(document) << "\n";
  return text.str();
}

std::vector<std::string> all_key_paths() {
  Settings settings;
  PathCollector collector;
  visit_settings(collector, settings);
  return collector.take();
}

}  // namespace starling::config
