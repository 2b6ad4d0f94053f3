// Frames after the upgrade: messages in any pieces, control frames between them, and every rule a
// client may break.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/websocket/websocket_layer.hpp"
#include "tests/support/websocket_client.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;

namespace {

Bytes bytes_of(OutputBuffer& buffer) {
  Bytes all;
  ByteView views[8];
  while (!buffer.empty()) {
    const std::size_t count = buffer.gather(views);
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      append(all, views[i]);
      size += views[i].size();
    }
    buffer.consume(size);
  }
  return all;
}

std::vector<ServerFrame> frames_of(OutputBuffer& wire) {
  const Bytes bytes = bytes_of(wire);
  ByteView rest = bytes;
  std::vector<ServerFrame> frames;
  while (auto frame = take_frame(rest)) frames.push_back(std::move(*frame));
  BOOST_TEST(rest.empty());
  return frames;
}

struct Open {
  Open() {
    BOOST_TEST_REQUIRE(layer.on_wire_bytes(as_bytes(upgrade_request()), plain, wire).ok());
    BOOST_TEST_REQUIRE(layer.established());
    bytes_of(wire);
  }
  Result<void> feed(ByteView bytes, std::size_t piece = SIZE_MAX) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(piece, bytes.size());
      // As a loop would: its scratch buffer is overwritten afterwards.
      const Bytes scratch(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      if (auto read = layer.on_wire_bytes(scratch, plain, wire); !read) return read;
      bytes = bytes.subspan(size);
    }
    return {};
  }
  /// Feeds what must be refused, and returns the status of the close frame.
  unsigned refused_with(const Bytes& bytes) {
    BOOST_TEST(!feed(bytes).ok());
    const auto frames = frames_of(wire);
    BOOST_TEST_REQUIRE(frames.size() == 1U);
    BOOST_TEST(frames[0].opcode == ws_close);
    return frames[0].status();
  }
  [[nodiscard]] std::string text() const { return std::string(as_text(plain)); }

  std::vector<std::string> origins;
  WebSocketLayer layer{origins};
  Bytes plain;
  OutputBuffer wire;
};

Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(websocket_layer)

BOOST_AUTO_TEST_CASE(nothing_passes_before_the_upgrade) {
  const std::vector<std::string> origins;
  WebSocketLayer layer(origins);
  Bytes plain;
  OutputBuffer wire;
  BOOST_TEST(layer.on_wire_bytes(as_bytes("GET / HTTP/1.1\r\n"), plain, wire).ok());
  BOOST_TEST(!layer.established());
  BOOST_TEST(wire.empty());
  layer.close(wire);
  BOOST_TEST(wire.empty());
}

BOOST_AUTO_TEST_CASE(a_refused_upgrade_is_an_error_with_its_answer_on_the_wire) {
  const std::vector<std::string> origins;
  WebSocketLayer layer(origins);
  Bytes plain;
  OutputBuffer wire;
  const auto read =
      layer.on_wire_bytes(as_bytes(upgrade_request("Sec-WebSocket-Version", "7")), plain, wire);
  BOOST_TEST_REQUIRE(!read.ok());
  BOOST_TEST(read.error().what.find("426") != std::string::npos);
  BOOST_TEST(as_text(bytes_of(wire)).substr(0, 12) == "HTTP/1.1 426");
  BOOST_TEST(!layer.established());
}

BOOST_AUTO_TEST_CASE(the_first_frame_may_come_with_the_request) {
  const std::vector<std::string> origins;
  WebSocketLayer layer(origins);
  Bytes plain;
  OutputBuffer wire;
  Bytes all;
  append(all, as_bytes(upgrade_request()));
  append(all, client_frame(ws_binary, as_bytes("CONNECT")));
  BOOST_TEST(layer.on_wire_bytes(all, plain, wire).ok());
  BOOST_TEST(as_text(plain) == "CONNECT");
}

