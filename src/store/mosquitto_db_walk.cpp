#include "src/store/mosquitto_db_walk.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "starling/limits.hpp"

namespace starling::mosquitto_db {
namespace {

constexpr std::size_t walk_window = 256U << 10U;
constexpr std::size_t message_window = 4U << 10U;  // messages are looked up here and there
constexpr std::size_t window_kept_max = 1U << 20U;
constexpr std::size_t recent_bytes_max = 8U << 20U;
constexpr std::size_t recent_cost = 200;  // of one message besides topic and payload, roughly
/// A payload, a topic, the names of a source, properties.
constexpr std::uint64_t chunk_size_max = 2 * limits::packet_size_max;
static_assert(limits::store_import_bytes_max <= std::uint64_t{1} << 32U,
              "the places of messages have 32 bits");

}  // namespace

TimePoint instant_of(const MosquittoImport& how, std::int64_t unix_s, std::uint32_t ahead_max_s) {
  if (unix_s <= how.unix_now) return how.now;
  const std::uint64_t ahead =
      static_cast<std::uint64_t>(unix_s) - static_cast<std::uint64_t>(how.unix_now);
  return how.now + std::chrono::seconds{std::min<std::uint64_t>(ahead, ahead_max_s)};
}

ByteView Window::at(std::uint64_t begin, std::size_t size) {
  if (begin < begin_ || begin + size > begin_ + bytes_.size()) {
    if (bytes_.capacity() > window_kept_max) bytes_ = Bytes();
    const std::uint64_t there = file_.size() - begin;
    bytes_.resize(static_cast<std::size_t>(
        std::max<std::uint64_t>(size, std::min<std::uint64_t>(size_min_, there))));
    begin_ = begin;
    if (!file_.read(begin, bytes_)) {
      bytes_.clear();
      return {};
    }
  }
  return ByteView(bytes_).subspan(static_cast<std::size_t>(begin - begin_), size);
}

// --- ChunkFile

ChunkFile::ChunkFile(PositionedBytes& file, Format format)
    : file_(file), format_(format), window_(file, walk_window), end_(file.size()) {}

Result<std::unique_ptr<ChunkFile>> ChunkFile::open(PositionedBytes& file) {
  if (file.size() > limits::store_import_bytes_max)
    return Error{Errc::too_large, "it has " + std::to_string(file.size()) + " bytes, and up to "
                                      + std::to_string(limits::store_import_bytes_max)
                                      + " are read"};
  Bytes head(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), file_head_size)));
  if (head.empty()) return Error{Errc::malformed, "it is empty"};
  if (!file.read(0, head)) return Error{Errc::io, "it cannot be read"};
  const auto format = Format::read(head);
  if (!format) return format.error();
  std::unique_ptr<ChunkFile> opened(new ChunkFile(file, *format));
  opened->walk();
  if (opened->number_size_ && *opened->number_size_ != message_id_size)
    return Error{Errc::unsupported, "its messages have numbers of "
                                        + std::to_string(*opened->number_size_)
                                        + " bytes, and numbers of 8 are known"};
  return opened;
}

void ChunkFile::note_damage(std::uint64_t at, const std::string& what) {
  if (damage_) return;
  damage_ = what + " at byte " + std::to_string(at) + " of " + std::to_string(file_.size());
}

std::optional<Chunk> ChunkFile::look(std::uint64_t at, std::uint64_t end) {
  const std::size_t head_size = format_.chunk_head_size();
  if (end - at < head_size) {
    note_damage(at, "is cut off");
    return std::nullopt;
  }
  const ByteView bytes = window_.at(at, head_size);
  if (bytes.empty()) {
    note_damage(at, "cannot be read");
    return std::nullopt;
  }
  const ChunkHead head = format_.read_chunk_head(bytes);
  const std::uint64_t body = at + head_size;
  if (head.kind == 0 || head.kind > chunk_kinds_max || head.length > chunk_size_max) {
    note_damage(at, "is damaged");
    return std::nullopt;
  }
  if (head.length > end - body) {
    note_damage(at, "is cut off or damaged");
    return std::nullopt;
  }
  return Chunk{at, body, body + head.length, head.kind};
}

