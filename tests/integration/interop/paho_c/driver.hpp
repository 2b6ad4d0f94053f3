// What the two Paho C drivers share: the options of the command line, the commands on standard input and
// the events on standard output, one line each, texts in hexadecimal. The protocol is that of drivers.py.
#pragma once

#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace interop {

inline std::string hex(const std::string& raw) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : raw) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out.empty() ? "-" : out;
}

inline std::string unhex(const std::string& text) {
  if (text == "-") return {};
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return out;
}

/// One event; callbacks of the library's threads say theirs too.
inline void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << line << std::endl;
}

inline void say_message(const std::string& topic, int qos, int retained, const std::string& payload,
                        const std::string& user_properties) {
  say("message " + hex(topic) + " " + std::to_string(qos) + " " + std::to_string(retained) + " "
      + hex(payload) + " " + hex(user_properties));
}

/// "key=<hexadecimal>" words of the command line.
class Options {
 public:
  Options(int count, char** words) {
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      const std::size_t at = word.find('=');
      values_[word.substr(0, at)] = unhex(word.substr(at + 1));
    }
  }

  [[nodiscard]] bool has(const std::string& key) const { return values_.count(key) != 0; }
  /// Null if it was not given: what the library takes for "not set".
  [[nodiscard]] const char* text(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second.c_str();
  }
  [[nodiscard]] long long number(const std::string& key, int otherwise = 0) const {
    return has(key) ? std::stoll(values_.at(key)) : otherwise;
  }
  [[nodiscard]] int small(const std::string& key, int otherwise = 0) const {
    return static_cast<int>(number(key, otherwise));
  }
  /// "ssl://localhost:8883", "ws://localhost:9001/mqtt" ...
  [[nodiscard]] std::string uri() const {
    const std::string transport = values_.at("transport");
    const std::string scheme = transport == "tls" ? "ssl" : transport;
    const std::string path = transport[0] == 'w' ? "/mqtt" : "";
    return scheme + "://localhost:" + values_.at("port") + path;
  }

 private:
  std::map<std::string, std::string> values_;
};

/// Runs `act(verb, words)` for each line until the input ends.
template <typename Act>
void obey(Act act) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream stream(line);
    std::string verb;
    stream >> verb;
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    act(verb, words);
  }
}

}  // namespace interop
