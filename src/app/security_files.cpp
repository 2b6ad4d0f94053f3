#include "src/app/security_files.hpp"

#include <utility>

#include "src/auth/acl_file.hpp"

namespace starling {

using config::Diagnostic;
using config::Origin;

void SecurityFiles::complain(const std::string& path, std::size_t line, std::size_t column,
                             std::string what) {
  Diagnostic diagnostic;
  diagnostic.source = path;
  diagnostic.line = line;
  diagnostic.column = column;
  diagnostic.message = std::move(what);
  trouble_.push_back(std::move(diagnostic));
}

std::string SecurityFiles::read(const std::string& path, const Origin& named_at) {
  auto text = files_.read(path);
  if (text) return *std::move(text);
  Diagnostic diagnostic;
  diagnostic.source = named_at.text.empty() ? path : named_at.text;
  diagnostic.message = "\"" + path + "\": " + text.error().what;
  trouble_.push_back(std::move(diagnostic));
  return {};
}

AccessRules SecurityFiles::rules(const std::string& path, const Origin& named_at) {
  if (path.empty()) return {};
  const auto known = rules_.find(path);
  if (known != rules_.end()) return known->second;
  AclFile acl = parse_acl_file(read(path, named_at));
  for (const auto& problem : acl.problems)
    complain(path, problem.line, problem.column, problem.what);
  for (const FileProblem& warning : acl.warnings) warnings_.push_back(warning.to_text(path));
  return rules_.emplace(path, std::move(acl.rules)).first->second;
}

std::shared_ptr<const PasswordTable> SecurityFiles::passwords(const std::string& path,
                                                              const Origin& named_at) {
  if (path.empty()) return nullptr;
  const auto known = passwords_.find(path);
  if (known != passwords_.end()) return known->second;
  PasswordFile file = parse_password_file(read(path, named_at));
  for (const FileProblem& problem : file.problems) warnings_.push_back(problem.to_text(path));
  auto table = std::make_shared<const PasswordTable>(std::move(file.table));
  return passwords_.emplace(path, std::move(table)).first->second;
}

PskTable SecurityFiles::psk(const std::string& path, const Origin& named_at) {
  if (path.empty()) return {};
  const auto known = psk_.find(path);
  if (known != psk_.end()) return known->second;
  PskFile file = parse_psk_file(read(path, named_at));
  for (const FileProblem& problem : file.problems)
    complain(path, problem.line, problem.column, problem.what);
  return psk_.emplace(path, std::move(file.keys)).first->second;
}

}  // namespace starling
