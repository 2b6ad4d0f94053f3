// The reader of acl files. Properties: each problem names a place that exists and says one line;
// what was understood decides as a naive reading of Mosquitto's order does.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/check.hpp"

#include "src/auth/acl_file.hpp"
#include "tests/support/naive_topic.hpp"

using namespace starling;
using namespace starling::test;

namespace {

struct NaiveRule {
  std::optional<std::string> user;
  bool pattern = false;
  std::string access, filter;
};

std::string trimmed(std::string text) {
  const auto space = [](char c) {
    return std::string_view(" \t\r\n\v\f").find(c) != std::string_view::npos;
  };
  while (!text.empty() && space(text.back())) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

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

/// Reads lines that are known to be right.
std::vector<NaiveRule> naive_rules(const std::vector<std::string>& lines) {
  std::vector<NaiveRule> rules;
  std::optional<std::string> user;
  for (const std::string& raw : lines) {
    const std::string line = trimmed(raw);
    if (line.empty() || raw[0] == '#') continue;
    const std::string word = line.substr(0, line.find(' '));
    std::string rest = trimmed(line.substr(word.size()));
    if (word == "user") {
      user = rest;
      continue;
    }
    std::string access = "readwrite";
    if (const auto space = rest.find(' '); space != std::string::npos) {
      access = rest.substr(0, space);
      rest = trimmed(rest.substr(space));
    }
    if (!is_mqtt_text(rest)) continue;
    rules.push_back(NaiveRule{user, word == "pattern", access, rest});
  }
  return rules;
}

bool naive_allows(const std::vector<NaiveRule>& rules, const Principal& who, Action action,
                  std::string_view topic) {
  const auto matches = [&](const NaiveRule& rule) {
    std::string filter;
    for (std::size_t i = 0; i < rule.filter.size(); ++i) {
      const std::string_view two = std::string_view(rule.filter).substr(i, 2);
      if (rule.pattern && (two == "%c" || two == "%u")) {
        if (two == "%u" && !who.user) return false;
        filter += two == "%u" ? *who.user : who.client_id;
        ++i;
      } else {
        filter += rule.filter[i];
      }
    }
    return (topic[0] == '$') == (filter[0] == '$') && naive_matches(filter, topic);
  };
  for (const bool pattern : {false, true}) {
    std::vector<NaiveRule> own;
    for (const auto& rule : rules)
      if (rule.pattern == pattern && (pattern || rule.user == who.user)) own.push_back(rule);
    for (const auto& rule : own)
      if (rule.access == "deny" && matches(rule)) return false;
    for (const auto& rule : own)
      if ((rule.access == "readwrite"
           || rule.access == (action == Action::publish ? "write" : "read"))
          && matches(rule))
        return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView{data, size});
  const AclFile file = parse_acl_file(text);
  const auto lines = lines_of(text);
  STARLING_CHECK(file.rules.restricted() && file.problems.size() <= acl_problems_max);
  STARLING_CHECK(file.warnings.size() <= acl_problems_max);
  std::vector<AclProblem> told = file.problems;
  told.insert(told.end(), file.warnings.begin(), file.warnings.end());
  for (const AclProblem& problem : told) {
    STARLING_CHECK(problem.line >= 1 && problem.line <= lines.size());
    STARLING_CHECK(problem.column >= 1 && problem.column <= lines[problem.line - 1].size() + 1);
    STARLING_CHECK(problem.what.find('\n') == std::string::npos && problem.what.size() < 300);
  }
  if (!file.problems.empty()) return 0;
  const auto rules = naive_rules(lines);
  std::vector<std::string> topics = {"a", "a/b", "$SYS/a", "id/a"};
  for (const auto& rule : rules)
    if (naive_is_name(rule.filter) && topics.size() < 20) topics.push_back(rule.filter);
  std::vector<Principal> clients = {Principal{std::nullopt, "id"}, Principal{"user", "id"}};
  for (const auto& rule : rules)
    if (rule.user && rule.user->find_first_of("+#/") == std::string::npos && clients.size() < 10)
      clients.push_back(Principal{std::string_view(*rule.user), "id"});
  for (const auto& topic : topics)
    for (const auto& who : clients)
      for (const Action action : {Action::receive, Action::publish})
        STARLING_CHECK(file.rules.allows(who, action, name(topic))
                       == naive_allows(rules, who, action, topic));
  return 0;
}
