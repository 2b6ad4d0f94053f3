// Where a frame ends, who may be large, and how a publication is shared between links.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "tests/unit/wire/frames.hpp"

namespace starling {
namespace {

using namespace wire_test;
using boost::unit_test::label;
using wire::cut_frame;

const wire::FrameBounds small{100, 1'000};

Bytes claims(std::size_t size, std::initializer_list<std::uint8_t> begin) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.write_u32(static_cast<std::uint32_t>(size));
  for (const std::uint8_t byte : begin) writer.write_u8(byte);
  return bytes;
}
Errc refusal(const Bytes& bytes, wire::FrameBounds bounds) {
  return cut_frame(bytes, bounds).error().code;
}

BOOST_AUTO_TEST_CASE(a_frame_is_cut_when_all_of_it_is_there, *label("MESH-3.1-1")) {
  Bytes stream = written(wire::Ping{1});
  const std::size_t first = stream.size();
  append(stream, written(wire::Pong{2}));
  for (std::size_t size = 0; size < first; ++size) {
    const auto cut = cut_frame(ByteView(stream).first(size), small);
    BOOST_TEST_REQUIRE(cut.ok());
    BOOST_TEST(!cut->has_value());
  }
  const auto cut = cut_frame(stream, small);
  BOOST_TEST_REQUIRE((cut.ok() && cut->has_value()));
  BOOST_TEST((*cut)->size() == first - wire::frame_prefix_size);
  BOOST_TEST((*cut)->data() == stream.data() + wire::frame_prefix_size);
}

BOOST_AUTO_TEST_CASE(an_empty_frame_is_refused, *label("MESH-3.1-2")) {
  BOOST_TEST((refusal(claims(0, {}), small) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(a_large_frame_is_refused_before_it_is_buffered, *label("MESH-3.1-3")) {
  BOOST_TEST(cut_frame(claims(100, {}), small).ok());
  BOOST_TEST((refusal(claims(1'001, {}), small) == Errc::too_large));
  BOOST_TEST((refusal(claims(0xFFFFFFFF, {}), small) == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(only_publications_may_be_larger_than_other_frames, *label("MESH-3.1-3")) {
  BOOST_TEST(cut_frame(claims(101, {}), small).ok());         // nobody knows yet
  BOOST_TEST(cut_frame(claims(101, {0x95, 7}), small).ok());  // publications
  BOOST_TEST((refusal(claims(101, {0x95, 6}), small) == Errc::too_large));
  BOOST_TEST((refusal(claims(101, {0xDC, 0}), small) == Errc::too_large));
  BOOST_TEST((refusal(claims(1'001, {0x95, 7}), small) == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_publication_is_encoded_once_for_all_links) {
  Publication message = publication("cam/door", std::string(20'000, 'j'));
  message.id = {node(1), 2, 3};
  const auto encoded = wire::encode_publication(message, node(1));
  BOOST_TEST(encoded.payload.data() == message.payload.data());  // shared, not copied
  OutputBuffer first;
  OutputBuffer second;
  for (OutputBuffer* out : {&first, &second}) {
    const wire::OutgoingEntry entry{.mesh = out == &first ? 0U : 5U,
                                    .qos = QoS::at_most_once,
                                    .hops = 0,
                                    .expires_in = {},
                                    .body = encoded};
    wire::write_publications(wire::Lane::best_effort, 1, {}, node(1), {&entry, 1}, *out);
  }
  std::vector<ByteView> views(16);
  for (OutputBuffer* out : {&first, &second}) {
    const std::size_t count = out->gather(views);
    BOOST_TEST(views[count - 1].data() == message.payload.data());
  }
  const Bytes bytes = all_of(second);
  const auto cut = cut_frame(bytes, {1U << 20U, 1U << 20U});
  const auto frame = wire::read_frame(**cut);
  BOOST_TEST_REQUIRE(frame.ok());
  const auto& entry = std::get<wire::Publications>(*frame).entries.at(0);
  BOOST_TEST(entry.mesh == 5U);
  BOOST_TEST(entry.publication.id.origin.is_zero());  // the sender's own: not repeated
  BOOST_TEST((entry.publication.payload == message.payload));
}

BOOST_AUTO_TEST_CASE(the_sender_and_the_receiver_count_the_same_cost, *label("MESH-5.2-4")) {
  for (const std::size_t size : {0U, 10U, 4'095U, 4'096U, 100'000U}) {
    Publication message = publication("a/b", std::string(size, 'x'), QoS::at_least_once);
    const wire::OutgoingEntry entry{.mesh = 0,
                                    .qos = QoS::at_least_once,
                                    .hops = 1,
                                    .expires_in = std::chrono::milliseconds(70'000),
                                    .body = wire::encode_publication(message, NodeId{})};
    OutputBuffer out;
    wire::write_publications(wire::Lane::guaranteed, 9, {}, NodeId{}, {&entry, 1}, out);
    BOOST_TEST(out.size() <= wire::entry_size(entry) + wire::batch_overhead_max);
    const Bytes bytes = all_of(out);
    const auto frame = wire::read_frame(ByteView(bytes).subspan(wire::frame_prefix_size));
    BOOST_TEST_REQUIRE(frame.ok());
    BOOST_TEST(std::get<wire::Publications>(*frame).entries.at(0).cost == wire::entry_size(entry));
  }
}

BOOST_AUTO_TEST_CASE(a_batch_with_everything_at_its_greatest_keeps_its_overhead) {
  const wire::OutgoingEntry entry{.mesh = 0,
                                  .qos = QoS::at_most_once,
                                  .hops = 0,
                                  .expires_in = {},
                                  .body = wire::encode_publication(publication("a", ""), NodeId{})};
  const std::vector<wire::OutgoingEntry> entries(limits::frame_publications_max, entry);
  OutputBuffer out;
  wire::write_publications(wire::Lane::guaranteed, UINT64_MAX - entries.size(),
                           MessageId{node(9), UINT64_MAX, UINT64_MAX}, NodeId{}, entries, out);
  BOOST_TEST(out.size() <= entries.size() * wire::entry_size(entry) + wire::batch_overhead_max);
}

}  // namespace
}  // namespace starling
