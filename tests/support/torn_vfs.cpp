#include "tests/support/torn_vfs.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <sqlite3.h>

#include "tests/support/seeded_random.hpp"

namespace starling::test {

namespace {

using Content = std::vector<std::uint8_t>;

constexpr std::size_t sector = 512;

/// A write (bytes at an offset) or, without bytes, a truncation to `offset`.
struct Change {
  std::size_t offset = 0;
  Content bytes;
  bool truncates = false;
};

void carry_out(const Change& change, Content& to) {
  if (change.truncates) {
    to.resize(change.offset);
    return;
  }
  to.resize(std::max(to.size(), change.offset + change.bytes.size()));
  std::copy(change.bytes.begin(), change.bytes.end(),
            to.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

/// As xShmLock counts: any number of shared holders or one exclusive one.
struct ShmLock {
  int shared = 0;
  bool exclusive = false;
};

struct Inode {
  Content now;                    // as it is read
  Content synced;                 // what a loss of power leaves for sure
  std::vector<Change> pending;    // between the two
  bool brings_directory = false;  // its first sync syncs the directory
  // Locks of the file (1: shared, 2: reserved, 3: pending, 4: exclusive) and of its shared memory.
  int shared = 0;
  bool reserved = false;
  bool exclusive = false;
  bool wanted = false;  // somebody waits for exclusive
  std::vector<std::unique_ptr<std::array<std::uint8_t, 32'768>>> regions;
  std::array<ShmLock, SQLITE_SHM_NLOCK> shm_locks;
  int shm_users = 0;
};
using SharedInode = std::shared_ptr<Inode>;
using Directory = std::map<std::string, SharedInode>;

/// A name was given to a file, or taken away (null).
struct NameChange {
  std::string name;
  SharedInode inode;
};

}  // namespace

struct TornDiskParts {
  sqlite3_vfs vfs = {};
  std::string name;
  Directory now;
  Directory synced;
  std::vector<NameChange> pending;
  std::uint64_t changes = 0;
  std::uint64_t dies_at = 0;  // of `changes`; 0: never
  bool power = true;
  bool lies = false;
  std::size_t capacity = SIZE_MAX;
  std::uint64_t life = 1;  // counts restores

  /// Before a change takes effect on what is synced: is the power gone, now that it was made?
  bool still_on() {
    ++changes;
    if (dies_at != 0 && changes >= dies_at) power = false;
    return power;
  }
  [[nodiscard]] std::size_t used() const {
    std::size_t sum = 0;
    for (const auto& [file, inode] : now) sum += inode->now.size();
    return sum;
  }
  void sync_directory() {
    synced = now;
    pending.clear();
  }
};

namespace {

struct File {
  sqlite3_file base;
  TornDiskParts* disk;
  SharedInode inode;
  std::string path;
  std::uint64_t life;
  int level;
  bool delete_on_close;
  bool mapped;
  std::uint8_t shm_shared;     // bit per lock held
  std::uint8_t shm_exclusive;  // the same
};

File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
bool dead(const File& file) {
  return !file.disk->power || file.life != file.disk->life;
}
TornDiskParts& disk_of(sqlite3_vfs* vfs) {
  return *static_cast<TornDiskParts*>(vfs->pAppData);
}

// --- Files

int read(sqlite3_file* handle, void* out, int count, sqlite3_int64 offset) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_READ;
  const Content& content = file.inode->now;
  const std::size_t from = std::min(static_cast<std::size_t>(offset), content.size());
  const std::size_t there = std::min(static_cast<std::size_t>(count), content.size() - from);
  if (there > 0) std::memcpy(out, content.data() + from, there);
  if (there == static_cast<std::size_t>(count)) return SQLITE_OK;
  std::memset(static_cast<std::uint8_t*>(out) + there, 0, static_cast<std::size_t>(count) - there);
  return SQLITE_IOERR_SHORT_READ;
}

int change(File& file, Change what) {
  carry_out(what, file.inode->now);
  file.inode->pending.push_back(std::move(what));
  return file.disk->still_on() ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int write(sqlite3_file* handle, const void* bytes, int count, sqlite3_int64 offset) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_WRITE;
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  const std::size_t end = static_cast<std::size_t>(offset) + static_cast<std::size_t>(count);
  const std::size_t size = file.inode->now.size();
  if (end > size && file.disk->used() + (end - size) > file.disk->capacity) return SQLITE_FULL;
  return change(file, {static_cast<std::size_t>(offset), Content(from, from + count)});
}

int truncate(sqlite3_file* handle, sqlite3_int64 size) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_TRUNCATE;
  return change(file, {static_cast<std::size_t>(size), {}, true});
}

int sync(sqlite3_file* handle, int) {
  File& file = of(handle);
  if (dead(file) || !file.disk->still_on()) return SQLITE_IOERR_FSYNC;
  if (file.disk->lies) return SQLITE_OK;
  Inode& inode = *file.inode;
  inode.synced = inode.now;
  inode.pending.clear();
  if (inode.brings_directory) file.disk->sync_directory();
  inode.brings_directory = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* handle, sqlite3_int64* out) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_FSTAT;
  *out = static_cast<sqlite3_int64>(file.inode->now.size());
  return SQLITE_OK;
}

int lock(sqlite3_file* handle, int level) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_LOCK;
  Inode& inode = *file.inode;
  if (level <= file.level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (inode.wanted || inode.exclusive) return SQLITE_BUSY;
    ++inode.shared;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (inode.reserved) return SQLITE_BUSY;
    inode.reserved = true;
  } else {
    inode.wanted = true;
    if (inode.shared > 1) return SQLITE_BUSY;
    inode.exclusive = true;
  }
  file.level = level;
  return SQLITE_OK;
}

