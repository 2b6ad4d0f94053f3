// JsonWriter: one JSON value after the other into a string. It puts the commas; who calls it closes
// what was opened.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace starling::bench {

class JsonWriter {
 public:
  void open(std::string_view name = {}) { begin(name, '{'); }
  void close() { end('}'); }
  void open_list(std::string_view name) { begin(name, '['); }
  void close_list() { end(']'); }

  void put(std::string_view name, std::string_view text) {
    key(name);
    quote(text);
  }
  void put(std::string_view name, const char* text) { put(name, std::string_view(text)); }
  void put(std::string_view name, bool value) { raw(name, value ? "true" : "false"); }
  void put(std::string_view name, std::uint64_t value) { raw(name, std::to_string(value)); }
  void put(std::string_view name, std::uint32_t value) { raw(name, std::to_string(value)); }
  /// JSON has no infinity.
  void put(std::string_view name, double value) {
    char text[40];
    std::snprintf(text, sizeof(text), "%.6g", std::isfinite(value) ? value : 0);
    raw(name, text);
  }
  void put_null(std::string_view name) { raw(name, "null"); }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void raw(std::string_view name, std::string_view value) {
    key(name);
    text_ += value;
  }
  void begin(std::string_view name, char bracket) {
    key(name);
    text_ += bracket;
    is_first_ = true;
  }
  void end(char bracket) {
    text_ += bracket;
    is_first_ = false;
  }
  void key(std::string_view name) {
    if (!is_first_) text_ += ',';
    is_first_ = false;
    if (name.empty()) return;
    quote(name);
    text_ += ':';
  }
  void quote(std::string_view text) {
    text_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (static_cast<unsigned char>(c) >= 0x20) {
        text_ += c;
        continue;
      }
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned>(c));
      text_ += escaped;
    }
    text_ += '"';
  }

  std::string text_;
  bool is_first_ = true;
};

}  // namespace starling::bench
