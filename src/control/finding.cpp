#include "src/control/finding.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "src/control/text.hpp"

namespace starling::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 14> names{
    {"daemon", "version", "config", "listeners", "auth", "identity", "clock", "nat-mapping",
     "port-open", "ipv6", "dht", "mesh", "storage", "limits"}};

struct VerdictWords {
  Verdict verdict;
  std::string_view word;
  std::string_view mark;
  std::string_view colour;  // SGR
};
constexpr std::array<VerdictWords, 4> verdicts{{{Verdict::ok, "ok", "✓", "32"},
                                                {Verdict::warning, "warning", "!", "33"},
                                                {Verdict::problem, "problem", "✗", "31"},
                                                {Verdict::skipped, "skipped", "-", "2"}}};

const VerdictWords& words_of(Verdict verdict) {
  return verdicts.at(static_cast<std::size_t>(verdict));
}

Verdict verdict_of(std::string_view word) {
  const auto* found =
      std::ranges::find_if(verdicts, [&](const auto& entry) { return entry.word == word; });
  return found == verdicts.end() ? Verdict::warning : found->verdict;
}

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::ptrdiff_t rank_of(const Finding& finding) {
  return std::ranges::find(names, finding.check) - names.begin();
}

std::uint64_t count(const std::vector<Finding>& findings, Verdict verdict) {
  return static_cast<std::uint64_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

}  // namespace

std::span<const std::string_view> check_names() {
  return names;
}

std::string write_findings(const std::vector<Finding>& findings, std::string_view version) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json entry;
    entry["check"] = finding.check;
    entry["result"] = words_of(finding.verdict).word;
    entry["evidence"] = printable(finding.evidence);
    if (!finding.why.empty()) entry["why"] = printable(finding.why);
    if (!finding.fix.empty()) entry["fix"] = printable(finding.fix);
    list.push_back(std::move(entry));
  }
  Json document;
  document["schema"] = 1;
  document["version"] = printable(version);
  document["findings"] = std::move(list);
  return document.dump();
}

Result<std::vector<Finding>> read_findings(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object())
    return Error{Errc::malformed, "what the daemon answered is not understood"};
  const auto list = document.find("findings");
  if (list == document.end() || !list->is_array()) {
    const std::string error = printable(text_of(document, "error"));
    return Error{Errc::malformed,
                 error.empty() ? "what the daemon answered is not understood" : error};
  }
  std::vector<Finding> findings;
  for (const Json& entry : *list) {
    if (!entry.is_object()) continue;
    findings.push_back({text_of(entry, "check"), verdict_of(text_of(entry, "result")),
                        text_of(entry, "evidence"), text_of(entry, "why"), text_of(entry, "fix")});
  }
  return findings;
}

std::string version_of(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  return document.is_object() ? printable(text_of(document, "version")) : std::string{};
}

void sort_findings(std::vector<Finding>& findings) {
  std::ranges::stable_sort(findings, {}, rank_of);
  const auto same = [](const Finding& a, const Finding& b) { return a.check == b.check; };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
}

std::string findings_text(const std::vector<Finding>& findings, bool colour) {
  constexpr std::size_t name_width = 12;
  const std::string indent(name_width + 4, ' ');
  std::string text;
  for (const Finding& finding : findings) {
    const VerdictWords& words = words_of(finding.verdict);
    const std::string mark(words.mark);
    text += colour ? "\x1b[" + std::string(words.colour) + "m" + mark + "\x1b[0m" : mark;
    std::string name = printable(finding.check);
    name.resize(std::max(name.size(), name_width), ' ');
    text += " " + name + "  " + printable(finding.evidence) + "\n";
    if (!finding.why.empty()) text += indent + "why  " + printable(finding.why) + "\n";
    if (!finding.fix.empty()) text += indent + "fix  " + printable(finding.fix) + "\n";
  }
  return text + sum_text(findings) + "\n";
}

std::string sum_text(const std::vector<Finding>& findings) {
  const std::uint64_t problems = count(findings, Verdict::problem);
  const std::uint64_t warnings = count(findings, Verdict::warning);
  std::string text;
  if (problems > 0) text = counted(problems, "problem");
  if (warnings > 0) text += (text.empty() ? "" : ", ") + counted(warnings, "warning");
  return text.empty() ? "all is well" : text;
}

int exit_status_of(const std::vector<Finding>& findings) {
  if (count(findings, Verdict::problem) > 0) return 1;
  return count(findings, Verdict::warning) > 0 ? 4 : 0;
}

}  // namespace starling::control
