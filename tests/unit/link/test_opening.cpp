// Hello and proof: who gets linked, and who is refused with which sentence.
#include <boost/test/unit_test.hpp>

#include "tests/unit/link/link_pair.hpp"

namespace starling {
namespace {

using namespace link_test;
using boost::unit_test::label;

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_CASE(two_members_of_a_mesh_are_linked_however_the_bytes_are_cut,
                     *label("MESH-4.2-1")) {
  for (const std::size_t piece : {1U, 2U, 7U, 64U, 100'000U}) {
    Pair pair;
    pair.open();
    pair.talk(piece);
    for (const End* end : {&pair.a, &pair.b}) {
      BOOST_TEST_REQUIRE(end->events.size() == 1U);
      const auto& ready = std::get<LinkReady>(end->events[0]);
      BOOST_TEST((ready.peer == (end == &pair.a ? node(2) : node(1))));
      BOOST_TEST(ready.meshes == std::vector<std::size_t>{0});
      BOOST_TEST(end->link->is_ready());
      BOOST_TEST(end->link->can_send(wire::Lane::best_effort));
      BOOST_TEST(end->link->can_send(wire::Lane::guaranteed));
    }
  }
}

BOOST_AUTO_TEST_CASE(hello_tells_where_we_are_and_how_we_see_the_peer) {
  Pair pair;
  pair.a.settings.epoch = 12;
  pair.a.settings.software = "starling test";
  LinkOpening opening = pair.opening_of(true);
  opening.endpoints = {Endpoint::v4({10, 0, 0, 1}, 21883), Endpoint{},
                       Endpoint::v4({10, 0, 0, 2}, 0)};
  pair.a.open(opening, pair.now);
  pair.b.open(pair.opening_of(false), pair.now);
  pair.talk();
  const wire::Hello& hello = pair.b.last<LinkReady>().hello;
  BOOST_TEST(hello.epoch == 12U);
  BOOST_TEST(hello.software == "starling test");
  BOOST_TEST((hello.endpoints == std::vector{Endpoint::v4({10, 0, 0, 1}, 21883)}));
  BOOST_TEST((hello.observed == Endpoint::v4({127, 0, 0, 2}, 4000)));
}

BOOST_AUTO_TEST_CASE(only_shared_meshes_are_linked_and_each_side_keeps_its_own_order,
                     *label("MESH-4.2-2")) {
  Pair pair;
  pair.a.settings.meshes = {key(9), key(3), key(1)};
  pair.b.settings.meshes = {key(1), key(8), key(3)};
  pair.open();
  pair.talk();
  BOOST_TEST(pair.a.last<LinkReady>().meshes == (std::vector<std::size_t>{1, 2}));
  BOOST_TEST(pair.b.last<LinkReady>().meshes == (std::vector<std::size_t>{0, 2}));
  BOOST_TEST(!pair.a.link->shares(0));

  // Frames name a mesh by its place in the sender's list; the receiver finds its own.
  const Interest wanted = interest("x");
  pair.a.link->send_interests(1, {&wanted, 1}, pair.a.out);
  pair.talk();
  BOOST_TEST(pair.b.last<InterestsReplaced>().mesh == 2U);
}

BOOST_AUTO_TEST_CASE(one_secret_under_two_names_counts_once) {
  Pair pair;
  pair.a.settings.meshes = {key(1), key(1)};
  pair.open();
  pair.talk();
  BOOST_TEST(pair.a.last<LinkReady>().meshes == std::vector<std::size_t>{0});
  BOOST_TEST(pair.b.last<LinkReady>().meshes == std::vector<std::size_t>{0});
}

BOOST_AUTO_TEST_CASE(a_foreign_mesh_secret_is_refused, *label("MESH-4.2-3")) {
  Pair pair;
  pair.b.settings.meshes = {key(2)};
  pair.open();
  pair.carry(pair.a, pair.b);
  BOOST_TEST((pair.b.last<LinkFailed>().reason == wire::CloseReason::no_shared_mesh));
  BOOST_TEST((pair.b.last<LinkFailed>().error.code == Errc::not_authorized));
  BOOST_TEST(says(pair.b.why(), "no mesh in common"));
  BOOST_TEST(says(pair.b.why(), node(1).to_short_text()));
  pair.carry(pair.b, pair.a);
  BOOST_TEST(says(pair.a.why(), "no mesh in common"));
  BOOST_TEST((pair.a.said_bye() == wire::CloseReason::no_shared_mesh));
}

BOOST_AUTO_TEST_CASE(a_node_without_a_mesh_is_refused, *label("MESH-4.2-3")) {
  Pair pair;
  pair.a.settings.meshes = {};
  pair.open();
  pair.carry(pair.a, pair.b);
  BOOST_TEST(says(pair.b.why(), "no mesh in common"));
}

BOOST_AUTO_TEST_CASE(tags_do_not_tell_the_mesh_nor_repeat, *label("MESH-4.2-1")) {
  const ChannelIdentity one{key(50), node(1), node(2)};
  const ChannelIdentity another{key(51), node(1), node(2)};
  const auto tag = mesh_tag(key(1), one, LinkRole::dialler);
  BOOST_TEST((tag == mesh_tag(key(1), one, LinkRole::dialler)));
  BOOST_TEST((tag != mesh_tag(key(1), another, LinkRole::dialler)));
  BOOST_TEST((tag != mesh_tag(key(1), one, LinkRole::listener)));
  BOOST_TEST((tag != mesh_tag(key(2), one, LinkRole::dialler)));
}

BOOST_AUTO_TEST_CASE(a_proof_holds_for_its_key_channel_ids_and_role_only, *label("MESH-4.2-4")) {
  const ChannelIdentity channel{key(50), node(1), node(2)};
  const auto proof = member_proof(key(1), channel, LinkRole::dialler);
  BOOST_TEST(member_proof_holds(proof, key(1), channel, LinkRole::dialler));
  BOOST_TEST(!member_proof_holds(proof, key(2), channel, LinkRole::dialler));
  BOOST_TEST(!member_proof_holds(proof, key(1), channel, LinkRole::listener));
  BOOST_TEST(!member_proof_holds(proof, key(1), {key(51), node(1), node(2)}, LinkRole::dialler));
  BOOST_TEST(!member_proof_holds(proof, key(1), {key(50), node(3), node(2)}, LinkRole::dialler));
  BOOST_TEST(!member_proof_holds(proof, key(1), {key(50), node(1), node(3)}, LinkRole::dialler));
}

BOOST_AUTO_TEST_CASE(membership_is_computed_as_the_protocol_shows_it, *label("MESH-4.2-1")) {
  crypto::MeshSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  const crypto::Key member_key = crypto::derive_mesh_keys(secret).member;
  BOOST_TEST(to_hex(member_key)
             == "7fbaef7763d9832c1325c159c95ae6d52f5ed2e7555c80418e8470ec6f5617b5");
  const ChannelIdentity channel{key(0xEE), node(0x11), node(0x22)};
  BOOST_TEST(to_hex(mesh_tag(member_key, channel, LinkRole::dialler))
             == "26c9bd4e5fc6249b72624a0eb75d8cad");
  BOOST_TEST(to_hex(mesh_tag(member_key, channel, LinkRole::listener))
             == "9d42d96e31ec9c7fbd5f724dd9cc1890");
  BOOST_TEST(to_hex(member_proof(member_key, channel, LinkRole::dialler))
             == "60f6ea1c75e2277ec292e81c428ae23369493314fcee07b451f9e44bb62f28a1");
  BOOST_TEST(to_hex(member_proof(member_key, channel, LinkRole::listener))
             == "2c77ab878db5df3c8421616f5538d643e8fbc9f64f49a22633b2aa812946c908");
}

/// A peer that has seen b's hello and answers with what it likes.
struct Impostor : Pair {
  Impostor() {
    b.open(opening_of(false), now);
    theirs = std::get<wire::Hello>(frames_of(drain(b.out)).at(0));
    hello.node = node(1);
    hello.frame_max = limits::link_frame_max;
    hello.meshes = {mesh_tag(key(1), channel, LinkRole::dialler)};
  }
  ChannelIdentity channel{key(99), node(1), node(2)};
  wire::Hello theirs;
  wire::Hello hello;
};

BOOST_AUTO_TEST_CASE(a_tag_handed_back_opens_nothing, *label("MESH-4.2-1")) {
  Impostor peer;
  peer.hello.meshes = peer.theirs.meshes;
  peer.inject(peer.hello);
  BOOST_TEST(says(peer.b.why(), "no mesh in common"));
}

BOOST_AUTO_TEST_CASE(a_wrong_proof_ends_the_link, *label("MESH-4.2-5")) {
  Impostor peer;
  peer.inject(peer.hello);
  BOOST_TEST(!peer.b.has_failed());
  peer.inject(
      wire::Proof{{{peer.hello.meshes[0], member_proof(key(2), peer.channel, LinkRole::dialler)}}});
  BOOST_TEST((peer.b.last<LinkFailed>().reason == wire::CloseReason::bad_proof));
  BOOST_TEST((peer.b.last<LinkFailed>().error.code == Errc::bad_identity));
  BOOST_TEST(says(peer.b.why(), "does not hold"));
}

BOOST_AUTO_TEST_CASE(our_own_proof_handed_back_ends_the_link, *label("MESH-4.2-5")) {
  Impostor peer;
  peer.inject(peer.hello);
  auto proof = std::get<wire::Proof>(frames_of(drain(peer.b.out)).at(0));
  proof.entries[0].mesh = peer.hello.meshes[0];
  peer.inject(proof);
  BOOST_TEST(says(peer.b.why(), "does not hold"));
}

BOOST_AUTO_TEST_CASE(no_proof_at_all_ends_the_link, *label("MESH-4.2-5")) {
  Impostor peer;
  peer.inject(peer.hello);
  peer.inject(wire::Proof{{{wire::MeshTag{7}, wire::MemberProof{}}}});
  BOOST_TEST(says(peer.b.why(), "no mesh of ours"));
  BOOST_TEST((peer.b.last<LinkFailed>().reason == wire::CloseReason::no_shared_mesh));
}

BOOST_AUTO_TEST_CASE(a_mesh_that_is_not_proved_is_not_shared, *label("MESH-4.2-6")) {
  Pair pair;
  pair.b.settings.meshes = {key(1), key(2)};
  pair.b.open(pair.opening_of(false), pair.now);
  const ChannelIdentity channel{key(99), node(1), node(2)};
  wire::Hello hello;
  hello.node = node(1);
  hello.frame_max = limits::link_frame_max;
  hello.meshes = {mesh_tag(key(1), channel, LinkRole::dialler),
                  mesh_tag(key(2), channel, LinkRole::dialler)};
  pair.inject(hello);
  pair.inject(wire::Proof{{{hello.meshes[1], member_proof(key(2), channel, LinkRole::dialler)}}});
  BOOST_TEST(pair.b.last<LinkReady>().meshes == std::vector<std::size_t>{1});
  pair.inject(wire::Peers{0, {}});
  BOOST_TEST(says(pair.b.why(), "not shared"));
}

BOOST_AUTO_TEST_CASE(another_node_than_the_one_dialled_is_refused, *label("MESH-2.1-4")) {
  Pair pair;
  LinkOpening opening = pair.opening_of(true);
  opening.expected = node(7);
  pair.a.open(opening, pair.now);
  BOOST_TEST((pair.a.last<LinkFailed>().error.code == Errc::bad_identity));
  BOOST_TEST(pair.a.why().starts_with("dialled " + node(7).to_short_text() + " and reached "
                                      + node(2).to_short_text()));
  BOOST_TEST((pair.a.said_bye() == wire::CloseReason::bad_identity));
}

BOOST_AUTO_TEST_CASE(a_link_to_ourselves_is_refused, *label("MESH-2.1-4")) {
  Pair pair;
  LinkOpening opening = pair.opening_of(true);
  opening.peer = node(1);
  pair.a.open(opening, pair.now);
  BOOST_TEST(says(pair.a.why(), "back to this node"));
}

BOOST_AUTO_TEST_CASE(a_hello_in_the_name_of_somebody_else_is_refused, *label("MESH-4.1-2")) {
  Impostor peer;
  peer.hello.node = node(3);
  peer.inject(peer.hello);
  BOOST_TEST((peer.b.last<LinkFailed>().reason == wire::CloseReason::bad_identity));
  BOOST_TEST(says(peer.b.why(), "hello of"));
}

BOOST_AUTO_TEST_CASE(versions_meet_at_the_greatest_that_both_speak, *label("MESH-4.1-3")) {
  const auto verdict = [](std::uint32_t oldest, std::uint32_t newest) {
    Impostor peer;
    peer.hello.version = newest;
    peer.hello.version_oldest = oldest;
    peer.inject(peer.hello);
    return peer.b.why();
  };
  BOOST_TEST(verdict(1, 1) == "");
  BOOST_TEST(verdict(1, 9) == "");
  BOOST_TEST(says(verdict(2, 9), "link protocol 2 to 9, this node 1 to 1"));
  BOOST_TEST(says(verdict(0, 0), "link protocol"));
}

BOOST_AUTO_TEST_CASE(a_peer_must_take_ordinary_frames, *label("MESH-4.1-5")) {
  Impostor peer;
  peer.hello.frame_max = limits::link_frame_max - 1;
  peer.inject(peer.hello);
  BOOST_TEST(says(peer.b.why(), "bytes only"));
}

BOOST_AUTO_TEST_CASE(nothing_else_is_allowed_before_the_proof, *label("MESH-4.3-2")) {
  for (const wire::Frame& frame :
       {wire::Frame{wire::Ping{1}}, wire::Frame{wire::Peers{}}, wire::Frame{wire::Credit{}},
        wire::Frame{wire::Interests{}}, wire::Frame{wire::DialMe{}}}) {
    Impostor before_hello;
    before_hello.inject(frame);
    BOOST_TEST(says(before_hello.b.why(), "instead of hello"));
    Impostor before_proof;
    before_proof.inject(before_proof.hello);
    before_proof.inject(frame);
    BOOST_TEST(says(before_proof.b.why(), "instead of proof"));
  }
  Impostor twice;
  twice.inject(twice.hello);
  twice.inject(twice.hello);
  BOOST_TEST(says(twice.b.why(), "instead of proof"));
  Pair pair;
  pair.link_up();
  pair.inject(wire::Proof{});
  BOOST_TEST(says(pair.b.why(), "a second proof"));
}

BOOST_AUTO_TEST_CASE(unknown_frames_are_skipped_at_any_time, *label("MESH-3.2-5")) {
  Impostor peer;
  peer.inject(wire::UnknownFrame{200});
  peer.inject(peer.hello);
  peer.inject(wire::UnknownFrame{16});
  peer.inject(
      wire::Proof{{{peer.hello.meshes[0], member_proof(key(1), peer.channel, LinkRole::dialler)}}});
  peer.inject(wire::UnknownFrame{1'000'000});
  BOOST_TEST(peer.b.link->is_ready());
}

BOOST_AUTO_TEST_CASE(frames_are_small_until_the_proof, *label("MESH-3.1-3")) {
  Bytes large;
  ByteWriter(large).write_u32(limits::hello_frame_max + 1);
  Impostor peer;
  peer.inject(large);
  BOOST_TEST((peer.b.last<LinkFailed>().error.code == Errc::too_large));
  BOOST_TEST((peer.b.last<LinkFailed>().reason == wire::CloseReason::too_large));
  Pair pair;
  pair.link_up();
  pair.inject(large);
  BOOST_TEST(!pair.b.has_failed());
}

BOOST_AUTO_TEST_CASE(a_frame_above_what_we_take_is_refused, *label("MESH-3.1-3")) {
  Bytes large;
  ByteWriter(large).write_u32(limits::publication_frame_max + 1);
  Pair pair;
  pair.link_up();
  pair.inject(large);
  BOOST_TEST((pair.b.last<LinkFailed>().error.code == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(what_is_no_frame_ends_the_link, *label("MESH-8.1-1")) {
  Impostor peer;
  peer.inject(Bytes{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'});
  BOOST_TEST((peer.b.last<LinkFailed>().error.code == Errc::too_large));
  Impostor other;
  other.inject(Bytes{0, 0, 0, 1, 0xC1});
  BOOST_TEST((other.b.last<LinkFailed>().error.code == Errc::malformed));
  BOOST_TEST((other.b.said_bye() == wire::CloseReason::malformed));
}

BOOST_AUTO_TEST_CASE(silence_ends_the_opening_in_ten_seconds, *label("MESH-4.3-1")) {
  Impostor peer;
  const TimePoint due = peer.now + limits::link_handshake_timeout;
  BOOST_TEST((peer.b.link->next_deadline() == due));
  peer.b.link->on_timer(due - 1ns, peer.b.events, peer.b.out);
  BOOST_TEST(peer.b.events.empty());
  peer.now += 3s;
  peer.inject(peer.hello);  // no proof follows; and the deadline does not move
  BOOST_TEST((peer.b.link->next_deadline() == due));
  peer.b.link->on_timer(due, peer.b.events, peer.b.out);
  BOOST_TEST(says(peer.b.why(), "no proof within 10 s"));
  BOOST_TEST((peer.b.last<LinkFailed>().reason == wire::CloseReason::timeout));
  BOOST_TEST(!peer.b.link->next_deadline().has_value());
}

}  // namespace
}  // namespace starling
