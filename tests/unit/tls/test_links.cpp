#include <random>

#include "starling/limits.hpp"

#include "tests/unit/tls/tls_fixture.hpp"

using namespace starling;
using namespace starling::test;

BOOST_FIXTURE_TEST_SUITE(tls_links, NodesFixture)

BOOST_AUTO_TEST_CASE(a_handshake_tells_each_who_the_other_is) {
  Wire wire = dial();
  wire.carry();
  BOOST_REQUIRE(wire.is_open());
  BOOST_TEST((wire.client.channel->peer() == bob.node_id()));
  BOOST_TEST((wire.server.channel->peer() == alice.node_id()));
  BOOST_TEST(!wire.client.channel->resumed());
}

BOOST_AUTO_TEST_CASE(nobody_is_known_before_the_handshake_is_over) {
  Wire wire = dial();
  BOOST_TEST(!wire.client.channel->established());
  BOOST_TEST(!wire.client.channel->peer().has_value());
  BOOST_TEST(wire.client.channel->session_ticket().empty());
  BOOST_TEST(!wire.client.channel->export_keying_material("label", {}, 32).ok());
}

BOOST_AUTO_TEST_CASE(bytes_cross_in_both_directions) {
  Wire wire = dial();
  wire.carry();
  wire.client.send("from alice");
  wire.server.send("from bob");
  wire.carry();
  BOOST_TEST(text_of(wire.server.plain) == "from alice");
  BOOST_TEST(text_of(wire.client.plain) == "from bob");
}

