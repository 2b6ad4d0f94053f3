// The half of mosquitto_db.hpp that opens a file.
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "src/store/mosquitto_db.hpp"

namespace starling {
namespace {

/// Owns the descriptor.
class FileBytes final : public PositionedBytes {
 public:
  FileBytes(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  ~FileBytes() override { ::close(descriptor_); }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, std::span<std::uint8_t> into) override {
    while (!into.empty()) {
      const ssize_t count =
          ::pread(descriptor_, into.data(), into.size(), static_cast<::off_t>(at));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      at += static_cast<std::uint64_t>(count);
      into = into.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }

 private:
  int descriptor_;
  std::uint64_t size_;
};

MosquittoImported refused(const std::string& path, const MosquittoImport& how,
                          const std::string& why) {
  MosquittoImported nothing;
  nothing.last = how.first;
  nothing.trouble = "nothing was taken over from " + path + ": " + why;
  return nothing;
}

}  // namespace

MosquittoImported import_mosquitto_db(const std::string& path, const MosquittoImport& how) {
  // Without O_NONBLOCK a pipe of that name would be waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) {
    const int error = errno;
    return refused(path, how,
                   "it cannot be opened: " + std::generic_category().message(error)
                       + (error == EACCES ? "; let the user that starlingd runs as read it" : ""));
  }
  struct ::stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  FileBytes file(descriptor, known ? static_cast<std::uint64_t>(status.st_size) : 0);
  if (!known || !S_ISREG(status.st_mode)) return refused(path, how, "it is not a file");
  return import_mosquitto_db(file, path, how);
}

}  // namespace starling
