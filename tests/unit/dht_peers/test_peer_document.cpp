// The peer book on disk: what is written is read, and damage costs no more than what it hit.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "dht/peers/peer_book.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

class ZeroEntropy : public Entropy {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), 0); }
};

NodeId node(unsigned number) {
  NodeId id;
  id.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
  id.bytes[1] = static_cast<std::uint8_t>(number);
  return id;
}

struct Fixture {
  ZeroEntropy entropy;
  TimePoint now{1h};
  PeerBook book{node(0), entropy};
  PeerBook fresh{node(0), entropy};

  void fill(unsigned count) {
    for (unsigned i = 1; i <= count; ++i) {
      const auto host = static_cast<std::uint8_t>(i);
      book.on_seen(
          {node(i), {Endpoint::v4({192, 0, 2, host}, 21883), *Endpoint::parse("[::1]:7")}, 3, i, 0},
          PeerSource::record, i % 2 ? "family" : "public", now, 1'000 + i);
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(peer_document, Fixture)

BOOST_AUTO_TEST_CASE(what_is_saved_is_known_after_a_restart) {
  fill(5);
  book.on_linked(node(2), Endpoint::v4({192, 0, 2, 2}, 21883), now, 5'000);
  const Bytes document = book.save();
  const auto loaded = fresh.load(document, now);
  BOOST_REQUIRE(loaded.ok());
  BOOST_TEST(*loaded == 5U);
  const KnownPeer& before = *book.find(node(2));
  const KnownPeer& after = *fresh.find(node(2));
  BOOST_TEST((after.endpoints == before.endpoints));
  BOOST_TEST((after.proved == before.proved));
  BOOST_TEST((after.meshes == before.meshes));
  BOOST_TEST(after.epoch == 3U);
  BOOST_TEST(after.sequence == 2U);
  BOOST_TEST(after.last_seen == 5'000);
  BOOST_TEST(after.ever_linked);
  BOOST_TEST((after.source == PeerSource::disk));
}

BOOST_AUTO_TEST_CASE(a_peer_only_heard_of_from_others_is_not_saved) {
  book.on_seen({node(1), {*Endpoint::parse("192.0.2.1:1")}, 0, 0, 0}, PeerSource::told, "family",
               now, 1);
  BOOST_TEST(*fresh.load(book.save(), now) == 0U);
}

BOOST_AUTO_TEST_CASE(the_best_are_saved_when_there_are_many) {
  fill(static_cast<unsigned>(limits::peers_saved_max) + 100);
  book.on_linked(node(1), std::nullopt, now, 1);  // seen longest ago, but linked once
  const auto loaded = fresh.load(book.save(), now);
  BOOST_TEST(*loaded == limits::peers_saved_max);
  BOOST_TEST(fresh.find(node(1)) != nullptr);
  BOOST_TEST(fresh.find(node(2)) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_truncated_document_gives_what_stands_before_the_cut) {
  fill(10);
  const Bytes document = book.save();
  std::size_t last = 10;
  for (std::size_t size = document.size(); size-- > 2;) {
    PeerBook reader(node(0), entropy);
    const auto loaded = reader.load(ByteView(document).first(size), now);
    BOOST_REQUIRE(loaded.ok());
    BOOST_TEST(*loaded <= last);
    last = *loaded;
  }
  BOOST_TEST(last == 0U);
}

BOOST_AUTO_TEST_CASE(any_flipped_byte_leaves_a_usable_book) {
  fill(6);
  const Bytes document = book.save();
  for (std::size_t at = 0; at < document.size(); ++at) {
    for (const std::uint8_t flip : {std::uint8_t{0x01}, std::uint8_t{0x80}, std::uint8_t{0xFF}}) {
      Bytes damaged = document;
      damaged[at] = static_cast<std::uint8_t>(damaged[at] ^ flip);
      PeerBook reader(node(0), entropy);
      const auto loaded = reader.load(damaged, now);
      if (loaded.ok()) BOOST_TEST(*loaded <= 6U);
      BOOST_TEST(reader.size() <= 6U);
      reader.on_seen({node(77), {}, 1, 1, 0}, PeerSource::record, "family", now, 1);
      BOOST_TEST(reader.find(node(77)) != nullptr);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_entry_costs_that_entry_alone) {
  fill(6);
  Bytes document = book.save();
  const NodeId third = node(3);
  const auto at =
      std::search(document.begin(), document.end(), third.bytes.begin(), third.bytes.end());
  BOOST_REQUIRE((at != document.end()));
  *(at - 2) = 0xC0;  // nil instead of the bin that holds the id
  const auto loaded = fresh.load(document, now);
  BOOST_REQUIRE(loaded.ok());
  BOOST_TEST(*loaded == 5U);
  BOOST_TEST(fresh.find(node(3)) == nullptr);
}

BOOST_AUTO_TEST_CASE(another_version_and_other_files_are_refused) {
  const Bytes version2 = {0x91, 0x02};
  BOOST_TEST((fresh.load(version2, now).error().code == Errc::unsupported));
  const std::string_view text = "{\"peers\": []}";
  BOOST_TEST((fresh.load(as_bytes(text), now).error().code == Errc::malformed));
  BOOST_TEST((fresh.load({}, now).error().code == Errc::malformed));
  BOOST_TEST(
      (fresh.load(Bytes(limits::peer_book_bytes_max + 1), now).error().code == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(lengths_that_promise_more_than_there_is_take_no_memory) {
  // A header, then a bin, an array and a string that claim four gigabytes.
  for (const std::uint8_t head : {std::uint8_t{0xC6}, std::uint8_t{0xDD}, std::uint8_t{0xDB}}) {
    const Bytes bomb = {0x91, 0x01, head, 0xFF, 0xFF, 0xFF, 0xFF, 0x00};
    const auto loaded = fresh.load(bomb, now);
    BOOST_REQUIRE(loaded.ok());
    BOOST_TEST(*loaded == 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