int unlock(sqlite3_file* handle, int level) {
  File& file = of(handle);
  Inode& inode = *file.inode;
  if (file.level > SQLITE_LOCK_SHARED && level <= SQLITE_LOCK_SHARED)
    inode.reserved = inode.exclusive = inode.wanted = false;
  if (file.level >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE) --inode.shared;
  file.level = std::min(file.level, level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* handle, int* out) {
  *out = of(handle).inode->reserved ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return 4'096;
}
int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

// --- The WAL's index, which is memory on a real disk too

int shm_map(sqlite3_file* handle, int region, int size, int extend, void volatile** out) {
  File& file = of(handle);
  if (dead(file)) return SQLITE_IOERR_SHMMAP;
  auto& regions = file.inode->regions;
  if (size > 32'768) return SQLITE_IOERR_SHMMAP;
  if (!file.mapped) ++file.inode->shm_users;
  file.mapped = true;
  *out = nullptr;
  while (regions.size() <= static_cast<std::size_t>(region)) {
    if (extend == 0) return SQLITE_OK;
    regions.push_back(std::make_unique<std::array<std::uint8_t, 32'768>>());
    regions.back()->fill(0);
  }
  *out = regions[static_cast<std::size_t>(region)]->data();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* handle, int first, int count, int flags) {
  File& file = of(handle);
  auto& locks = file.inode->shm_locks;
  for (int i = first; i < first + count; ++i) {
    const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(i));
    ShmLock& one = locks[static_cast<std::size_t>(i)];
    if ((flags & SQLITE_SHM_UNLOCK) != 0) continue;
    const bool mine = (file.shm_shared & bit) != 0;
    if (one.exclusive && (file.shm_exclusive & bit) == 0) return SQLITE_BUSY;
    if ((flags & SQLITE_SHM_EXCLUSIVE) != 0 && one.shared > (mine ? 1 : 0)) return SQLITE_BUSY;
  }
  for (int i = first; i < first + count; ++i) {
    const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(i));
    ShmLock& one = locks[static_cast<std::size_t>(i)];
    std::uint8_t& held = (flags & SQLITE_SHM_SHARED) != 0 ? file.shm_shared : file.shm_exclusive;
    const bool has = (held & bit) != 0;
    const bool wants = (flags & SQLITE_SHM_LOCK) != 0;
    if (has == wants) continue;
    held = static_cast<std::uint8_t>(wants ? held | bit : held & ~bit);
    if ((flags & SQLITE_SHM_SHARED) != 0)
      one.shared += wants ? 1 : -1;
    else
      one.exclusive = wants;
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* handle, int) {
  File& file = of(handle);
  if (file.mapped && --file.inode->shm_users == 0) file.inode->regions.clear();
  file.mapped = false;
  return SQLITE_OK;
}

// --- The directory

int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  TornDiskParts& disk = disk_of(vfs);
  if (!disk.power) return SQLITE_IOERR_DELETE;
  if (disk.now.erase(path) == 0) return SQLITE_IOERR_DELETE_NOENT;
  disk.pending.push_back({path, nullptr});
  if (!disk.still_on()) return SQLITE_IOERR_DELETE;
  if (sync_directory != 0 && !disk.lies) disk.sync_directory();
  return SQLITE_OK;
}

int close(sqlite3_file* handle) {
  File& file = of(handle);
  unlock(handle, SQLITE_LOCK_NONE);
  shm_unmap(handle, 0);
  if (file.delete_on_close && !dead(file)) remove(&file.disk->vfs, file.path.c_str(), 0);
  file.~File();
  return SQLITE_OK;
}

const sqlite3_io_methods methods = {2,
                                    close,
                                    read,
                                    write,
                                    truncate,
                                    sync,
                                    file_size,
                                    lock,
                                    unlock,
                                    check_reserved,
                                    file_control,
                                    sector_size,
                                    characteristics,
                                    shm_map,
                                    shm_lock,
                                    shm_barrier,
                                    shm_unmap,
                                    nullptr,
                                    nullptr};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* handle, int flags, int* out_flags) {
  TornDiskParts& disk = disk_of(vfs);
  handle->pMethods = nullptr;
  if (!disk.power) return SQLITE_CANTOPEN;
  const bool temporary = path == nullptr;
  const std::string name = temporary ? "temporary-" + std::to_string(disk.changes) : path;
  SharedInode inode;
  if (const auto found = disk.now.find(name); found != disk.now.end()) {
    inode = found->second;
  } else {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    inode = std::make_shared<Inode>();
    inode->brings_directory = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    disk.now[name] = inode;
    disk.pending.push_back({name, inode});
    if (!disk.still_on()) return SQLITE_CANTOPEN;
  }
  auto* file = new (handle) File{};
  file->base.pMethods = &methods;
  file->disk = &disk;
  file->inode = std::move(inode);
  file->path = name;
  file->life = disk.life;
  file->delete_on_close = temporary || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* path, int, int* out) {
  *out = disk_of(vfs).now.contains(path) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int count, char* out) {
  sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
  return real->xRandomness(real, count, out);
}
int sleep(sqlite3_vfs*, int microseconds) {
  return microseconds;
}
int current_time(sqlite3_vfs*, double* out) {
  *out = 2'460'000.5;  // days since noon of 24 November 4714 BC
  return SQLITE_OK;
}
int current_time_ms(sqlite3_vfs*, sqlite3_int64* out) {
  *out = 212'544'043'200'000;
  return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

// --- What is left

/// Bytes of one write that may go on their own: sectors, now and then cut at an odd place.
std::vector<Change> pieces(const Change& change, SeededRandom& random) {
  if (change.truncates) return {change};
  std::vector<Change> found;
  std::size_t at = 0;
  while (at < change.bytes.size()) {
    const std::size_t into = (change.offset + at) % sector;
    std::size_t size = std::min(sector - into, change.bytes.size() - at);
    if (size > 1 && random.one_in(8)) size = 1 + random.upto(size - 1);
    const auto first = change.bytes.begin() + static_cast<std::ptrdiff_t>(at);
    found.push_back(
        {change.offset + at, Content(first, first + static_cast<std::ptrdiff_t>(size))});
    at += size;
  }
  return found;
}

/// How a file's unsynced changes fare; drawn once per file, so that all-or-most cases come too.
Content survive(const Inode& inode, SeededRandom& random) {
  Content left = inode.synced;
  const std::uint64_t kept_of_16 = std::array{0U, 1U, 8U, 15U, 16U}[random.upto(5)];
  const bool garbage = random.one_in(4);
  for (const Change& change : inode.pending) {
    const bool whole = random.one_in(2);  // its pieces share one fate
    const bool kept = random.upto(16) < kept_of_16;
    for (Change& piece : pieces(change, random)) {
      if (whole ? kept : random.upto(16) < kept_of_16) {
        carry_out(piece, left);
        continue;
      }
      const std::size_t end = piece.offset + piece.bytes.size();
      if (!piece.truncates && end > left.size() && random.one_in(2)) {
        left.resize(end);  // the size reached the disk, the bytes did not
      } else if (!piece.truncates && garbage && end <= left.size() && random.one_in(4)) {
        random.fill(piece.bytes);
        carry_out(piece, left);
      }
    }
  }
  return left;
}

/// Of each name, the changes not synced happened up to some point.
Directory survive(const Directory& synced, const std::vector<NameChange>& pending,
                  SeededRandom& random) {
  Directory left = synced;
  std::map<std::string, std::uint64_t> rest;  // of the changes of this name
  for (const NameChange& one : pending) ++rest[one.name];
  for (auto& [name, count] : rest) count = random.upto(count + 1);
  for (const NameChange& one : pending) {
    std::uint64_t& count = rest[one.name];
    if (count == 0) continue;
    --count;
    if (one.inode)
      left[one.name] = one.inode;
    else
      left.erase(one.name);
  }
  return left;
}

}  // namespace

