// TornDisk: a disk in memory behind a SQLite VFS, whose power can be lost. It remembers what each
// file has synced and every change since; after a loss of power each of these changes is, on its
// own, there, not there, or there in part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace starling::test {

struct TornDiskParts;

/// What it takes for granted is what SQLite does on Linux: a write changes no byte outside its range
/// (SQLITE_IOCAP_POWERSAFE_OVERWRITE), a sync that returned holds, syncing a new journal or WAL
/// syncs its directory too. Everything else may happen.
///
/// One thread at a time; any number of connections.
class TornDisk {
 public:
  TornDisk();
  ~TornDisk();  ///< no connection may be open any more
  TornDisk(const TornDisk&) = delete;
  TornDisk& operator=(const TornDisk&) = delete;

  /// Of the VFS, for sqlite3_open_v2().
  [[nodiscard]] const char* name() const;

  /// Changes so far: writes, truncations, syncs, creations, deletions.
  [[nodiscard]] std::uint64_t changes() const;
  /// Power is lost at the `count`-th change from now, 1 being the next: it still reaches the list of
  /// what is not synced. Then nothing works any more (SQLITE_IOERR) until restore().
  void lose_power_after(std::uint64_t count);
  /// Now.
  void lose_power();
  [[nodiscard]] bool has_power() const;
  /// Power comes back: the files as `seed` would have them. Connections from before stay useless.
  void restore(std::uint64_t seed);

  /// Syncs return at once and do nothing, as on a disk with a volatile cache that says otherwise.
  void lie_about_syncs(bool lie);
  /// Bytes that all files may have together; beyond it writes fail as on a full disk.
  void set_capacity(std::size_t bytes);

  [[nodiscard]] std::vector<std::string> files() const;
  /// As they are read now.
  [[nodiscard]] std::vector<std::uint8_t> content(const std::string& file) const;

 private:
  std::unique_ptr<TornDiskParts> parts_;
};

}  // namespace starling::test
