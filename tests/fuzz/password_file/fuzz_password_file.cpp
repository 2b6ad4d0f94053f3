// The readers of password and PSK files. Properties: each problem names a place that exists, says
// one line, and shows no key; each user is found, and his hash is written as it was read; no cost
// is above its bound.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/auth/password_file.hpp"
#include "src/auth/psk_file.hpp"

using namespace starling;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}

void check(const std::vector<FileProblem>& problems, const std::vector<std::string>& lines) {
  STARLING_CHECK(problems.size() <= file_problems_max);
  for (const FileProblem& problem : problems) {
    STARLING_CHECK(problem.line >= 1 && problem.line <= lines.size());
    STARLING_CHECK(problem.column >= 1 && problem.column <= lines[problem.line - 1].size() + 1);
    STARLING_CHECK(problem.what.find('\n') == std::string::npos && problem.what.size() < 300);
  }
}

void check(const PasswordTable::Entry& entry) {
  const std::string text = entry.hash.to_text();
  const auto again = PasswordHash::parse(text);
  STARLING_CHECK(again.ok() && again->to_text() == text);
  STARLING_CHECK(entry.hash.decoy().form().index() == entry.hash.form().index());
  if (const auto* argon2 = std::get_if<Argon2Hash>(&entry.hash.form())) {
    STARLING_CHECK(argon2->cost.memory_kib <= limits::argon2_memory_kib_max);
    STARLING_CHECK(std::uint64_t{argon2->cost.memory_kib} * argon2->cost.passes
                   <= limits::argon2_work_max);
  } else if (const auto* pbkdf2 = std::get_if<Pbkdf2Hash>(&entry.hash.form())) {
    STARLING_CHECK(pbkdf2->iterations >= 1
                   && pbkdf2->iterations <= limits::password_iterations_max);
  } else if (const auto* scram = entry.hash.scram()) {
    STARLING_CHECK(scram->iterations >= 1 && scram->iterations <= limits::password_iterations_max);
  } else {
    static_cast<void>(entry.hash.matches(as_bytes("password")));  // the quick one
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView{data, size});
  const auto lines = lines_of(text);
  const PasswordFile file = parse_password_file(text);
  check(file.problems, lines);
  STARLING_CHECK(file.table.size() <= lines.size());
  bool has_scram = false;
  for (std::uint64_t i = 0; i < file.table.size(); ++i) {
    const PasswordTable::Entry& entry = *file.table.stand_in(i);
    STARLING_CHECK(!entry.user.empty() && file.table.find(entry.user) == &entry);
    has_scram = has_scram || entry.hash.scram() != nullptr;
    check(entry);
  }
  STARLING_CHECK(has_scram == file.table.has_scram());

  const PskFile psk = parse_psk_file(text);
  check(psk.problems, lines);
  for (const auto& [identity, key] : psk.keys) {
    STARLING_CHECK(!identity.empty() && identity.size() <= limits::psk_identity_max);
    STARLING_CHECK(!key.empty() && key.size() <= limits::psk_key_max);
  }
  return 0;
}
