#include "src/cli/run_simulator.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace starling::cli {

int run_simulator(const std::vector<std::string>& words) {
  constexpr int not_found = 1;
  static constexpr char program[] = "starling-sim";
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string beside = error ? std::string{} : (own.parent_path() / program).string();

  std::vector<char*> arguments{const_cast<char*>(program)};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  if (!beside.empty()) ::execv(beside.c_str(), arguments.data());
  ::execvp(program, arguments.data());
  const int why = errno;
  std::fprintf(stderr, "starling sim: cannot run %s (%s); it is looked for beside this program (%s) and in PATH\n",
               program, std::strerror(why), beside.c_str());
  return not_found;
}

}  // namespace starling::cli
