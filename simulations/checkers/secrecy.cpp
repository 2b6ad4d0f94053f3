// Secrecy: no topic and no payload stands in clear in a datagram of the DHT. Every datagram is
// searched for all topics of more than six bytes, for what filters write out before their first
// wildcard, and for the marker that every payload carries.
//
// Four bytes in four are looked at, not every four bytes: a pattern of seven or more covers, wherever
// it lies, four bytes that begin at a multiple of four, and these are among the four pieces under
// which it is filed. In ciphertext hardly any piece is found, so a byte costs a fraction of a
// nanosecond.
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "simulations/checkers/promise_checker.hpp"
#include "simulations/checkers/topic_match.hpp"

namespace starling::sim {
namespace {

constexpr std::size_t piece_size = 4;
constexpr std::size_t pattern_min = 2 * piece_size - 1;
constexpr std::size_t patterns_max = 100'000;
constexpr unsigned sieve_bits = 19;  // 64 KiB: stays in the cache

class Patterns {
 public:
  Patterns() : sieve_((std::size_t{1} << sieve_bits) / 64) {}

  void add(std::string_view text) {
    if (text.size() < pattern_min || texts_.size() >= patterns_max) return;
    const auto [at, is_new] = texts_.emplace(text);
    if (!is_new) return;
    for (std::size_t offset = 0; offset < piece_size; ++offset) {
      const std::uint32_t piece = piece_at(at->data() + offset);
      const std::uint32_t place = place_of(piece);
      sieve_[place / 64] |= std::uint64_t{1} << (place % 64);
      pieces_[piece].push_back({&*at, offset});
    }
  }

  /// The first one found; null: none.
  [[nodiscard]] const std::string* find_in(ByteView bytes) const {
    const char* data = reinterpret_cast<const char*>(bytes.data());
    for (std::size_t at = 0; at + piece_size <= bytes.size(); at += piece_size) {
      const std::uint32_t piece = piece_at(data + at);
      const std::uint32_t place = place_of(piece);
      if ((sieve_[place / 64] >> (place % 64) & 1U) == 0) continue;
      const auto filed = pieces_.find(piece);
      if (filed == pieces_.end()) continue;
      for (const Filed& each : filed->second) {
        if (each.offset > at) continue;
        const std::size_t begin = at - each.offset;
        const bool fits = begin + each.text->size() <= bytes.size();
        if (fits && std::memcmp(data + begin, each.text->data(), each.text->size()) == 0)
          return each.text;
      }
    }
    return nullptr;
  }

 private:
  struct Filed {
    const std::string* text = nullptr;
    std::size_t offset = 0;  // of the piece within it
  };
  static std::uint32_t piece_at(const char* bytes) {
    std::uint32_t piece = 0;
    std::memcpy(&piece, bytes, sizeof piece);
    return piece;
  }
  static std::uint32_t place_of(std::uint32_t piece) {
    return piece * 0x9e37'79b1U >> (32U - sieve_bits);
  }

  std::unordered_set<std::string> texts_;  // its elements do not move
  std::unordered_map<std::uint32_t, std::vector<Filed>> pieces_;
  std::vector<std::uint64_t> sieve_;
};

class SecrecyChecker final : public PromiseChecker {
 public:
  explicit SecrecyChecker(Ledger& ledger) : PromiseChecker(ledger) {
    patterns_.add(settings().payload_marker);
  }

  std::string_view name() const override { return "secrecy"; }
  std::string_view promise() const override {
    return "No topic and no payload stands in clear in a datagram of the DHT.";
  }
  std::string_view not_promised() const override {
    return "Of topics only those of more than six bytes are looked for. Links are not looked at: "
           "their secrecy is tested with the real TLS.";
  }

  void on_published(TimePoint, const Published& what) override { patterns_.add(what.topic); }
  void on_subscribing(TimePoint, const Subscribed& what) override {
    patterns_.add(literal_prefix(split_share(what.filter).filter));
  }

  void on_datagram(TimePoint at, NodeNumber from, NodeNumber to, ByteView bytes) override {
    if (!ledger_.mesh().is_trusted(from)) return;
    count_seen();
    const std::string* found = patterns_.find_in(bytes);
    if (found == nullptr) return;
    violated(
        at,
        (from == no_node ? "a stranger" : "node " + std::to_string(from)) + " sent "
            + (*found == settings().payload_marker ? "a payload" : "the topic " + quoted(*found))
            + " in clear to " + (to == no_node ? "a stranger" : "node " + std::to_string(to))
            + " in a datagram of " + std::to_string(bytes.size()) + " bytes at "
            + ledger_.when(at));
  }

 private:
  Patterns patterns_;
};

}  // namespace

MadeChecker make_secrecy(Ledger& ledger) {
  return std::make_unique<SecrecyChecker>(ledger);
}

}  // namespace starling::sim
