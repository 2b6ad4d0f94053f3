// Walks through a "mosquitto.db" that need not fit into memory: which chunks there are, where it is
// damaged, and where its messages stand, which others refer to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "src/store/mosquitto_db.hpp"
#include "src/store/mosquitto_db_chunks.hpp"

namespace starling::mosquitto_db {

/// The part of a file that was looked at last.
class Window {
 public:
  /// Reads at least `size_min` bytes at a time, where there are so many.
  Window(PositionedBytes& file, std::size_t size_min) : file_(file), size_min_(size_min) {}

  /// All within the file; good until the next call. Empty (for a `size` above 0): it cannot be read.
  ByteView at(std::uint64_t begin, std::size_t size);

 private:
  PositionedBytes& file_;
  std::size_t size_min_;
  std::uint64_t begin_ = 0;
  Bytes bytes_;
};

struct Chunk {
  std::uint64_t at = 0;  ///< of its head
  std::uint64_t body = 0;
  std::uint64_t end = 0;  ///< where the next one is
  std::uint32_t kind = 0;

  [[nodiscard]] std::size_t body_size() const { return static_cast<std::size_t>(end - body); }
};

/// A file whose head is right, as far as it makes sense: all of it is walked through once when it is
/// opened.
class ChunkFile {
 public:
  /// Errors: malformed, unsupported (also a build of Mosquitto with other numbers), too_large (above
  /// limits::store_import_bytes_max), io.
  static Result<std::unique_ptr<ChunkFile>> open(PositionedBytes& file);

  [[nodiscard]] const Format& format() const { return format_; }
  [[nodiscard]] static std::uint64_t begin() { return file_head_size; }
  /// nullopt: `at` is the end of what makes sense, or it cannot be read (then see damage()).
  std::optional<Chunk> chunk_at(std::uint64_t at);
  /// Good until the next call of either. Empty also when it cannot be read.
  ByteView body(const Chunk& chunk);
  /// Where and why it ends before its end, as what one says of a file; nullopt: it does not.
  [[nodiscard]] const std::optional<std::string>& damage() const { return damage_; }

  /// A message of the file.
  struct Place {
    std::uint64_t id = 0;
    std::uint32_t at = 0;  ///< of its chunk; the bound on files lets 32 bits suffice
  };
  /// In the order of their ids, each id once: the order in which Mosquitto 2.0 took them in.
  [[nodiscard]] const std::vector<Place>& messages() const { return messages_; }
  [[nodiscard]] PositionedBytes& bytes() const { return file_; }

 private:
  ChunkFile(PositionedBytes& file, Format format);
  std::optional<Chunk> look(std::uint64_t at, std::uint64_t end);
  void walk();
  void note_damage(std::uint64_t at, const std::string& what);

  PositionedBytes& file_;
  Format format_;
  Window window_;
  std::uint64_t end_;  // of what makes sense
  std::optional<std::uint8_t> number_size_;
  std::optional<std::string> damage_;
  std::vector<Place> messages_;
};

/// Makes messages of the file into ours. Those of late are kept, as many sessions may wait for one.
class MessageFinder {
 public:
  /// Both must outlive it.
  MessageFinder(const ChunkFile& chunks, const MosquittoImport& how);

  [[nodiscard]] std::uint64_t count() const { return chunks_.messages().size(); }
  /// Null: there is none, or our rules refuse it (topic, properties). Its number is
  /// how.first.message plus its place among messages(), counted from 1.
  SharedPublication find(std::uint64_t id);
  /// As it stands in the file; good until the next call of either. nullopt: as above, but the
  /// topic and the properties are not looked at.
  std::optional<Message> read(std::uint64_t id);

 private:
  const ChunkFile::Place* place_of(std::uint64_t id) const;
  std::optional<Message> read(const ChunkFile::Place& place);
  SharedPublication make(const ChunkFile::Place& place);

  const ChunkFile& chunks_;
  const MosquittoImport& how_;
  Window window_;
  std::unordered_map<std::uint64_t, SharedPublication> recent_;  // by id; never iterated
  std::size_t recent_bytes_ = 0;
};

/// `unix_s` on the clock of the machines, at most `ahead_max_s` in the future, and now if it is past.
TimePoint instant_of(const MosquittoImport& how, std::int64_t unix_s, std::uint32_t ahead_max_s);

}  // namespace starling::mosquitto_db
