// One line of a mosquitto.conf, and what has been gathered from the lines before it. The options
// themselves are a table in mosquitto_options.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_files.hpp"
#include "src/config/diagnostics.hpp"
#include "src/config/settings.hpp"

namespace starling::config {

/// A listener as far as it has been read.
struct MosquittoListener {
  ListenerSettings settings;
  TlsSettings tls;
  std::string certfile, keyfile;
  bool has_port = false;                       ///< the default listener: `port` was written
  std::string psk_file;                        ///< with per_listener_settings
  std::map<std::string, Origin> origins;       ///< by the key within [[listener]]
  std::set<std::string, std::less<>> written;  ///< texts that may stand once
};

/// What all files of one configuration have said so far.
struct MosquittoDraft {
  explicit MosquittoDraft(Settings& into) : settings(into) {}

  Settings& settings;
  std::deque<MosquittoListener> listeners;  ///< those of `listener` lines, in order
  MosquittoListener default_listener;       ///< what was written before any `listener` line
  bool security_written = false;            ///< then per_listener_settings comes too late
  std::set<std::string, std::less<>> written;
  std::set<std::string, std::less<>> ignored;  ///< options without an effect here, told once
  std::set<std::string, std::less<>> bridges;  ///< names
  std::optional<bool> persistence;             ///< as Mosquitto has one word under two names
  std::string persistence_file = "mosquitto.db";
  std::string persistence_location;  ///< empty: the working directory
  bool log_dest_written = false;
  bool log_type_written = false;
};

/// The file that is being read. Listeners, bridges and plugins end with their file.
struct MosquittoFile {
  std::string name;
  bool is_main = true;                    ///< the only one whose include_dir counts
  MosquittoListener* listener = nullptr;  ///< null: the default listener
  std::string bridge;                     ///< the last `connection`
  std::string plugin;                     ///< the last plugin's file name
};

/// A line while it is read: its option's name, and the words after it. Words are separated by
/// spaces, and only by spaces; a text is the rest of the line.
class MosquittoOption {
 public:
  /// `line`: without its end; holds at least one word. Both outlive the option.
  MosquittoOption(MosquittoDraft& draft, MosquittoFile& file, std::string_view line,
                  std::size_t line_number, std::vector<Diagnostic>& trouble);

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::size_t line_number() const { return line_number_; }
  [[nodiscard]] MosquittoDraft& draft() { return draft_; }
  [[nodiscard]] MosquittoFile& file() { return file_; }
  [[nodiscard]] Settings& settings() { return draft_.settings; }
  /// The listener that the option belongs to.
  [[nodiscard]] MosquittoListener& listener();
  /// Has there been a `listener` line in this file? Reports it if not.
  bool needs_listener();

  // The values. Each reports what is missing or wrong, and gives nothing then.
  std::optional<std::string_view> word();
  std::optional<bool> flag();
  std::optional<std::int64_t> number(std::int64_t least, std::int64_t most);
  /// One of `words`.
  std::optional<std::string_view> choice(std::span<const std::string_view> words);
  /// The rest of the line: UTF-8 without control characters, at most 65535 bytes.
  std::optional<std::string> text();
  /// The same, and a second one for the same listener (or the node) is refused.
  std::optional<std::string> text_once(std::set<std::string, std::less<>>& written);
  /// The next word, if there is one and it does not begin a comment.
  std::optional<std::string_view> optional_word();

  /// A value was taken for the key at `path` of the native format.
  void set(std::string_view path);
  /// The same for a key of the current listener.
  void set_in_listener(std::string_view key);
  [[nodiscard]] Origin origin() const;
  /// Something is wrong with the value read last (or with the option, if none was).
  void fail(std::string message, std::string suggestion = {});
  /// Something is wrong with the option as a whole.
  void fail_option(std::string message, std::string suggestion = {});
  void notice(std::string message);

 private:
  void report_at(std::size_t column, std::size_t marked, std::string message,
                 std::string suggestion);
  std::optional<std::string_view> take_word();

  MosquittoDraft& draft_;
  MosquittoFile& file_;
  std::string_view line_;
  std::size_t line_number_;
  std::vector<Diagnostic>& trouble_;
  std::string_view name_;
  std::string_view value_;  ///< read last
  std::size_t at_ = 0;      ///< in line_
};

/// Reads one option, or says why not.
void read_mosquitto_option(MosquittoOption& option);

}  // namespace starling::config
