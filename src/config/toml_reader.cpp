#include "src/config/toml_reader.hpp"

#include <algorithm>
#include <charconv>

#include "src/config/quantity.hpp"

namespace starling::config {
namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

}  // namespace

TomlSource::TomlSource(std::string name, std::string_view text, bool has_lines)
    : name_(std::move(name)), text_(text), has_lines_(has_lines) {}

Origin TomlSource::origin_of(const toml::source_region& region) const {
  if (!has_lines_) return {name_};
  return {name_ + ":" + std::to_string(region.begin.line) + ":"
          + std::to_string(region.begin.column)};
}

void TomlSource::report(std::vector<Diagnostic>& to, const toml::source_region& region,
                        std::string message, std::string suggestion) const {
  Diagnostic diagnostic;
  diagnostic.source = name_;
  diagnostic.message = std::move(message);
  diagnostic.suggestion = std::move(suggestion);
  if (has_lines_ && to.size() < limits::config_troubles_max) {
    diagnostic.line = region.begin.line;
    diagnostic.column = region.begin.column;
    diagnostic.excerpt = excerpt_of(text_, region.begin.line);
    if (region.end.line == region.begin.line && region.end.column > region.begin.column)
      diagnostic.marked = region.end.column - region.begin.column;
    if (diagnostic.column > diagnostic.excerpt.size() + 1) diagnostic.excerpt.clear();
  }
  config::report(to, std::move(diagnostic));
}

TomlReader::TomlReader(const toml::table& document, const TomlSource& source,
                       std::map<std::string, Origin, std::less<>>& origins,
                       std::vector<Diagnostic>& trouble)
    : source_(source), origins_(origins), trouble_(trouble) {
  levels_.push_back({&document, "", {}});
}

const toml::node* TomlReader::find(std::string_view key) {
  levels_.back().known.push_back(key);
  return levels_.back().table->get(key);
}

std::string TomlReader::path_of(std::string_view key) const {
  return levels_.back().path + std::string(key);
}

std::string TomlReader::name_of(std::string_view key) const {
  std::string name = path_of(key);
  for (std::size_t open = name.find('['); open != std::string::npos; open = name.find('[', open))
    name.erase(open, name.find(']', open) + 1 - open);
  return name;
}

void TomlReader::report(const toml::node& node, std::string message, std::string suggestion) {
  source_.report(trouble_, node.source(), std::move(message), std::move(suggestion));
}

void TomlReader::wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
  report(node, name_of(key) + " must be " + std::string(wanted) + ", not "
                   + std::string(type_name(node)));
}

void TomlReader::field(const Field& field) {
  const toml::node* node = find(field.key);
  if (!node) return;
  auto value = value_of(*node, field);
  if (!value) return;
  field.set(std::move(*value));
  origins_[path_of(field.key)] = source_.origin_of(node->source());
}

std::optional<Value> TomlReader::value_of(const toml::node& node, const Field& field) {
  switch (field.kind) {
    case Kind::flag:
      if (const auto* yes = node.as_boolean()) return Value{yes->get()};
      wrong_type(node, field.key, "true or false");
      return std::nullopt;
    case Kind::text:
      if (const auto* text = node.as_string()) return Value{text->get()};
      wrong_type(node, field.key, "a string");
      return std::nullopt;
    case Kind::number:
      return number_of(node, field);
    case Kind::mode:
      return mode_of(node, field);
    case Kind::choice:
      return choice_of(node, field);
    case Kind::texts:
      return texts_of(node, field);
    case Kind::numbers:
      return numbers_of(node, field);
  }
  return std::nullopt;
}

bool TomlReader::in_range(const toml::node& node, const Field& field, std::int64_t value) {
  if (value >= 0 && static_cast<std::uint64_t>(value) >= field.least
      && static_cast<std::uint64_t>(value) <= field.most)
    return true;
  report(node, name_of(field.key) + " = " + std::to_string(value) + " is out of range ("
                   + std::to_string(field.least) + ".." + std::to_string(field.most) + ")");
  return false;
}

std::optional<Value> TomlReader::number_of(const toml::node& node, const Field& field) {
  std::int64_t value = 0;
  if (const auto* number = node.as_integer()) {
    value = number->get();
  } else if (const auto* text = node.as_string(); text && field.unit != Unit::none) {
    const auto quantity = parse_quantity(text->get(), field.unit);
    if (!quantity) {
      report(node, name_of(field.key) + " = \"" + printable(text->get()) + "\" is not "
                       + std::string(quantity_wanted(field.unit)));
      return std::nullopt;
    }
    value = static_cast<std::int64_t>(*quantity);
  } else {
    wrong_type(node, field.key, quantity_wanted(field.unit));
    return std::nullopt;
  }
  if (!in_range(node, field, value)) return std::nullopt;
  return Value{static_cast<std::uint64_t>(value)};
}

std::optional<Value> TomlReader::mode_of(const toml::node& node, const Field& field) {
  constexpr std::string_view wanted = "permissions in octal such as \"0660\"";
  const auto* text = node.as_string();
  if (!text) {
    wrong_type(node, field.key, wanted);
    return std::nullopt;
  }
  std::uint64_t mode = 0;
  const std::string& digits = text->get();
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), mode, 8);
  if (error == std::errc{} && end == digits.data() + digits.size() && mode <= field.most)
    return Value{mode};
  report(node,
         name_of(field.key) + " = \"" + printable(digits) + "\" is not " + std::string(wanted));
  return std::nullopt;
}

