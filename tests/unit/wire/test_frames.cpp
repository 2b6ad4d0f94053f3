// Frames there and back, and every way in which bytes fail to be one.
#include <boost/test/unit_test.hpp>
#include <string>

#include "starling/limits.hpp"

#include "tests/unit/wire/frames.hpp"

namespace starling {
namespace {

using namespace wire_test;
using boost::unit_test::label;
using wire::read_frame;

/// Why `body` is no frame; empty if it is one.
std::string refusal(ByteView body) {
  const auto frame = read_frame(body);
  return frame ? std::string() : frame.error().what;
}
Bytes bytes(std::initializer_list<int> values) {
  Bytes result;
  for (const int value : values) result.push_back(static_cast<std::uint8_t>(value));
  return result;
}
bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_CASE(every_frame_is_read_as_it_was_written, *label("MESH-3.2-1")) {
  for (const wire::Frame& frame : one_of_each()) {
    const auto read = read_frame(body_of(frame));
    BOOST_TEST_CONTEXT(wire::name_of(frame)) {
      BOOST_TEST_REQUIRE(read.ok());
      BOOST_TEST((*read == frame));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_frame_can_be_cut_short) {
  for (const wire::Frame& frame : one_of_each()) {
    const Bytes body = body_of(frame);
    const std::size_t step = body.size() > 1000 ? 997 : 1;
    for (std::size_t size = 0; size < body.size(); size += step)
      BOOST_TEST(!read_frame(ByteView(body).first(size)).ok(), wire::name_of(frame)
                                                                   << " of " << size);
  }
}

BOOST_AUTO_TEST_CASE(fields_of_later_versions_are_ignored, *label("MESH-3.2-4")) {
  Bytes body = body_of(wire::Ping{5});
  body[0] = 0x94;  // two fields more: text, and an array in a map
  append(body, bytes({0xA2, 'h', 'i', 0x81, 0x01, 0x92, 0xC0, 0xCB, 0, 0, 0, 0, 0, 0, 0, 0}));
  const auto frame = read_frame(body);
  BOOST_TEST_REQUIRE(frame.ok());
  BOOST_TEST((*frame == wire::Frame{wire::Ping{5}}));
}

BOOST_AUTO_TEST_CASE(unknown_types_are_read_as_such_whatever_they_hold, *label("MESH-3.2-5")) {
  const auto frame = read_frame(bytes({0x95, 0x40, 0xC0, 0xC7, 1, 9, 9, 0xD4, 1, 2, 0xDE, 0, 0}));
  BOOST_TEST_REQUIRE(frame.ok());
  BOOST_TEST((*frame == wire::Frame{wire::UnknownFrame{0x40}}));
  BOOST_TEST(read_frame(bytes({0x91, 0xCF, 1, 0, 0, 0, 0, 0, 0, 5})).ok());  // not a hello
}

BOOST_AUTO_TEST_CASE(every_type_of_msgpack_can_be_passed_over, *label("MESH-3.2-4")) {
  const std::vector<Bytes> values{bytes({0x7F}),
                                  bytes({0xE0}),
                                  bytes({0xC0}),
                                  bytes({0xC2}),
                                  bytes({0xC3}),
                                  bytes({0xA2, 1, 2}),
                                  bytes({0xCA, 1, 2, 3, 4}),
                                  bytes({0xCB, 1, 2, 3, 4, 5, 6, 7, 8}),
                                  bytes({0xCC, 1}),
                                  bytes({0xCD, 1, 2}),
                                  bytes({0xCE, 1, 2, 3, 4}),
                                  bytes({0xCF, 1, 2, 3, 4, 5, 6, 7, 8}),
                                  bytes({0xD0, 1}),
                                  bytes({0xD1, 1, 2}),
                                  bytes({0xD2, 1, 2, 3, 4}),
                                  bytes({0xD3, 1, 2, 3, 4, 5, 6, 7, 8}),
                                  bytes({0xD4, 9, 1}),
                                  bytes({0xD5, 9, 1, 2}),
                                  bytes({0xD6, 9, 1, 2, 3, 4}),
                                  bytes({0xD7, 9, 1, 2, 3, 4, 5, 6, 7, 8}),
                                  bytes({0xD8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}),
                                  bytes({0xC4, 1, 1}),
                                  bytes({0xC5, 0, 1, 1}),
                                  bytes({0xC6, 0, 0, 0, 1, 1}),
                                  bytes({0xC7, 1, 9, 1}),
                                  bytes({0xC8, 0, 1, 9, 1}),
                                  bytes({0xC9, 0, 0, 0, 1, 9, 1}),
                                  bytes({0xD9, 1, 1}),
                                  bytes({0xDA, 0, 1, 1}),
                                  bytes({0xDB, 0, 0, 0, 1, 1}),
                                  bytes({0x81, 1, 2}),
                                  bytes({0xDE, 0, 1, 1, 2}),
                                  bytes({0xDF, 0, 0, 0, 1, 1, 2}),
                                  bytes({0x91, 1}),
                                  bytes({0xDC, 0, 1, 1}),
                                  bytes({0xDD, 0, 0, 0, 1, 1})};
  for (const Bytes& value : values) {
    Bytes body{0x93, 3};
    body.push_back(7);
    append(body, value);
    BOOST_TEST_CONTEXT(to_hex(value)) {
      const auto frame = read_frame(body);
      BOOST_TEST_REQUIRE(frame.ok());
      BOOST_TEST((*frame == wire::Frame{wire::Ping{7}}));
      BOOST_TEST(!read_frame(ByteView(body).first(body.size() - 1)).ok());
      body.push_back(0xC0);
      BOOST_TEST(says(refusal(body), "behind"));
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_of_any_width_are_numbers) {
  for (const Bytes& body :
       {bytes({0x92, 3, 7}), bytes({0x92, 0xCC, 3, 0xD0, 7}), bytes({0x92, 3, 0xCD, 0, 7}),
        bytes({0x92, 3, 0xD3, 0, 0, 0, 0, 0, 0, 0, 7}), bytes({0xDC, 0, 2, 3, 7}),
        bytes({0xDD, 0, 0, 0, 2, 3, 0xCE, 0, 0, 0, 7})}) {
    const auto frame = read_frame(body);
    BOOST_TEST_REQUIRE(frame.ok());
    BOOST_TEST((*frame == wire::Frame{wire::Ping{7}}));
  }
  BOOST_TEST(says(refusal(bytes({0x92, 3, 0xFF})), "not negative"));
  BOOST_TEST(says(refusal(bytes({0x92, 3, 0xD0, 0x80})), "out of its range"));
  BOOST_TEST(says(refusal(bytes({0x92, 3, 0xCA, 0, 0, 0, 0})), "number"));
}

BOOST_AUTO_TEST_CASE(what_is_no_array_is_no_frame, *label("MESH-3.2-1")) {
  BOOST_TEST(says(refusal(bytes({0x80})), "array"));
  BOOST_TEST(says(refusal(bytes({0x07})), "array"));
  BOOST_TEST(says(refusal(bytes({0x90})), "too few"));
  BOOST_TEST(says(refusal(bytes({0xC1})), "array"));
  BOOST_TEST(says(refusal(bytes({0x92, 0x40, 0xC1})), "msgpack does not use"));
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_array_are_refused, *label("MESH-3.2-2")) {
  Bytes body = body_of(wire::Ping{5});
  body.push_back(0xC0);
  BOOST_TEST(says(refusal(body), "behind"));
}

BOOST_AUTO_TEST_CASE(nesting_ends_at_its_bound, *label("MESH-3.2-3")) {
  const auto nested = [](std::size_t depth) {  // the frame itself is the first level
    Bytes body{0x92, 0x40};
    body.insert(body.end(), depth - 2, 0x91);
    body.push_back(0x90);
    return body;
  };
  BOOST_TEST(refusal(nested(limits::frame_depth_max)) == "");
  BOOST_TEST(says(refusal(nested(limits::frame_depth_max + 1)), "too deeply"));
  BOOST_TEST(says(refusal(nested(100'000)), "too deeply"));
}

BOOST_AUTO_TEST_CASE(counts_are_held_against_the_bytes_that_are_there, *label("MESH-3.2-3")) {
  // A batch that claims 1 000 publications in 3 bytes, and unknown fields that claim 4 billion.
  BOOST_TEST(says(refusal(bytes({0x98, 7, 1, 1, 0xC0, 0xC0, 1, 1, 0xDC, 3, 0xE8, 0, 0, 0})),
                  "ends beyond"));
  BOOST_TEST(says(refusal(bytes({0x92, 0x40, 0xDD, 255, 255, 255, 255})), "ends beyond"));
  BOOST_TEST(says(refusal(bytes({0x92, 0x40, 0xDF, 255, 255, 255, 255})), "ends beyond"));
  BOOST_TEST(says(refusal(bytes({0x92, 0x40, 0xC6, 255, 255, 255, 255})), "ends beyond"));
}

BOOST_AUTO_TEST_CASE(every_list_has_its_bound) {
  const auto is_too_large = [](Bytes body) {
    const auto frame = read_frame(body);
    return !frame && frame.error().code == Errc::too_large;
  };
  const auto list = [](Bytes head, std::size_t count, const Bytes& element) {
    append(head, bytes({0xDC, static_cast<int>(count >> 8U), static_cast<int>(count & 255U)}));
    for (std::size_t i = 0; i < count; ++i) append(head, element);
    return head;
  };
  const Bytes interest_entry = bytes({0x93, 0xA1, 'a', 0xA0, 0});
  BOOST_TEST(refusal(list(bytes({0x95, 6, 0, 1, 0}), limits::frame_interests_max, interest_entry))
             == "");
  BOOST_TEST(is_too_large(
      list(bytes({0x95, 6, 0, 1, 0}), limits::frame_interests_max + 1, interest_entry)));
  const Bytes entry = bytes({0x94, 7, 0, 0, 0xC4, 0});
  const Bytes batch_head = bytes({0x98, 7, 1, 1, 0xC0, 0xC0, 1, 1});
  BOOST_TEST(refusal(list(batch_head, limits::frame_publications_max, entry)) == "");
  BOOST_TEST(is_too_large(list(batch_head, limits::frame_publications_max + 1, entry)));
  Bytes member = bytes({0x93, 0xC4, 32});
  member.insert(member.end(), 32, 9);
  append(member, bytes({0x90, 0xC2}));
  BOOST_TEST(refusal(list(bytes({0x93, 11, 0}), limits::frame_peers_max, member)) == "");
  BOOST_TEST(is_too_large(list(bytes({0x93, 11, 0}), limits::frame_peers_max + 1, member)));
  Bytes reason{0x93, 5, 0, 0xDA, 1, 1};
  reason.insert(reason.end(), 257, 'x');
  BOOST_TEST(is_too_large(reason));
}

BOOST_AUTO_TEST_CASE(mqtt_rules_hold_on_links_too) {
  const auto batch = [](Bytes topic, Bytes properties) {
    Bytes body = bytes({0x98, 7, 1, 1, 0xC0, 0xC0, 1, 1, 0x91, 0x96, 0x92, 0});
    append(body, topic);
    append(body, bytes({0, 0, 0xC4, 0, 0xC0}));
    append(body, properties);
    return body;
  };
  const Bytes topic = bytes({0xA1, 'a'});
  const Bytes none = bytes({0xC0});
  BOOST_TEST(refusal(batch(topic, none)) == "");
  BOOST_TEST(says(refusal(batch(bytes({0xA1, '#'}), none)), "topic"));
  BOOST_TEST(
      says(refusal(batch(bytes({0xA0}), bytes({0x95, 0xC0, 0xC0, 0xC0, 0xC0, 0x90}))), "topic"));
  BOOST_TEST(says(refusal(batch(bytes({0xA2, 0xC3, 0x28}), none)), "UTF-8"));
  BOOST_TEST(says(refusal(batch(bytes({0xA1, 0}), none)), "UTF-8"));
  BOOST_TEST(refusal(batch(topic, bytes({0x95, 1, 0xC0, 0xC0, 0xC0, 0x90}))) == "");
  BOOST_TEST(says(refusal(batch(topic, bytes({0x95, 0xCD, 0x01, 0x00, 0xC0, 0xC0, 0xC0, 0x90}))),
                  "range"));
  BOOST_TEST(says(refusal(batch(topic, bytes({0x95, 0xC0, 0xC0, 0xA1, '+', 0xC0, 0x90}))),
                  "response topic"));
  BOOST_TEST(says(refusal(batch(topic, bytes({0x95, 0xC0, 0xC0, 0xC0, 0xC0, 0x91, 0xA0}))),
                  "without a value"));
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_refused) {
  BOOST_TEST(says(refusal(bytes({0x93, 8, 3, 1})), "lane"));
  BOOST_TEST(says(refusal(bytes({0x93, 8, 0, 1})), "lane"));
  BOOST_TEST(says(refusal(bytes({0x95, 6, 0, 1, 3, 0x90})), "range"));   // part
  BOOST_TEST(says(refusal(bytes({0x95, 6, 64, 1, 0, 0x90})), "range"));  // mesh
  BOOST_TEST(says(refusal(bytes({0x95, 6, 0, 1, 0, 0x91, 0x93, 0xA1, 'a', 0xA0, 3})), "QoS 3"));
  BOOST_TEST(says(refusal(bytes({0x95, 6, 0, 1, 2, 0x91, 0x93, 0xA1, 'a', 0xA0, 8})), "withdrawn"));
  BOOST_TEST(
      says(refusal(bytes({0x95, 6, 0, 1, 0, 0x91, 0x93, 0xA1, 'a', 0xA1, '/', 0})), "share"));
  BOOST_TEST(
      says(refusal(bytes({0x95, 6, 0, 1, 0, 0x91, 0x93, 0xA2, '#', 'a', 0xA0, 0})), "filter"));
  const auto entry = [](std::initializer_list<int> values) {
    Bytes body = bytes({0x98, 7, 1, 1, 0xC0, 0xC0, 1, 1, 0x91});
    append(body, bytes(values));
    return body;
  };
  BOOST_TEST(refusal(entry({0x94, 7, 0xCC, 24 << 3 | 4 | 2, 0, 0xC4, 0})) == "");
  BOOST_TEST(says(refusal(entry({0x94, 7, 0xCC, 25 << 3, 0, 0xC4, 0})), "range"));  // hops
  BOOST_TEST(says(refusal(entry({0x94, 7, 0xCD, 1, 0, 0, 0xC4, 0})), "range"));     // flags
  BOOST_TEST(says(refusal(entry({0x94, 7, 3, 0, 0xC4, 0})), "QoS 3"));
  BOOST_TEST(says(refusal(entry({0x94, 0xCF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC4, 0})), "range"));
  BOOST_TEST(says(refusal(entry({0x94, 0x92, 64, 0xA1, 'a', 0, 0, 0xC4, 0})), "range"));  // mesh
  BOOST_TEST(says(refusal(entry({0x95, 7, 0, 0, 0xC4, 0, 0xCF, 255, 0, 0, 0, 0, 0, 0, 0})),
                  "range"));  // expiry
  // A later version may say more, of a message as of its topic.
  BOOST_TEST(refusal(entry({0x97, 0x94, 0, 0xA1, 'a', 9, 0xC0, 0, 0, 0xC4, 0, 0xC0, 0xC0, 0xC0}))
             == "");
}

BOOST_AUTO_TEST_CASE(only_short_topics_get_numbers, *label("MESH-5.1-6")) {
  for (const std::size_t size : {limits::link_topic_bytes_max, limits::link_topic_bytes_max + 1}) {
    wire::PublicationEntry entry = publication(std::string(size, 't'), "");
    const wire::PublicationsHead head{wire::Lane::best_effort, 1, {}, {NodeId{}, 1, 1}};
    BOOST_TEST(read_frame(body_of(wire::Publications{head, {entry}})).ok());
    entry.topic.number = 1;
    const Bytes body = body_of(wire::Publications{head, {entry}});
    BOOST_TEST(refusal(body).empty() == (size == limits::link_topic_bytes_max));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_batch_is_refused, *label("MESH-5.1-4")) {
  BOOST_TEST(says(refusal(bytes({0x98, 7, 1, 1, 0xC0, 0xC0, 1, 1, 0x90})), "without publications"));
}

BOOST_AUTO_TEST_CASE(endpoints_have_an_address_and_a_port) {
  const auto dial_me = [](Bytes endpoint) {
    Bytes body = body_of(wire::DialMe{0, node(1), node(2), {}});
    body.back() = 0x91;
    append(body, endpoint);
    return body;
  };
  BOOST_TEST(refusal(dial_me(bytes({0xC4, 6, 127, 0, 0, 1, 1, 1}))) == "");
  BOOST_TEST(says(refusal(dial_me(bytes({0xC4, 6, 127, 0, 0, 1, 0, 0}))), "without"));
  BOOST_TEST(says(refusal(dial_me(bytes({0xC4, 6, 0, 0, 0, 0, 1, 1}))), "without"));
  BOOST_TEST(says(refusal(dial_me(bytes({0xC4, 7, 127, 0, 0, 1, 1, 1, 1}))), "6 nor 18"));
}

BOOST_AUTO_TEST_CASE(a_lane_is_offered_once_and_unknown_lanes_do_not_matter) {
  wire::Hello hello;
  hello.windows = {{wire::Lane::best_effort, 1, 1}, {wire::Lane::best_effort, 2, 2}};
  BOOST_TEST(says(refusal(body_of(hello)), "twice"));
  hello.windows = {{static_cast<wire::Lane>(9), 1, 1}, {wire::Lane::guaranteed, 2, 2}};
  const auto read = read_frame(body_of(hello));
  BOOST_TEST_REQUIRE(read.ok());
  BOOST_TEST(std::get<wire::Hello>(*read).windows.size() == 1U);
}

BOOST_AUTO_TEST_CASE(unknown_reasons_count_as_other) {
  const auto frame = read_frame(bytes({0x93, 5, 0xCD, 3, 0xE8, 0xA0}));
  BOOST_TEST_REQUIRE(frame.ok());
  BOOST_TEST((*frame == wire::Frame{wire::Bye{wire::CloseReason::other, ""}}));
  BOOST_TEST(wire::to_text(wire::CloseReason::no_shared_mesh) == "no shared mesh");
}

}  // namespace
}  // namespace starling
