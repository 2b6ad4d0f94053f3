// Any datagram as a beacon: what is read keeps its bounds and, written again, is read as the same; and
// a node that hears it believes nobody who is not of its mesh.
#include <array>

#include "starling/check.hpp"

#include "bridge/reach/lan_beacon.hpp"
#include "bridge/reach/lan_neighbours.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  test::SeededRandom random(1);
  crypto::MeshKeys mesh;
  random.fill(mesh.member);  // whoever guesses a tag of it has guessed 128 bits
  LanNeighbours here(NodeId{}, 21'883, {mesh}, random);
  const auto from = Endpoint::v4({192, 168, 1, 7}, 40'000);
  const auto heard = here.on_datagram(from, bytes, TimePoint{}, 1'764'158'400);
  STARLING_CHECK(heard.verdict != LanNeighbours::Verdict::neighbour);
  STARLING_CHECK(here.size(TimePoint{}) == 0);

  const auto beacon = read_lan_beacon(bytes);
  if (!beacon) {
    STARLING_CHECK(!beacon.error().what.empty());
    return 0;
  }
  STARLING_CHECK(size <= lan_beacon_bytes_max && beacon->port != 0);
  STARLING_CHECK(beacon->tags.size() <= lan_tags_max);
  const auto again = read_lan_beacon(write_lan_beacon(*beacon));
  STARLING_CHECK(again.ok() && *again == *beacon);
  return 0;
}
