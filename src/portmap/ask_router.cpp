#include "src/portmap/ask_router.hpp"

#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/portmap/gateway_text.hpp"
#include "src/portmap/nat_pmp.hpp"
#include "src/portmap/upnp.hpp"

namespace starling {
namespace {

constexpr rlim_t memory_max = 64 << 20;  // bytes of data; a router's description has some 10 KB
constexpr rlim_t cpu_max = 5;            // seconds
constexpr rlim_t files_max = 64;

void limit(int resource, rlim_t most) {
  const rlimit value{most, most};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &value);
}

void bound_myself() {
  ::alarm(static_cast<unsigned>(gateway_answer_max.count()));  // whatever libraries wait for
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::close_range(3, ~0U, 0);  // what the daemon has open is none of our business
  limit(RLIMIT_CPU, cpu_max);
  limit(RLIMIT_NOFILE, files_max);
  limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_DATA, memory_max);  // sanitizers reserve terabytes
#else
  (void)memory_max;
#endif
}

}  // namespace

int ask_router(const std::vector<std::string>& words) {
  bound_myself();
  const auto request = parse_request(words);
  if (!request) {
    std::fputs(
        "starlingd --ask-router is how the daemon talks with the router in a process of its "
        "own; it is not meant to be called by hand\n",
        stderr);
    return 2;
  }
  const GatewayAnswer answer = request->protocol == GatewayProtocol::nat_pmp
                                   ? ask_by_nat_pmp(*request)
                                   : ask_by_upnp(*request);
  std::fputs(to_text(answer).c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace starling
