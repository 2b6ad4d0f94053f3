#include "src/auth/password_file.hpp"

#include <utility>

#include "starling/limits.hpp"

#include "src/auth/user_lines.hpp"

namespace starling {

const PasswordTable::Entry* PasswordTable::find(std::string_view user) const {
  const auto found = places_.find(user);
  return found == places_.end() ? nullptr : &entries_[found->second];
}

const PasswordTable::Entry* PasswordTable::stand_in(std::uint64_t draw) const {
  return entries_.empty() ? nullptr : &entries_[draw % entries_.size()];
}

const PasswordTable::Entry* PasswordTable::scram_stand_in(std::uint64_t draw) const {
  if (scram_users_.empty()) return nullptr;
  return &entries_[scram_users_[draw % scram_users_.size()]];
}

void PasswordTable::set(std::string_view user, PasswordHash hash, std::string_view text) {
  const auto [place, is_new] = places_.try_emplace(std::string(user), entries_.size());
  const std::size_t index = place->second;
  const bool serves_scram = hash.scram() != nullptr;
  const bool served_scram = !is_new && entries_[index].hash.scram() != nullptr;
  if (is_new)
    entries_.push_back(Entry{std::string(user), std::move(hash), std::string(text)});
  else
    entries_[index] = Entry{std::string(user), std::move(hash), std::string(text)};
  if (serves_scram && !served_scram) scram_users_.push_back(index);
  if (!serves_scram && served_scram) std::erase(scram_users_, index);
}

PasswordFile parse_password_file(std::string_view text) {
  PasswordFile file;
  for_each_user_line(text, [&](const UserLine& line) {
    const auto report = [&](std::uint32_t column, std::string what) {
      if (file.problems.size() < file_problems_max)
        file.problems.push_back(FileProblem{line.line, column, std::move(what)});
    };
    if (line.user.empty()) return report(line.column, "a user name is missing");
    const std::string user = "user " + quoted_for_problem(line.user);
    if (line.value.empty())
      return report(line.value_column, user + " has no hash, and is left out");
    auto hash = PasswordHash::parse(line.value);
    if (!hash)
      return report(line.value_column,
                    user + " is left out: " + hash.error().what + ", run: starling passwd");
    if (file.table.size() == limits::password_users_max && file.table.find(line.user) == nullptr)
      return report(line.column, user + " is left out: more than "
                                     + std::to_string(limits::password_users_max) + " users");
    file.table.set(line.user, *std::move(hash), line.value);
  });
  return file;
}

}  // namespace starling
