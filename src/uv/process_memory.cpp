#include "src/uv/process_memory.hpp"

#include <fstream>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace starling {

std::uint64_t heap_bytes_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  if (const std::uint64_t heap = info.uordblks + info.hblkhd; heap != 0) return heap;
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void keep_freed_memory() {
  constexpr int kept = 16 << 20;      // bytes at the end of the heap
  constexpr int own_map = 1 << 20;    // bytes; larger blocks are mapped one by one, and unmapped
  ::mallopt(M_TRIM_THRESHOLD, kept);  // to set either makes glibc leave both as they are
  ::mallopt(M_MMAP_THRESHOLD, own_map);
  // Small freed blocks are joined with their neighbours at once, not all together with the next large
  // one: after a queue of a million messages that held everybody up for 60 ms.
  ::mallopt(M_MXFAST, 0);
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace starling