BOOST_AUTO_TEST_CASE(packets_lie_across_messages_and_fragments_in_any_way,
                     *label("MQTT-6.0.0-2") * label("MQTT5-6.0.0-2")) {
  const Bytes all = client_frame(ws_binary, as_bytes("one "))
                    + client_frame(ws_binary, as_bytes("tw"), false)
                    + client_frame(ws_ping, as_bytes("still there?"))
                    + client_frame(ws_continuation, as_bytes("o th"), false)
                    + client_frame(ws_continuation, {}, false)
                    + client_frame(ws_continuation, as_bytes("ree"), true)
                    + client_frame(ws_binary, {}) + client_frame(ws_binary, as_bytes(" four"));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{5}, SIZE_MAX}) {
    Open open;
    BOOST_TEST(open.feed(all, piece).ok());
    BOOST_TEST(open.text() == "one two three four");
    const auto frames = frames_of(open.wire);
    BOOST_TEST_REQUIRE(frames.size() == 1U);
    BOOST_TEST(frames[0].opcode == ws_pong);
    BOOST_TEST(as_text(frames[0].payload) == "still there?");
    BOOST_TEST(!frames[0].masked);
  }
}

BOOST_AUTO_TEST_CASE(every_size_of_length_is_read_and_bytes_go_on_as_they_come) {
  for (const std::size_t size : {std::size_t{125}, std::size_t{126}, std::size_t{65'535},
                                 std::size_t{65'536}, std::size_t{300'000}}) {
    Bytes payload(size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    Open open;
    const Bytes frame = client_frame(ws_binary, payload);
    const ByteView most = ByteView(frame).first(frame.size() - 1);
    BOOST_TEST(open.feed(most, 10'000).ok());
    BOOST_TEST(open.plain.size() == size - 1);  // nothing waits for the end of the message
    BOOST_TEST(open.feed(ByteView(frame).last(1)).ok());
    BOOST_TEST((open.plain == payload));
  }
}

BOOST_AUTO_TEST_CASE(each_packet_we_send_is_an_unmasked_binary_message_of_its_own,
                     *label("MQTT-6.0.0-1") * label("MQTT5-6.0.0-1")) {
  Open open;
  const auto packet = [](std::uint8_t first, Bytes length, std::size_t body) {
    Bytes bytes{first};
    append(bytes, length);
    bytes.insert(bytes.end(), body, 'x');
    return bytes;
  };
  const std::vector<Bytes> packets = {
      packet(0xD0, {0}, 0),  // PINGRESP
      packet(0x30, {100}, 100), packet(0x30, {0x80, 0x01}, 128),
      packet(0x30, {0xC0, 0x9A, 0x0C}, 200'000),  // more than a piece of the buffer
      packet(0x40, {2}, 2)};
  OutputBuffer plain;
  for (const Bytes& bytes : packets)
    if (bytes.size() > OutputBuffer::share_from) {
      plain.append(ByteView(bytes).first(3));  // a head that ends in another piece
      plain.append(SharedBytes{ByteView(bytes).subspan(3)});
    } else {
      plain.append(bytes);
    }
  BOOST_TEST(open.layer.write_plain(plain, open.wire).ok());
  BOOST_TEST(plain.empty());
  const auto frames = frames_of(open.wire);
  BOOST_REQUIRE(frames.size() == packets.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    BOOST_TEST(frames[i].opcode == ws_binary);
    BOOST_TEST(frames[i].fin);
    BOOST_TEST(!frames[i].masked);
    BOOST_TEST((frames[i].payload == packets[i]));
  }
}

BOOST_AUTO_TEST_CASE(text_is_refused_with_1003, *label("MQTT-6.0.0-1") * label("MQTT5-6.0.0-1")) {
  Open open;
  BOOST_TEST(open.refused_with(client_frame(ws_text, as_bytes("\x10\x0c"))) == 1003U);
  BOOST_TEST(open.plain.empty());
  // Nothing is read or written any more.
  BOOST_TEST(open.feed(client_frame(ws_binary, as_bytes("x"))).ok());
  BOOST_TEST(open.plain.empty());
  OutputBuffer plain;
  plain.append(as_bytes("late"));
  BOOST_TEST(open.layer.write_plain(plain, open.wire).ok());
  open.layer.close(open.wire);
  BOOST_TEST(open.wire.empty());
}

BOOST_AUTO_TEST_CASE(broken_rules_are_refused_with_1002) {
  Bytes reserved = client_frame(ws_binary, as_bytes("x"));
  reserved[0] |= 0x40;  // as a client that compresses
  Bytes long_ping = client_frame(ws_ping, Bytes(126, 'x'));
  Bytes fragmented_ping = client_frame(ws_ping, as_bytes("x"), false);
  // 5 bytes, with their length in 16 bits; and with the highest of 64 bits set.
  const Bytes long_length{0x82, 0x80 | 126, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0};
  const Bytes huge_length{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
  const std::vector<Bytes> all{
      reserved,
      long_ping,
      fragmented_ping,
      long_length,
      huge_length,
      client_frame(ws_binary, as_bytes("x"), true, false),  // unmasked
      client_frame(ws_continuation, as_bytes("x")),
      client_frame(ws_binary, as_bytes("x"), false) + client_frame(ws_binary, as_bytes("y")),
      client_frame(3, as_bytes("x")),
      client_frame(11, as_bytes("x")),
      client_frame(ws_close, as_bytes("x")),
      client_frame(ws_close, Bytes{0x03, 0xED}),  // 1005 must not be sent
      client_frame(ws_close, Bytes{0x00, 0x01}),
  };
  for (const Bytes& bytes : all) {
    Open open;
    BOOST_TEST_CONTEXT("frame " << to_hex(bytes)) BOOST_TEST(open.refused_with(bytes) == 1002U);
  }
}

BOOST_AUTO_TEST_CASE(a_message_beyond_the_bound_is_refused_when_it_is_announced) {
  Bytes head{0x82, 0x80 | 127};
  ByteWriter(head).write_u64(limits::websocket_message_max + 1);
  append(head, Bytes{1, 2, 3, 4, 'x'});
  Open open;
  BOOST_TEST(open.refused_with(head) == 1009U);
  BOOST_TEST(open.plain.empty());
}

BOOST_AUTO_TEST_CASE(fragments_count_together_towards_the_bound) {
  Open open;
  BOOST_TEST(open.feed(client_frame(ws_binary, as_bytes("x"), false)).ok());
  Bytes head{0x80, 0x80 | 127};
  ByteWriter(head).write_u64(limits::websocket_message_max);
  append(head, Bytes{1, 2, 3, 4, 'x'});
  BOOST_TEST(open.refused_with(head) == 1009U);
}

BOOST_AUTO_TEST_CASE(a_close_frame_is_answered_with_its_status_and_ends_reading) {
  Open open;
  BOOST_TEST(!open.layer.peer_closed());
  Bytes body{0x03, 0xE9};  // 1001, with a reason
  append(body, as_bytes("going away"));
  BOOST_TEST(
      open.feed(client_frame(ws_close, body) + client_frame(ws_binary, as_bytes("late"))).ok());
  BOOST_TEST(open.layer.peer_closed());
  BOOST_TEST(open.plain.empty());
  const auto frames = frames_of(open.wire);
  BOOST_TEST_REQUIRE(frames.size() == 1U);
  BOOST_TEST(frames[0].opcode == ws_close);
  BOOST_TEST(frames[0].payload == (Bytes{0x03, 0xE9}), boost::test_tools::per_element());
  open.layer.close(open.wire);
  BOOST_TEST(open.wire.empty());  // once is enough
}

BOOST_AUTO_TEST_CASE(a_close_frame_without_a_status_is_answered_without_one) {
  Open open;
  BOOST_TEST(open.feed(client_frame(ws_close, {})).ok());
  const auto frames = frames_of(open.wire);
  BOOST_TEST_REQUIRE(frames.size() == 1U);
  BOOST_TEST(frames[0].payload.empty());
}

BOOST_AUTO_TEST_CASE(our_close_says_so_and_drops_what_comes_after) {
  Open open;
  open.layer.close(open.wire);
  const auto frames = frames_of(open.wire);
  BOOST_TEST_REQUIRE(frames.size() == 1U);
  BOOST_TEST(frames[0].opcode == ws_close);
  BOOST_TEST(frames[0].status() == 1000U);
  BOOST_TEST(open.feed(client_frame(ws_binary, as_bytes("late"))).ok());
  BOOST_TEST(open.plain.empty());
}

BOOST_AUTO_TEST_CASE(http_and_mqtt_are_told_apart_by_their_first_byte) {
  BOOST_TEST(begins_http('G'));
  BOOST_TEST(!begins_http(0x10));
}

BOOST_AUTO_TEST_SUITE_END()