std::optional<Chunk> ChunkFile::chunk_at(std::uint64_t at) {
  if (at >= end_) return std::nullopt;
  return look(at, end_);
}

ByteView ChunkFile::body(const Chunk& chunk) {
  const ByteView bytes = window_.at(chunk.body, chunk.body_size());
  if (bytes.size() != chunk.body_size()) note_damage(chunk.at, "cannot be read");
  return bytes;
}

void ChunkFile::walk() {
  std::uint64_t at = begin();
  while (at < file_.size()) {
    const auto chunk = look(at, file_.size());
    if (!chunk) break;
    const auto kind = static_cast<ChunkKind>(chunk->kind);
    if (kind == ChunkKind::message && chunk->body_size() >= message_id_size) {
      const ByteView id = window_.at(chunk->body, message_id_size);
      if (id.empty()) {
        note_damage(at, "cannot be read");
        break;
      }
      messages_.push_back({read_message_id(id), static_cast<std::uint32_t>(at)});
    } else if (kind == ChunkKind::configuration && !number_size_) {
      number_size_ = format_.read_number_size(body(*chunk));
    }
    at = chunk->end;
  }
  end_ = at;
  const auto before = [](const Place& a, const Place& b) {
    return a.id != b.id ? a.id < b.id : a.at < b.at;
  };
  std::ranges::sort(messages_, before);
  const auto same = [](const Place& a, const Place& b) { return a.id == b.id; };
  messages_.erase(std::unique(messages_.begin(), messages_.end(), same), messages_.end());
}

// --- MessageFinder

MessageFinder::MessageFinder(const ChunkFile& chunks, const MosquittoImport& how)
    : chunks_(chunks), how_(how), window_(chunks.bytes(), message_window) {}

const ChunkFile::Place* MessageFinder::place_of(std::uint64_t id) const {
  const auto& all = chunks_.messages();
  const auto found = std::ranges::lower_bound(all, id, {}, &ChunkFile::Place::id);
  return found != all.end() && found->id == id ? &*found : nullptr;
}

std::optional<Message> MessageFinder::read(std::uint64_t id) {
  const ChunkFile::Place* place = place_of(id);
  return place != nullptr ? read(*place) : std::nullopt;
}

std::optional<Message> MessageFinder::read(const ChunkFile::Place& place) {
  const std::size_t head_size = chunks_.format().chunk_head_size();
  const ByteView bytes = window_.at(place.at, head_size);
  if (bytes.empty()) return std::nullopt;
  const ChunkHead head = chunks_.format().read_chunk_head(bytes);
  return chunks_.format().read_message(window_.at(place.at + head_size, head.length));
}

SharedPublication MessageFinder::find(std::uint64_t id) {
  if (const auto known = recent_.find(id); known != recent_.end()) return known->second;
  const ChunkFile::Place* place = place_of(id);
  if (place == nullptr) return nullptr;
  SharedPublication made = make(*place);
  if (recent_bytes_ >= recent_bytes_max) {
    recent_.clear();
    recent_bytes_ = 0;
  }
  recent_bytes_ += recent_cost + (made ? made->topic.text().size() + made->payload.size() : 0);
  return recent_[id] = std::move(made);
}

SharedPublication MessageFinder::make(const ChunkFile::Place& place) {
  const auto message = read(place);
  if (!message) return nullptr;
  auto topic = TopicName::parse(message->topic);
  auto properties = read_properties(message->properties);
  if (!topic || !properties) return nullptr;
  Publication made{.topic = std::move(*topic),
                   .payload = SharedBytes(message->payload),
                   .qos = static_cast<QoS>(message->qos),
                   .retain = message->retain,
                   .expires_at = std::nullopt,
                   .properties = nullptr,
                   .id = {},
                   .number = 0};
  if (message->expires_at > 0) made.expires_at = instant_of(how_, message->expires_at, UINT32_MAX);
  if (properties->any)
    made.properties = std::make_shared<const MessageProperties>(std::move(properties->message));
  made.number =
      how_.first.message + 1 + static_cast<std::uint64_t>(&place - chunks_.messages().data());
  return std::make_shared<const Publication>(std::move(made));
}

}  // namespace starling::mosquitto_db
