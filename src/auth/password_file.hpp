// The text of Mosquitto's password_file into a table of users. It opens no file.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/auth/file_problem.hpp"
#include "src/auth/password_hash.hpp"

namespace starling {

/// Who may come in, and with what. Values that never change once they are shared.
class PasswordTable {
 public:
  struct Entry {
    std::string user;
    PasswordHash hash;
    std::string text;  ///< the hash as it was written
  };

  /// nullptr: nobody of that name.
  [[nodiscard]] const Entry* find(std::string_view user) const;
  /// An entry to take the cost from for a name that is not there: the same for the same `draw`, a
  /// number derived from the name by a secret. nullptr: the table is empty.
  [[nodiscard]] const Entry* stand_in(std::uint64_t draw) const;
  /// The same among the entries that can serve SCRAM. nullptr: there are none.
  [[nodiscard]] const Entry* scram_stand_in(std::uint64_t draw) const;
  [[nodiscard]] bool has_scram() const { return !scram_users_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// The last one of a name holds, as with Mosquitto.
  void set(std::string_view user, PasswordHash hash, std::string_view text);

 private:
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> places_;  // user -> index into entries_
  std::vector<std::size_t> scram_users_;                    // indices into entries_
};

struct PasswordFile {
  PasswordTable table;
  /// Lines that are left out, in their order; at most file_problems_max. Mosquitto warns of them
  /// and starts, so do we.
  std::vector<FileProblem> problems;
};

/// The format: lines of `user:hash`; '#' in the first column begins a comment, lines without ':'
/// are passed over, blanks around the name and the hash do not count. Bound: no more than
/// limits::password_users_max users.
PasswordFile parse_password_file(std::string_view text);

}  // namespace starling
