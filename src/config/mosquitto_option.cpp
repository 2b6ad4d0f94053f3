#include "src/config/mosquitto_option.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "starling/topic.hpp"

namespace starling::config {
namespace {

constexpr std::string_view blanks = " \t\v\f\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

MosquittoOption::MosquittoOption(MosquittoDraft& draft, MosquittoFile& file, std::string_view line,
                                 std::size_t line_number, std::vector<Diagnostic>& trouble)
    : draft_(draft), file_(file), line_(line), line_number_(line_number), trouble_(trouble) {
  name_ = take_word().value_or(std::string_view());
  value_ = name_;
}

MosquittoListener& MosquittoOption::listener() {
  return file_.listener ? *file_.listener : draft_.default_listener;
}

bool MosquittoOption::needs_listener() {
  if (file_.listener) return true;
  fail_option("\"" + std::string(name_) + "\" belongs to a listener, and no line before it in this "
              "file begins one");
  return false;
}

std::optional<std::string_view> MosquittoOption::take_word() {
  const std::size_t begin = line_.find_first_not_of(' ', at_);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = std::min(line_.find(' ', begin), line_.size());
  at_ = end;
  return line_.substr(begin, end - begin);
}

std::optional<std::string_view> MosquittoOption::word() {
  const auto word = take_word();
  if (word)
    value_ = *word;
  else
    fail_option("\"" + std::string(name_) + "\" has no value");
  return word;
}

std::optional<std::string_view> MosquittoOption::optional_word() {
  const auto word = take_word();
  if (!word || word->starts_with('#')) return std::nullopt;
  value_ = *word;
  return word;
}

std::optional<bool> MosquittoOption::flag() {
  static constexpr std::array<std::string_view, 2> names = {"true", "false"};
  const auto text = word();
  if (!text) return std::nullopt;
  if (*text == "true" || *text == "1") return true;
  if (*text == "false" || *text == "0") return false;
  fail("\"" + std::string(name_) + "\" is true or false, not \"" + printable(*text) + "\"",
       did_you_mean(*text, names));
  return std::nullopt;
}

std::optional<std::int64_t> MosquittoOption::number(std::int64_t least, std::int64_t most) {
  const auto text = word();
  if (!text) return std::nullopt;
  std::string_view digits = *text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size() && !digits.empty();
  if (error == std::errc::invalid_argument || !whole) {
    fail("\"" + std::string(name_) + "\" is a whole number, not \"" + printable(*text) + "\"");
    return std::nullopt;
  }
  if (error == std::errc{} && value >= least && value <= most) return value;
  fail("\"" + std::string(name_) + "\" = " + printable(*text) + " is out of range ("
       + std::to_string(least) + ".." + std::to_string(most) + ")");
  return std::nullopt;
}

std::optional<std::string_view> MosquittoOption::choice(std::span<const std::string_view> words) {
  const auto text = word();
  if (!text) return std::nullopt;
  if (std::find(words.begin(), words.end(), *text) != words.end()) return text;
  std::string list;
  for (const std::string_view one : words) list += (list.empty() ? "" : ", ") + std::string(one);
  fail("\"" + std::string(name_) + "\" = \"" + printable(*text) + "\" is none of " + list,
       did_you_mean(*text, words));
  return std::nullopt;
}

std::optional<std::string> MosquittoOption::text() {
  constexpr std::size_t text_size_max = 65'535;  // bytes; Mosquitto's bound
  const std::string_view rest = trimmed(line_.substr(std::min(at_, line_.size())));
  if (rest.empty()) {
    fail_option("\"" + std::string(name_) + "\" has no value");
    return std::nullopt;
  }
  value_ = rest;
  at_ = line_.size();
  if (rest.size() <= text_size_max && is_mqtt_text(rest) && !has_control_character(rest))
    return std::string(rest);
  fail("the value of \"" + std::string(name_) + "\" is not plain UTF-8 text");
  return std::nullopt;
}

std::optional<std::string> MosquittoOption::text_once(std::set<std::string, std::less<>>& written) {
  auto value = text();
  if (value && !written.insert(std::string(name_)).second) {
    fail_option("\"" + std::string(name_) + "\" is written twice");
    return std::nullopt;
  }
  return value;
}

Origin MosquittoOption::origin() const {
  return {file_.name + ":" + std::to_string(line_number_)};
}

void MosquittoOption::set(std::string_view path) {
  settings().origins[std::string(path)] = origin();
}

void MosquittoOption::set_in_listener(std::string_view key) {
  listener().origins[std::string(key)] = origin();
}

void MosquittoOption::report_at(std::size_t column, std::size_t marked, std::string message,
                                std::string suggestion) {
  Diagnostic diagnostic;
  diagnostic.source = file_.name;
  diagnostic.line = line_number_;
  diagnostic.column = column;
  diagnostic.message = std::move(message);
  diagnostic.excerpt = printable(line_);
  diagnostic.marked = column - 1 + marked <= diagnostic.excerpt.size() ? marked : 1;
  diagnostic.suggestion = std::move(suggestion);
  report(trouble_, std::move(diagnostic));
}

void MosquittoOption::fail(std::string message, std::string suggestion) {
  report_at(static_cast<std::size_t>(value_.data() - line_.data()) + 1, value_.size(),
            std::move(message), std::move(suggestion));
}

void MosquittoOption::fail_option(std::string message, std::string suggestion) {
  report_at(static_cast<std::size_t>(name_.data() - line_.data()) + 1, name_.size(),
            std::move(message), std::move(suggestion));
}

void MosquittoOption::notice(std::string message) {
  if (settings().notices.size() < limits::config_troubles_max)
    settings().notices.push_back(origin().text + ": " + std::move(message));
}

}  // namespace starling::config
