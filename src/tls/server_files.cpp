#include "src/tls/server_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "starling/limits.hpp"

namespace starling {
namespace {

// The second is what old programs write.
constexpr std::array<std::string_view, 2> labels = {"CERTIFICATE", "X509 CERTIFICATE"};
constexpr std::string_view block_begin = "-----BEGIN ";

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Error cannot_read(const std::string& what, const std::string& path, const std::string& why) {
  return {Errc::io, "cannot read the " + what + " " + path + ": " + why};
}

}  // namespace

Result<PemText> read_pem_file(const std::string& path, const std::string& what) {
  const OpenFile file(path);
  if (file.get() < 0) return cannot_read(what, path, std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) < 0) return cannot_read(what, path, std::strerror(errno));
  // A pipe would block the loop, a device would never end.
  if (!S_ISREG(status.st_mode)) return cannot_read(what, path, "not a regular file");
  const auto too_large = [&] {
    return Error{Errc::too_large, "the " + what + " " + path + " is larger than "
                                      + std::to_string(limits::tls_file_max) + " bytes"};
  };
  if (static_cast<std::uint64_t>(status.st_size) > limits::tls_file_max) return too_large();

  // One byte more than there should be, so that a file that has grown is seen; never reallocated,
  // so that no copy of a secret stays behind.
  Bytes bytes(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const std::string why = std::strerror(errno);
      crypto::wipe(bytes.data(), bytes.size());
      return cannot_read(what, path, why);
    }
    size += static_cast<std::size_t>(got);
  }
  if (size == bytes.size()) {
    crypto::wipe(bytes.data(), bytes.size());
    return cannot_read(what, path, "it grows while it is read");
  }
  bytes.resize(size);
  return PemText(std::move(bytes));
}

Result<std::vector<std::string>> list_pem_directory(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  std::error_code trouble;
  fs::directory_iterator entry(directory, trouble);
  for (; !trouble && entry != fs::directory_iterator(); entry.increment(trouble)) {
    if (paths.size() == limits::tls_directory_files_max) {
      return Error{Errc::too_large, "the directory " + directory + " has more than "
                                        + std::to_string(limits::tls_directory_files_max)
                                        + " files"};
    }
    std::error_code ignored;  // a dangling link is no file
    const std::string name = entry->path().filename().string();
    if (name.front() != '.' && entry->is_regular_file(ignored))
      paths.push_back(entry->path().string());
  }
  if (trouble) return cannot_read("directory", directory, trouble.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string_view> certificate_blocks(ByteView pem) {
  const std::string_view text = as_text(pem);
  std::vector<std::string_view> blocks;
  for (std::size_t at = 0; (at = text.find(block_begin, at)) != std::string_view::npos;) {
    const std::string_view rest = text.substr(at);
    std::size_t size = block_begin.size();
    for (const std::string_view label : labels) {
      const std::string first = std::string(block_begin) + std::string(label) + "-----";
      const std::string last = "-----END " + std::string(label) + "-----";
      if (rest.substr(0, first.size()) != first) continue;
      const std::size_t end = rest.find(last);
      if (end == std::string_view::npos) return blocks;
      size = end + last.size();
      blocks.push_back(rest.substr(0, size));
    }
    at += size;
  }
  return blocks;
}

}  // namespace starling
