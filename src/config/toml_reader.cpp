#include "src/config/toml_reader.hpp"

#include <algorithm>

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

std::string TomlSource::line_text(std::size_t number) const {
  std::size_t begin = 0;
  for (std::size_t line = 1; line < number; ++line) {
    begin = text_.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  std::string line(text_.substr(begin, std::min(text_.find('\n', begin), text_.size()) - begin));
  if (!line.empty() && line.back() == '\r') line.pop_back();
  constexpr std::size_t shown_max = 160;
  if (line.size() > shown_max) line = line.substr(0, shown_max) + "...";
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return line;
}

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
  if (has_lines_) {
    diagnostic.line = region.begin.line;
    diagnostic.column = region.begin.column;
    diagnostic.excerpt = line_text(region.begin.line);
    if (region.end.line == region.begin.line && region.end.column > region.begin.column)
      diagnostic.marked = region.end.column - region.begin.column;
    if (diagnostic.column > diagnostic.excerpt.size() + 1) diagnostic.excerpt.clear();
  }
  to.push_back(std::move(diagnostic));
}

const toml::node* TomlReader::find(std::string_view key) {
  known_.push_back(key);
  return table_.get(key);
}

Origin TomlReader::origin_of(std::string_view key) const {
  const toml::node* node = table_.get(key);
  return source_.origin_of(node ? node->source() : table_.source());
}

void TomlReader::report(std::string_view key, std::string message, std::string suggestion) {
  const toml::node* node = table_.get(key);
  source_.report(trouble_, node ? node->source() : table_.source(), std::move(message),
                 std::move(suggestion));
}

void TomlReader::wrong_type(const toml::node& node, std::string_view key, std::string_view wanted) {
  source_.report(trouble_, node.source(),
                 path_ + std::string(key) + " must be " + std::string(wanted) + ", not "
                     + std::string(type_name(node)));
}

void TomlReader::read(std::string_view key, std::string& into) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* text = node->as_string())
    into = text->get();
  else
    wrong_type(*node, key, "a string");
}

void TomlReader::read(std::string_view key, bool& into) {
  const toml::node* node = find(key);
  if (!node) return;
  if (const auto* yes = node->as_boolean())
    into = yes->get();
  else
    wrong_type(*node, key, "true or false");
}

void TomlReader::read(std::string_view key, std::vector<std::string>& into) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* array = node->as_array();
  if (!array) return wrong_type(*node, key, "an array of strings");
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    if (!text) return wrong_type(element, key, "an array of strings");
    texts.push_back(text->get());
  }
  into = std::move(texts);
}

void TomlReader::read_integer(std::string_view key, std::uint64_t least, std::uint64_t most,
                              const std::function<void(std::uint64_t)>& store) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* number = node->as_integer();
  if (!number) return wrong_type(*node, key, "a whole number");
  const std::int64_t value = number->get();
  if (value < 0 || static_cast<std::uint64_t>(value) < least
      || static_cast<std::uint64_t>(value) > most)
    return source_.report(trouble_, node->source(),
                          path_ + std::string(key) + " = " + std::to_string(value)
                              + " is out of range (" + std::to_string(least) + ".."
                              + std::to_string(most) + ")");
  store(static_cast<std::uint64_t>(value));
}

void TomlReader::read_choice(std::string_view key, std::span<const std::string_view> words,
                             const std::function<void(std::size_t)>& chosen) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* text = node->as_string();
  if (!text) return wrong_type(*node, key, "a string");
  const auto at = std::find(words.begin(), words.end(), text->get());
  if (at != words.end()) return chosen(static_cast<std::size_t>(at - words.begin()));
  std::string list;
  for (const std::string_view word : words)
    list += (list.empty() ? "" : ", ") + ("\"" + std::string(word) + "\"");
  source_.report(trouble_, node->source(),
                 path_ + std::string(key) + " = \"" + text->get() + "\" is none of " + list,
                 did_you_mean(text->get(), words));
}

void TomlReader::visit_table(const toml::table& table, std::string_view key,
                             const std::function<void(TomlReader&)>& with) {
  TomlReader reader(table, source_, trouble_, path_ + std::string(key) + ".");
  with(reader);
  reader.finish();
}

void TomlReader::read_table(std::string_view key, const std::function<void(TomlReader&)>& with) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto* table = node->as_table();
  if (!table) return wrong_type(*node, key, "a table: [" + path_ + std::string(key) + "]");
  visit_table(*table, key, with);
}

void TomlReader::read_tables(std::string_view key, const std::function<void(TomlReader&)>& with) {
  const toml::node* node = find(key);
  if (!node) return;
  const std::string wanted = "an array of tables: [[" + path_ + std::string(key) + "]]";
  const auto* array = node->as_array();
  if (!array) return wrong_type(*node, key, wanted);
  for (const toml::node& element : *array) {
    const auto* table = element.as_table();
    if (!table)
      wrong_type(element, key, wanted);
    else
      visit_table(*table, key, with);
  }
}

void TomlReader::refuse(std::string_view key, std::string_view why) {
  if (const toml::node* node = find(key))
    source_.report(trouble_, node->source(), path_ + std::string(key) + " " + std::string(why));
}

void TomlReader::finish() {
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    source_.report(trouble_, key.source(), "unknown key \"" + std::string(key.str()) + "\"",
                   did_you_mean(key.str(), known_));
  }
}

}  // namespace starling::config