std::optional<Value> TomlReader::choice_of(const toml::node& node, const Field& field) {
  const auto* text = node.as_string();
  if (!text) {
    wrong_type(node, field.key, "a string");
    return std::nullopt;
  }
  if (std::find(field.words.begin(), field.words.end(), text->get()) != field.words.end())
    return Value{text->get()};
  std::string list;
  for (const std::string_view word : field.words)
    list += (list.empty() ? "" : ", ") + ("\"" + std::string(word) + "\"");
  report(node, name_of(field.key) + " = \"" + printable(text->get()) + "\" is none of " + list,
         did_you_mean(text->get(), field.words));
  return std::nullopt;
}

std::optional<Value> TomlReader::texts_of(const toml::node& node, const Field& field) {
  const std::string_view wanted =
      field.one_or_many ? "a string or an array of strings" : "an array of strings";
  if (const auto* one = node.as_string(); one && field.one_or_many)
    return Value{std::vector<std::string>{one->get()}};
  const auto* array = node.as_array();
  if (!array) {
    wrong_type(node, field.key, wanted);
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (!text) {
      wrong_type(element, field.key, wanted);
      return std::nullopt;
    }
    texts.push_back(text->get());
  }
  return Value{std::move(texts)};
}

std::optional<Value> TomlReader::numbers_of(const toml::node& node, const Field& field) {
  const auto* array = node.as_array();
  if (!array) {
    wrong_type(node, field.key, "an array of whole numbers");
    return std::nullopt;
  }
  std::vector<std::uint64_t> numbers;
  for (const toml::node& element : *array) {
    const auto* number = element.as_integer();
    if (!number) {
      wrong_type(element, field.key, "an array of whole numbers");
      return std::nullopt;
    }
    if (!in_range(element, field, number->get())) return std::nullopt;
    const auto value = static_cast<std::uint64_t>(number->get());
    if (std::find(numbers.begin(), numbers.end(), value) == numbers.end()) numbers.push_back(value);
  }
  return Value{std::move(numbers)};
}

void TomlReader::enter(const toml::table& table, std::string path,
                       const std::function<void()>& inside) {
  levels_.push_back({&table, std::move(path), {}});
  inside();
  finish_level();
  levels_.pop_back();
}

void TomlReader::table(std::string_view key, bool /*present*/,
                       const std::function<void()>& inside) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* table = node->as_table();
  if (!table) return wrong_type(*node, key, "a table: [" + name_of(key) + "]");
  enter(*table, path_of(key) + ".", inside);
}

bool TomlReader::has_room(const toml::node& at, std::string_view key, const TableList& list,
                          std::size_t more) {
  if (list.size + more <= list.size_max) return true;
  report(at, "more than " + std::to_string(list.size_max) + " tables [[" + name_of(key) + "]]");
  return false;
}

void TomlReader::tables(std::string_view key, const TableList& list) {
  const toml::node* node = find(key);
  if (!node) return;
  const std::string wanted = "an array of tables: [[" + name_of(key) + "]]";
  if (const auto* elements = node->as_table(); elements && !source_.has_lines())
    return visit_numbered(*elements, key, list);
  const auto* array = node->as_array();
  if (!array) return wrong_type(*node, key, wanted);
  if (!has_room(*node, key, list, array->size())) return;
  for (const toml::node& element : *array) {
    const auto* table = element.as_table();
    if (!table) {
      wrong_type(element, key, wanted);
      continue;
    }
    const std::size_t index = list.append();
    enter(*table, path_of(key) + "[" + std::to_string(index) + "].", [&] { list.visit(index); });
  }
}

/// `listener.0.port=1884`: elements by their number, as flags name them.
void TomlReader::visit_numbered(const toml::table& elements, std::string_view key,
                                const TableList& list) {
  for (const auto& [name, node] : elements) {
    std::size_t index = 0;
    const std::string_view digits = name.str();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    const auto* table = node.as_table();
    if (error != std::errc{} || end != digits.data() + digits.size() || index > list.size
        || !table) {
      report(node, name_of(key) + " has " + std::to_string(list.size) + " elements, so "
                       + name_of(key) + "." + printable(digits) + " names none");
      continue;
    }
    if (index == list.size) {
      if (!has_room(node, key, list, 1)) return;
      list.append();
    }
    enter(*table, path_of(key) + "[" + std::to_string(index) + "].", [&] { list.visit(index); });
  }
}

void TomlReader::refused(std::string_view key, std::string_view why) {
  if (const toml::node* node = find(key)) report(*node, name_of(key) + " " + std::string(why));
}

void TomlReader::place(Origin& origin) {
  origin = source_.origin_of(levels_.back().table->source());
}

void TomlReader::trouble(std::string_view key, std::string message) {
  const toml::node* node = levels_.back().table->get(key);
  source_.report(trouble_, node ? node->source() : levels_.back().table->source(),
                 std::move(message));
}

const toml::node* TomlReader::find_outside(std::string_view table, std::string_view key) {
  const toml::node* node = find(table);
  if (!node) return nullptr;
  const auto* inner = node->as_table();
  if (!inner) {
    wrong_type(*node, table, "a table: [" + std::string(table) + "]");
    return nullptr;
  }
  const toml::node* found = nullptr;
  enter(*inner, std::string(table) + ".", [&] { found = find(key); });
  return found;
}

void TomlReader::finish_level() {
  const Level& level = levels_.back();
  for (const auto& [key, node] : *level.table) {
    if (std::find(level.known.begin(), level.known.end(), key.str()) != level.known.end()) continue;
    source_.report(trouble_, key.source(), "unknown key \"" + printable(key.str()) + "\"",
                   did_you_mean(key.str(), level.known));
  }
}

void TomlReader::finish() {
  finish_level();
}

}  // namespace starling::config
