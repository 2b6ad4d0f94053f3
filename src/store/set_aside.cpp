#include "src/store/set_aside.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <map>
#include <stdexcept>
#include <unistd.h>

namespace starling {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> reasons = {"damaged", "set-aside"};
constexpr std::string_view ending = ".sqlite";

/// "2026-11-26T015003Z": sorts by time, and every file system takes it.
std::string date_of(UnixSeconds now) {
  const auto seconds = static_cast<std::time_t>(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H%M%SZ", &parts);
  return text.data();
}

fs::path beside(const fs::path& file, std::string_view companion) {
  return file.string() + std::string(companion);
}

bool is_there(const fs::path& file) {
  std::error_code error;
  return fs::exists(fs::symlink_status(file, error));
}

/// The date in the name of a store that was set aside; empty: it is none.
std::string date_in(const std::string& name) {
  for (const std::string_view why : reasons) {
    const std::string begin = "store-" + std::string(why) + "-";
    if (name.starts_with(begin) && name.ends_with(ending))
      return name.substr(begin.size(), name.size() - begin.size() - ending.size());
  }
  return {};
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done)
    throw std::runtime_error("cannot sync the directory " + folder.string() + ": "
                             + std::strerror(error));
}

void rename_one(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return;
  throw std::runtime_error("cannot rename " + from.string() + " to " + to.filename().string() + ": "
                           + std::strerror(errno) + "; the directory must belong to the user"
                           " starlingd runs as");
}

}  // namespace

fs::path set_aside(const fs::path& file, std::string_view why, UnixSeconds now) {
  const std::string begin = "store-" + std::string(why) + "-" + date_of(now);
  const auto is_taken = [&](const fs::path& name) {
    return is_there(name) || std::ranges::any_of(store_companions, [&](std::string_view companion) {
             return is_there(beside(name, companion));
           });
  };
  fs::path aside = file.parent_path() / (begin + std::string(ending));
  for (int again = 2; is_taken(aside); ++again)
    aside = file.parent_path() / (begin + "-" + std::to_string(again) + std::string(ending));
  // The file first: a log whose file is gone does no harm, the other way it would be missed.
  if (is_there(file)) rename_one(file, aside);
  for (const std::string_view companion : store_companions)
    if (is_there(beside(file, companion)))
      rename_one(beside(file, companion), beside(aside, companion));
  sync_folder(file.parent_path());
  return aside;
}

std::vector<fs::path> prune_set_aside(const fs::path& folder) {
  std::multimap<std::string, fs::path> by_date;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string date = date_in(entry->path().filename().string());
    if (!date.empty()) by_date.emplace(date, entry->path());
  }
  std::vector<fs::path> deleted;
  for (auto oldest = by_date.begin(); by_date.size() - deleted.size() > stores_set_aside_max;
       ++oldest) {
    delete_store(oldest->second);
    deleted.push_back(oldest->second);
  }
  return deleted;
}

void rename_safely(const fs::path& from, const fs::path& to) {
  rename_one(from, to);
  sync_folder(to.parent_path());
}

void delete_store(const fs::path& file) {
  ::unlink(file.c_str());
  for (const std::string_view companion : store_companions)
    ::unlink(beside(file, companion).c_str());
}

}  // namespace starling
