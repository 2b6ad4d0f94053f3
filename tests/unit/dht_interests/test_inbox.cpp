// Notes in inboxes: who may leave them, who follows them, how many.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "dht/interests/inbox.hpp"
#include "dht/keys/prefix_key.hpp"
#include "tests/support/virtual_scheduler.hpp"
#include "tests/unit/dht_interests/fake_rendezvous.hpp"

namespace starling {
namespace {

using namespace std::chrono_literals;
using testing::author;

crypto::MeshKeys mesh_of(std::uint8_t number) {
  return crypto::derive_mesh_keys({number});
}
const Endpoint door = Endpoint::v4({9, 1, 0, 2}, 21883);

struct Follower final : InboxHandler {
  std::vector<PeerRecord> notes;
  void on_note(const PeerRecord& asker) override { notes.push_back(asker); }
};

struct Fixture {
  VirtualScheduler scheduler;
  testing::FakeRendezvous rendezvous;
  Follower follower;
  Inbox own{InboxSettings{author(1), 1, mesh_of(1)}, rendezvous, scheduler, follower};

  /// What was put reaches those who listen.
  void carry() {
    for (; carried < rendezvous.puts.size(); ++carried)
      rendezvous.tell(rendezvous.puts[carried].key, Bytes{rendezvous.puts[carried].value});
  }
  std::size_t carried = 0;
  std::unique_ptr<Inbox> of(std::uint8_t number, std::uint8_t in_mesh = 1) {
    return std::make_unique<Inbox>(InboxSettings{author(number), 1, mesh_of(in_mesh)}, rendezvous,
                                   scheduler, follower);
  }
};

BOOST_FIXTURE_TEST_SUITE(inbox, Fixture)

BOOST_AUTO_TEST_CASE(a_note_reaches_whom_it_is_for) {
  own.set_open(true);
  const auto asker = of(2);
  BOOST_TEST(asker->leave_note(author(1).node_id(), {door}));
  carry();
  BOOST_REQUIRE(follower.notes.size() == 1U);
  BOOST_TEST((follower.notes[0].id == author(2).node_id()));
  BOOST_TEST((follower.notes[0].endpoints == std::vector<Endpoint>{door}));
}

BOOST_AUTO_TEST_CASE(a_closed_inbox_is_not_read) {
  own.set_open(true);
  own.set_open(false);
  const auto asker = of(2);
  BOOST_TEST(asker->leave_note(author(1).node_id(), {door}));
  carry();
  BOOST_TEST(follower.notes.empty());
}

BOOST_AUTO_TEST_CASE(strangers_cannot_leave_notes) {
  own.set_open(true);
  const auto stranger = of(2, 7);
  static_cast<void>(stranger->leave_note(author(1).node_id(), {door}));
  carry();
  BOOST_TEST(follower.notes.empty());
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_again_and_again) {
  const auto asker = of(2);
  BOOST_TEST(asker->leave_note(author(1).node_id(), {door}));
  BOOST_TEST(!asker->leave_note(author(1).node_id(), {door}));
  scheduler.run_for(4min);
  BOOST_TEST(!asker->leave_note(author(1).node_id(), {door}));
  scheduler.run_for(2min);
  BOOST_TEST(asker->leave_note(author(1).node_id(), {door}));
}

BOOST_AUTO_TEST_CASE(a_node_leaves_a_bounded_number_of_notes) {
  const auto asker = of(2);
  std::size_t left = 0;
  for (int i = 0; i < 100; ++i) {
    NodeId to;
    to.bytes.fill(static_cast<std::uint8_t>(i + 100));
    left += asker->leave_note(to, {door});
  }
  BOOST_TEST(left == Inbox::notes_kept_max);
}

BOOST_AUTO_TEST_CASE(an_inbox_that_is_filled_costs_a_bounded_number_of_dials) {
  own.set_open(true);
  std::vector<std::unique_ptr<Inbox>> spammers;
  for (std::uint8_t i = 0; i < 60; ++i) {
    spammers.push_back(of(static_cast<std::uint8_t>(10 + i)));
    BOOST_TEST(spammers.back()->leave_note(author(1).node_id(), {door}));
  }
  carry();
  BOOST_TEST(follower.notes.size() == Inbox::notes_per_minute);
}

BOOST_AUTO_TEST_CASE(a_note_without_an_address_is_none) {
  const auto asker = of(2);
  BOOST_TEST(!asker->leave_note(author(1).node_id(), {}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling
