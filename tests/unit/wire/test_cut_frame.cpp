// Where a frame ends, who may be large, and what messages cost.
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
  BOOST_TEST(cut_frame(claims(101, {0x98, 7}), small).ok());  // publications
  BOOST_TEST((refusal(claims(101, {0x95, 6}), small) == Errc::too_large));
  BOOST_TEST((refusal(claims(101, {0xDC, 0}), small) == Errc::too_large));
  BOOST_TEST((refusal(claims(1'001, {0x98, 7}), small) == Errc::too_large));
}

const wire::OutgoingEntry numbered{.topic_number = 7, .topic_text = "", .qos = QoS::at_least_once};

wire::Publications read(const OutputBuffer& out) {
  const Bytes bytes = all_of(out);
  const auto cut = cut_frame(bytes, {1U << 20U, 1U << 20U}).value();
  return std::get<wire::Publications>(wire::read_frame(*cut).value());
}

BOOST_AUTO_TEST_CASE(a_large_payload_is_shared_and_not_copied) {
  const SharedBytes payload(Bytes(20'000, 'j'));
  OutputBuffer out;
  wire::write_single({wire::Lane::guaranteed, 1, {}, {node(1), 2, 3}}, node(1), numbered, payload,
                     out);
  std::vector<ByteView> views(16);
  const std::size_t count = out.gather(views);
  BOOST_TEST(views[count - 1].data() == payload.data());
  const wire::Publications frame = read(out);
  BOOST_TEST(frame.head.first_id.origin.is_zero());  // the sender's own: not repeated
  BOOST_TEST((frame.entries.at(0).payload == payload));
}

BOOST_AUTO_TEST_CASE(the_sender_and_the_receiver_count_the_same_cost, *label("MESH-5.2-4")) {
  const MessageProperties properties{.payload_format_indicator = 1,
                                     .content_type = "text",
                                     .response_topic = "r",
                                     .correlation_data = Bytes{1},
                                     .user_properties = {{"a", "b"}}};
  for (const std::size_t size : {0U, 10U, 255U, 256U, 4'095U, 4'096U, 100'000U}) {
    for (const bool is_plain : {true, false}) {
      const SharedBytes payload(Bytes(size, 'x'));
      wire::OutgoingEntry entry = numbered;
      if (!is_plain) {
        entry.topic_text = "a/b";
        entry.hops = 1;
        entry.step = UINT64_MAX;
        entry.expires_in = std::chrono::milliseconds(70'000);
        entry.properties = &properties;
      }
      const wire::PublicationsHead head{wire::Lane::guaranteed, 9, {}, {NodeId{}, 1, 0}};
      OutputBuffer single;
      const std::size_t cost = wire::write_single(head, NodeId{}, entry, payload, single);
      Bytes batch;
      wire::write_entry(entry, payload.view(), batch);
      BOOST_TEST(batch.size() == cost);
      BOOST_TEST(cost <= size + entry.topic_text.size()
                             + wire::properties_size_max(entry.properties)
                             + wire::entry_overhead_max);
      BOOST_TEST(single.size() <= cost + wire::batch_overhead_max);
      OutputBuffer batched;
      wire::write_batch(head, NodeId{}, 1, batch, batched);
      BOOST_TEST((all_of(single) == all_of(batched)));
      BOOST_TEST(read(single).entries.at(0).cost == cost);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_batch_with_everything_at_its_greatest_keeps_its_overhead) {
  Bytes batch;
  for (std::size_t i = 0; i < limits::frame_publications_max; ++i)
    wire::write_entry(numbered, {}, batch);
  OutputBuffer out;
  const MessageId greatest{node(9), UINT64_MAX, UINT64_MAX};
  wire::write_batch({wire::Lane::guaranteed, UINT64_MAX, greatest, greatest}, node(1),
                    limits::frame_publications_max, batch, out);
  BOOST_TEST(out.size() <= batch.size() + wire::batch_overhead_max);
}

}  // namespace
}  // namespace starling