BOOST_AUTO_TEST_CASE(the_wire_shows_neither_bytes_nor_names_of_nodes) {
  Wire wire = dial();
  std::string seen;
  for (int round = 0; round < 6; ++round) {
    if (round == 4) wire.client.send("home/kitchen/temperature");
    const Bytes up = take_all(wire.client.wire_out);
    const Bytes down = take_all(wire.server.wire_out);
    seen += as_text(up);
    seen += as_text(down);
    wire.server.feed(up);
    wire.client.feed(down);
  }
  BOOST_TEST(text_of(wire.server.plain) == "home/kitchen/temperature");
  BOOST_TEST(seen.find("kitchen") == std::string::npos);
  BOOST_TEST(seen.find(alice.node_id().to_short_text()) == std::string::npos);
  BOOST_TEST(seen.find(bob.node_id().to_short_text()) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(delivery_byte_by_byte_changes_nothing) {
  Wire wire = dial();
  wire.carry(1);
  BOOST_REQUIRE(wire.is_open());
  wire.client.send("drop by drop");
  wire.carry(1);
  BOOST_TEST(text_of(wire.server.plain) == "drop by drop");
}

BOOST_AUTO_TEST_CASE(many_megabytes_cross_in_any_chunks) {
  Wire wire = dial();
  wire.carry();
  std::string all;
  for (std::uint32_t i = 0; all.size() < 4U << 20U; ++i) all += std::to_string(i) + ' ';
  OutputBuffer plain;  // small pieces, shared pieces, pieces across record borders
  for (std::size_t at = 0, size = 1; at < all.size(); size = size * 11 % 60'013) {
    const std::size_t part = std::min(size, all.size() - at);
    plain.append(SharedBytes{as_bytes(all).subspan(at, part)});
    at += part;
  }
  BOOST_REQUIRE(wire.client.channel->write_plain(plain, wire.client.wire_out).ok());
  BOOST_TEST(plain.empty());
  wire.carry(1'459);
  BOOST_TEST((text_of(wire.server.plain) == all));
}

BOOST_AUTO_TEST_CASE(small_pieces_share_records) {
  Wire wire = dial();
  wire.carry();
  OutputBuffer plain;
  const SharedBytes piece{as_bytes(std::string(OutputBuffer::share_from, 'p'))};
  std::size_t size = 0;
  for (int i = 0; i < 64; ++i) {
    plain.append(as_bytes("head"));
    plain.append(piece);
    size += 4 + piece.size();
  }
  BOOST_REQUIRE(wire.client.channel->write_plain(plain, wire.client.wire_out).ok());
  // A record costs 22 bytes (header, content type, tag).
  const std::size_t records = size / limits::tls_record_max + 1;
  BOOST_TEST(wire.client.wire_out.size() <= size + records * 22);
}

BOOST_AUTO_TEST_CASE(good_bye_is_seen_and_what_came_before_it_too) {
  Wire wire = dial();
  wire.carry();
  wire.client.send("last words");
  wire.client.channel->close(wire.client.wire_out);
  wire.client.channel->close(wire.client.wire_out);
  wire.carry();
  BOOST_TEST(text_of(wire.server.plain) == "last words");
  BOOST_TEST(wire.server.channel->peer_closed());
  BOOST_TEST(!wire.server.error.has_value());
  BOOST_TEST(!wire.client.channel->peer_closed());
}

BOOST_AUTO_TEST_CASE(closing_before_the_handshake_is_over_is_silent) {
  Wire wire = dial();
  wire.server.channel->close(wire.server.wire_out);
  BOOST_TEST(wire.server.wire_out.empty());
}

// --- Resumption ---

BOOST_AUTO_TEST_CASE(a_ticket_makes_the_next_handshake_short_and_the_peer_is_still_known) {
  Wire first = dial();
  first.greet();
  const Bytes ticket = first.client.channel->session_ticket();
  BOOST_REQUIRE(!ticket.empty());
  BOOST_TEST(ticket.size() <= limits::session_ticket_max);
  BOOST_TEST(first.server.channel->session_ticket().empty());

  Wire second = dial(ticket);
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(second.client.channel->resumed());
  BOOST_TEST(second.server.channel->resumed());
  BOOST_TEST((second.client.channel->peer() == bob.node_id()));
  BOOST_TEST((second.server.channel->peer() == alice.node_id()));
  BOOST_TEST(second.carried < first.carried);
  second.client.send("again");
  second.greet();
  BOOST_TEST(text_of(second.server.plain) == "again");
  BOOST_TEST(!second.client.channel->session_ticket().empty());
}

BOOST_AUTO_TEST_CASE(a_ticket_of_one_node_is_nothing_to_another) {
  Wire first = dial();
  first.greet();
  const Bytes ticket = first.client.channel->session_ticket();
  const auto carol = key_number(3);
  GnutlsLinkChannels carols(carol);
  Wire second(alices.make_client(ticket), carols.make_server());
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(!second.client.channel->resumed());
  BOOST_TEST((second.client.channel->peer() == carol.node_id()));
}

BOOST_AUTO_TEST_CASE(a_resumed_peer_is_the_one_that_got_the_ticket_whatever_it_would_show_now) {
  // Whoever holds the secret of Alice's ticket is Alice to Bob: no certificate crosses again.
  Wire first = dial();
  first.greet();
  const Bytes ticket = first.client.channel->session_ticket();
  const ByteView inner = ByteView(ticket).subspan(sizeof(crypto::Digest));
  const OddProfile::Wishes other_key;
  Bytes resealed;
  append(resealed, crypto::hmac_sha256(other_key.ticket_seal, inner));
  append(resealed, inner);
  Wire second(odd_peer(TlsRole::client, other_key, resealed), bobs.make_server());
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(second.server.channel->resumed());
  BOOST_TEST((second.server.channel->peer() == alice.node_id()));
}

BOOST_AUTO_TEST_CASE(a_ticket_in_the_hands_of_another_identity_is_not_used) {
  Wire first = dial();
  first.greet();
  GnutlsLinkChannels mallorys(key_number(4));
  Wire second(mallorys.make_client(first.client.channel->session_ticket()), bobs.make_server());
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(!second.server.channel->resumed());
  BOOST_TEST((second.server.channel->peer() == key_number(4).node_id()));
}

BOOST_AUTO_TEST_CASE(a_ticket_survives_a_restart_of_the_client) {
  Wire first = dial();
  first.greet();
  GnutlsLinkChannels alices_after_restart(alice);
  Wire second(alices_after_restart.make_client(first.client.channel->session_ticket()),
              bobs.make_server());
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(second.client.channel->resumed());
}

BOOST_AUTO_TEST_CASE(a_ticket_from_before_a_restart_leads_to_a_full_handshake) {
  Wire first = dial();
  first.greet();
  GnutlsLinkChannels bobs_after_restart(bob);
  Wire second(alices.make_client(first.client.channel->session_ticket()),
              bobs_after_restart.make_server());
  second.carry();
  BOOST_REQUIRE(second.is_open());
  BOOST_TEST(!second.server.channel->resumed());
  BOOST_TEST((second.client.channel->peer() == bob.node_id()));
}

BOOST_AUTO_TEST_CASE(a_damaged_ticket_is_as_good_as_none) {
  Wire first = dial();
  first.greet();
  const Bytes ticket = first.client.channel->session_ticket();
  std::mt19937 random{7};  // NOLINT: a fixed seed on purpose
  for (int round = 0; round < 20; ++round) {
    Bytes damaged = ticket;
    if (round % 2 == 0) damaged.resize(random() % (ticket.size() - 1) + 1);
    damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    Wire second = dial(damaged);
    second.carry();
    BOOST_TEST(second.is_open());
    BOOST_TEST(!second.client.channel->resumed());
  }
  Wire third = dial(Bytes(limits::session_ticket_max + 1, 0x55));
  third.carry();
  BOOST_TEST(third.is_open());
}

// --- Keying material ---

BOOST_AUTO_TEST_CASE(both_ends_export_the_same_keying_material_and_each_session_its_own) {
  const auto exported = [](const End& end, std::string_view label, std::string_view context) {
    auto material = end.channel->export_keying_material(label, as_bytes(context), 32);
    BOOST_REQUIRE(material.ok());
    BOOST_TEST(material->size() == 32U);
    return *material;
  };
  Wire first = dial();
  first.greet();
  const Bytes material = exported(first.client, "EXPORTER-starling", "a");
  BOOST_TEST((exported(first.server, "EXPORTER-starling", "a") == material));
  BOOST_TEST((exported(first.server, "EXPORTER-starling", "b") != material));
  BOOST_TEST((exported(first.server, "EXPORTER-other", "a") != material));

  Wire second = dial(first.client.channel->session_ticket());
  second.carry();
  BOOST_REQUIRE(second.client.channel->resumed());
  BOOST_TEST((exported(second.client, "EXPORTER-starling", "a")
              == exported(second.server, "EXPORTER-starling", "a")));
  BOOST_TEST((exported(second.client, "EXPORTER-starling", "a") != material));
}

BOOST_AUTO_TEST_CASE(keying_material_of_absurd_size_is_refused) {
  Wire wire = dial();
  wire.carry();
  BOOST_TEST(!wire.client.channel->export_keying_material("label", {}, 0).ok());
  BOOST_TEST(!wire.client.channel->export_keying_material("label", {}, 1U << 20U).ok());
  BOOST_TEST(wire.client.channel->export_keying_material("label", {}, 255 * 32).ok());
}

BOOST_AUTO_TEST_SUITE_END()
