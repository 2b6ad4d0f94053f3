#include "src/store/store_header.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace starling {
namespace {

// The formats are SQLite's: https://www.sqlite.org/fileformat2.html
constexpr std::size_t header_size = 100;
constexpr std::size_t version_at = 60;
constexpr std::size_t application_id_at = 68;
constexpr char magic[] = "SQLite format 3";  // its end counts
constexpr std::size_t wal_header_size = 32;
constexpr std::size_t frame_header_size = 24;
constexpr std::uint32_t wal_magic = 0x377f0682;  // the lowest bit: checksums of big-endian words
constexpr std::size_t page_size_max = 65'536;

using Words = std::span<const std::uint8_t>;

/// A file that is read in order and closes itself.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), error_(errno) {}
  ~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  explicit operator bool() const { return descriptor_ >= 0; }
  [[nodiscard]] int error() const { return error_; }
  /// False: it ends before, or cannot be read (then error() is not 0).
  bool read(std::span<std::uint8_t> into) {
    error_ = 0;
    while (!into.empty()) {
      const ssize_t size = ::read(descriptor_, into.data(), into.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) error_ = errno;
      if (size <= 0) return false;
      into = into.subspan(static_cast<std::size_t>(size));
    }
    return true;
  }

 private:
  int descriptor_;
  int error_;
};

std::uint32_t big(Words bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24U
         | static_cast<std::uint32_t>(bytes[at + 1]) << 16U
         | static_cast<std::uint32_t>(bytes[at + 2]) << 8U | bytes[at + 3];
}

std::uint32_t little(Words bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at + 3]) << 24U
         | static_cast<std::uint32_t>(bytes[at + 2]) << 16U
         | static_cast<std::uint32_t>(bytes[at + 1]) << 8U | bytes[at];
}

/// The running checksum of a write-ahead log.
struct Checksum {
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void add(Words bytes, bool is_big) {
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += (is_big ? big(bytes, at) : little(bytes, at)) + second;
      second += (is_big ? big(bytes, at + 4) : little(bytes, at + 4)) + first;
    }
  }
  [[nodiscard]] bool is_at(Words bytes, std::size_t at) const {
    return first == big(bytes, at) && second == big(bytes, at + 4);
  }
};

StoreHeader parse(Words page) {
  StoreHeader header;
  header.is_sqlite = std::memcmp(page.data(), magic, sizeof magic) == 0;
  header.version = static_cast<std::int32_t>(big(page, version_at));
  header.application_id = static_cast<std::int32_t>(big(page, application_id_at));
  return header;
}

/// The first page as the last whole transaction in the log has left it; nullopt: none touched it.
std::optional<StoreHeader> header_in_log(const std::string& path) {
  InputFile log(path);
  std::array<std::uint8_t, wal_header_size> head;
  if (!log || !log.read(head) || (big(head, 0) & ~1U) != wal_magic) return std::nullopt;
  const bool is_big = (big(head, 0) & 1U) != 0;
  const std::size_t page_size = big(head, 8);
  if (page_size < 512 || page_size > page_size_max) return std::nullopt;
  Checksum sum;
  sum.add(Words(head).first(24), is_big);
  if (!sum.is_at(head, 24)) return std::nullopt;

  std::optional<StoreHeader> committed;
  std::optional<StoreHeader> written;
  std::vector<std::uint8_t> frame(frame_header_size + page_size);
  while (log.read(frame)) {
    if (std::memcmp(&frame[8], &head[16], 8) != 0) break;  // salts of an older log
    sum.add(Words(frame).first(8), is_big);
    sum.add(Words(frame).subspan(frame_header_size), is_big);
    if (!sum.is_at(frame, 16)) break;
    if (big(frame, 0) == 1) written = parse(Words(frame).subspan(frame_header_size));
    if (big(frame, 4) != 0) committed = written;
  }
  return committed;
}

}  // namespace

std::optional<StoreHeader> read_store_header(const std::string& file) {
  const auto fail = [&](int error) -> std::optional<StoreHeader> {
    throw std::runtime_error("cannot read the store " + file + ": " + std::strerror(error)
                             + "; it must be a file that the user starlingd runs as may read and"
                               " write, or choose another directory with --state-dir");
  };
  InputFile input(file);
  if (!input && input.error() == ENOENT) return std::nullopt;
  if (!input) return fail(input.error());
  std::array<std::uint8_t, header_size> page{};
  std::array<std::uint8_t, 1> first{};
  if (!input.read(first)) return input.error() == 0 ? std::nullopt : fail(input.error());
  page[0] = first[0];
  if (!input.read(std::span(page).subspan(1)))
    return input.error() == 0 ? std::optional(StoreHeader{}) : fail(input.error());
  const StoreHeader header = parse(page);
  if (const auto later = header_in_log(file + "-wal")) return later;
  return header;
}

}  // namespace starling