TornDisk::TornDisk() : parts_(std::make_unique<TornDiskParts>()) {
  static std::uint64_t made = 0;  // names of VFSs are global to SQLite
  TornDiskParts& disk = *parts_;
  disk.name = "torn-" + std::to_string(++made);
  sqlite3_vfs& vfs = disk.vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(File);
  vfs.mxPathname = 512;
  vfs.zName = disk.name.c_str();
  vfs.pAppData = &disk;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time;
  vfs.xCurrentTimeInt64 = current_time_ms;
  vfs.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs, 0);
}

TornDisk::~TornDisk() {
  sqlite3_vfs_unregister(&parts_->vfs);
}

const char* TornDisk::name() const {
  return parts_->name.c_str();
}
std::uint64_t TornDisk::changes() const {
  return parts_->changes;
}
void TornDisk::lose_power_after(std::uint64_t count) {
  parts_->dies_at = parts_->changes + count;
}
void TornDisk::lose_power() {
  parts_->power = false;
}
bool TornDisk::has_power() const {
  return parts_->power;
}
void TornDisk::lie_about_syncs(bool lie) {
  parts_->lies = lie;
}
void TornDisk::set_capacity(std::size_t bytes) {
  parts_->capacity = bytes;
}

void TornDisk::restore(std::uint64_t seed) {
  SeededRandom random(seed);
  TornDiskParts& disk = *parts_;
  Directory names = survive(disk.synced, disk.pending, random);
  disk.now.clear();
  for (const auto& [name, inode] : names) {
    auto fresh = std::make_shared<Inode>();
    fresh->now = fresh->synced = survive(*inode, random);
    disk.now[name] = std::move(fresh);
  }
  disk.sync_directory();
  disk.power = true;
  disk.dies_at = 0;
  ++disk.life;
}

std::vector<std::string> TornDisk::files() const {
  std::vector<std::string> found;
  for (const auto& [name, inode] : parts_->now) found.push_back(name);
  return found;
}

std::vector<std::uint8_t> TornDisk::content(const std::string& file) const {
  const auto found = parts_->now.find(file);
  return found == parts_->now.end() ? Content{} : found->second->now;
}

}  // namespace starling::test
