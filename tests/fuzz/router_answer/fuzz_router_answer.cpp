// Property: what the daemon accepts as a router's answer, written and read again, is the same; and
// an address that is followed has a private IPv4 host.
#include <cstdlib>
#include <string_view>

#include "src/portmap/gateway_text.hpp"
#include "src/portmap/upnp.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (leads_to_neighbour(text) && text.find("http://1") != 0) std::abort();
  const auto answer = parse_answer(text);
  if (!answer) return 0;
  const std::string written = to_text(*answer);
  const auto again = parse_answer(written);
  if (!again || to_text(*again) != written) std::abort();
  if (again->outcome != answer->outcome || again->why != answer->why) std::abort();
  return 0;
}
