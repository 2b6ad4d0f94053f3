// Lines of the control socket, in both directions. Whatever comes, what is read of it can be
// written and read again, and nothing that is made of it for people moves a cursor.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "starling/check.hpp"

#include "src/control/control_request.hpp"
#include "src/control/finding.hpp"
#include "src/control/status_table.hpp"

using namespace starling::control;

namespace {

void check_printable(std::string_view text) {
  for (const char c : text)
    STARLING_CHECK(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
}

void check_request(std::string_view line) {
  const auto request = parse_request(line);
  if (!request) return check_printable(error_document(request.error().what));
  const std::string written = write_request(*request);
  const auto again = parse_request(std::string_view(written).substr(0, written.size() - 1));
  STARLING_CHECK(again.ok() && *again == *request);
}

void check_findings(std::string_view line) {
  const auto findings = read_findings(line);
  if (!findings) return check_printable(findings.error().what);
  check_printable(findings_text(*findings, false));
  const auto again = read_findings(write_findings(*findings, version_of(line)));
  STARLING_CHECK(again.ok() && again->size() == findings->size());
}

void check_status(std::string_view line) {
  const auto page = status_text(line);
  check_printable(page.ok() ? *page : page.error().what);
  STARLING_CHECK(page.ok() == status_line(line).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  check_request(line);
  check_findings(line);
  check_status(line);
  return 0;
}
