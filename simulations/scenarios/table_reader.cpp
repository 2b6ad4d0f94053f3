#include "simulations/scenarios/table_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace starling::sim {
namespace {

/// A number at the front of `text`, and the unit behind it.
std::optional<std::pair<double, std::string_view>> split(std::string_view text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return std::pair{number, unit};
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  const auto [number, unit] = *parts;
  double seconds = 0;
  if (unit == "us")
    seconds = 1e-6;
  else if (unit == "ms")
    seconds = 1e-3;
  else if (unit == "s")
    seconds = 1;
  else if (unit == "min")
    seconds = 60;
  else if (unit == "h")
    seconds = 3'600;
  else if (unit == "d")
    seconds = 86'400;
  else if (number != 0 || !unit.empty())
    return std::nullopt;
  if (number * seconds > 100.0 * 86'400) return std::nullopt;
  return Duration{static_cast<Duration::rep>(number * seconds * 1e9)};
}

std::optional<double> parse_rate(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  const auto [number, unit] = *parts;
  double factor = 0;
  if (unit == "bit/s")
    factor = 1.0 / 8;
  else if (unit == "kbit/s")
    factor = 1e3 / 8;
  else if (unit == "Mbit/s")
    factor = 1e6 / 8;
  else if (unit == "Gbit/s")
    factor = 1e9 / 8;
  else if (unit == "B/s")
    factor = 1;
  else if (unit == "kB/s")
    factor = 1e3;
  else if (unit == "MB/s")
    factor = 1e6;
  const double rate = number * factor;
  return rate > 0 ? std::optional(rate) : std::nullopt;
}

const toml::node* find_text(const toml::node& node, std::string_view text) {
  if (const auto* value = node.as_string()) return value->get() == text ? &node : nullptr;
  const toml::node* found = nullptr;
  if (const toml::array* list = node.as_array())
    for (auto each = list->begin(); found == nullptr && each != list->end(); ++each)
      found = find_text(*each, text);
  if (const toml::table* table = node.as_table())
    for (auto each = table->begin(); found == nullptr && each != table->end(); ++each)
      found = find_text(each->second, text);
  return found;
}

const toml::node* TableReader::find(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

bool TableReader::has(std::string_view key) {
  return find(key) != nullptr;
}

void TableReader::wrong(std::string_view key, const std::string& why,
                        const std::string& suggestion) {
  const toml::node* node = key.empty() ? nullptr : table_.get(key);
  const std::string where = key.empty()     ? name_
                            : name_.empty() ? std::string(key)
                                            : name_ + "." + std::string(key);
  source_.report(trouble_, node != nullptr ? node->source() : table_.source(), where + " " + why,
                 suggestion);
}

void TableReader::wrong_text(std::string_view key, std::string_view text, const std::string& why) {
  const toml::node* node = table_.get(key);
  const toml::node* found = node != nullptr ? find_text(*node, text) : nullptr;
  if (found == nullptr) return wrong(key, why);
  const std::string where = name_.empty() ? std::string(key) : name_ + "." + std::string(key);
  source_.report(trouble_, found->source(), where + " " + why);
}

void TableReader::read(std::string_view key, std::string& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto value = node->value_exact<std::string>())
    out = *value;
  else
    wrong(key, "must be a text in quotes");
}

void TableReader::read(std::string_view key, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto value = node->value_exact<bool>())
    out = *value;
  else
    wrong(key, "must be true or false");
}

void TableReader::read(std::string_view key, Duration& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto text = node->value_exact<std::string>();
  const auto value = text ? parse_duration(*text) : std::nullopt;
  if (value)
    out = *value;
  else
    wrong(key, "must be a time such as \"150ms\", \"20s\", \"15min\" or \"2h\"");
}

void TableReader::read(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto one = node->value_exact<std::string>()) {
    out = {*one};
    return;
  }
  const toml::array* list = node->as_array();
  std::vector<std::string> all;
  if (list != nullptr)
    for (const toml::node& each : *list)
      if (const auto text = each.value_exact<std::string>()) all.push_back(*text);
  if (list == nullptr || all.size() != list->size())
    return wrong(key, "must be a text or a list of texts");
  out = std::move(all);
}

void TableReader::read_count(std::string_view key, std::uint32_t& out, std::uint32_t most) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= 0 && *value <= std::int64_t{most})
    out = static_cast<std::uint32_t>(*value);
  else
    wrong(key, "must be a whole number from 0 to " + std::to_string(most));
}

void TableReader::read_count(std::string_view key, std::uint64_t& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= 0)
    out = static_cast<std::uint64_t>(*value);
  else
    wrong(key, "must be a whole number, 0 or more");
}

void TableReader::read_share(std::string_view key, double& out) {
  read_number(key, out, 0, 1);
}

void TableReader::read_number(std::string_view key, double& out, double least, double most) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value<double>();
  if (value && *value >= least && *value <= most) {
    out = *value;
    return;
  }
  const auto tell = [](double number) {
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  wrong(key, "must be a number from " + tell(least) + " to " + tell(most));
}

void TableReader::read_rate(std::string_view key, double& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto text = node->value_exact<std::string>();
  const auto value = text ? parse_rate(*text) : std::nullopt;
  if (value)
    out = *value;
  else
    wrong(key, "must be a rate such as \"10 Mbit/s\" or \"500 kB/s\"");
}

void TableReader::table(std::string_view key, const std::function<void(TableReader&)>& inside) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* found = node->as_table();
  if (found == nullptr) return wrong(key, "must be a table");
  TableReader reader(*found, source_, std::string(key), trouble_);
  inside(reader);
  reader.finish();
}

void TableReader::tables(std::string_view key, const std::function<void(TableReader&)>& each) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr)
    return wrong(key, "must be written [[" + std::string(key) + "]], once for each");
  for (const toml::node& element : *list) {
    const toml::table* found = element.as_table();
    if (found == nullptr)
      return wrong(key, "must be written [[" + std::string(key) + "]], once for each");
    TableReader reader(*found, source_, std::string(key), trouble_);
    each(reader);
    reader.finish();
  }
}

void TableReader::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    const std::string where = name_.empty() ? "" : " in " + name_;
    source_.report(trouble_, node.source(),
                   "unknown key \"" + config::printable(key.str()) + "\"" + where,
                   config::did_you_mean(key.str(), known));
  }
}

}  // namespace starling::sim
