// Everything that is handed over comes back after a close, and after a crash.
#include <chrono>
#include <sys/stat.h>

#include "src/store/state_directory.hpp"
#include "tests/unit/store/store_fixture.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<Publication> rich_message(std::uint64_t number, TimePoint now) {
  auto made = message(number, "rooms/kitchen/temperature", "21.5");
  made->qos = QoS::exactly_once;
  made->retain = true;
  made->expires_at = now + 90s;
  auto properties = std::make_shared<MessageProperties>();
  properties->payload_format_indicator = 1;
  properties->content_type = "text/plain";
  properties->response_topic = "answers/here";
  properties->correlation_data = Bytes{0, 1, 2, 0xff};
  properties->user_properties = {{"a", "1"}, {"a", "\"two\"\\\n"}, {"", ""}, {"ü", "\U0001F426"}};
  made->properties = std::move(properties);
  made->id.origin.bytes[0] = 7;
  made->id.epoch = 3;
  made->id.sequence = 12;
  return made;
}

void check_same(const Publication& got, const Publication& wanted) {
  BOOST_TEST(got.topic.text() == wanted.topic.text());
  BOOST_TEST((got.payload == wanted.payload));
  BOOST_TEST((got.qos == wanted.qos));
  BOOST_TEST(got.retain == wanted.retain);
  BOOST_TEST((got.expires_at == wanted.expires_at));
  BOOST_TEST((got.properties == nullptr) == (wanted.properties == nullptr));
  if (got.properties && wanted.properties) BOOST_TEST((*got.properties == *wanted.properties));
  BOOST_TEST((got.id == wanted.id));
  BOOST_TEST(got.number == wanted.number);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_store, StoreFixture)

BOOST_AUTO_TEST_CASE(a_new_store_is_empty_and_private) {
  open();
  BOOST_TEST(loaded.numbers.message == 0U);
  BOOST_TEST(loaded.numbers.session == 0U);
  BOOST_TEST(loaded.retained.empty());
  BOOST_TEST(loaded.sessions.empty());
  keep({session_saved(1)});
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const auto rights = std::filesystem::status(options.file + suffix).permissions();
    BOOST_TEST(
        (rights == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
  }
}

BOOST_AUTO_TEST_CASE(a_retained_message_comes_back_with_all_it_had) {
  open();
  const auto sent = rich_message(5, scheduler.now());
  keep({RetainedSet{sent, std::make_shared<StoredAuthor>(StoredAuthor{"c", "u", "l"})},
        RetainedSet{message(6, "plain"), nullptr}});
  open();
  BOOST_REQUIRE(loaded.retained.size() == 2U);
  const Loaded::Retained& got = loaded.retained["rooms/kitchen/temperature"];
  check_same(*got.message, *sent);
  BOOST_REQUIRE(got.author);
  BOOST_TEST(got.author->client_id == "c");
  BOOST_TEST(got.author->user.value() == "u");
  BOOST_TEST(got.author->listener == "l");
  BOOST_TEST(!loaded.retained["plain"].author);
  BOOST_TEST(loaded.numbers.message == 6U);
}

BOOST_AUTO_TEST_CASE(a_session_comes_back_with_its_will_and_subscriptions) {
  open();
  auto session = std::make_shared<StoredSession>();
  session->number = 9;
  session->client_id = "thermostat";
  session->expiry_s = 0xffff'ffff;
  session->user = "";
  session->listener = "tls";
  session->mount = "house/";
  StoredWill will;
  auto last = message(0, "gone", "");
  last->properties = rich_message(1, {})->properties;
  will.message = last;
  will.delay_s = 30;
  will.expiry_s = 60;
  session->will = will;
  keep({SessionSaved{session}, SubscriptionSaved{9, {"b/#", 0x2d, 7}},
        SubscriptionSaved{9, {"$share/g/a", 1, 0}}, SubscriptionSaved{9, {"gone", 1, 0}}});
  keep({SubscriptionErased{9, "gone"}, SubscriptionSaved{9, {"b/#", 0x02, 8}}});
  open();
  BOOST_REQUIRE(loaded.sessions.size() == 1U);
  const LoadedSession& got = loaded.sessions[9];
  BOOST_TEST(got.session.number == 9U);
  BOOST_TEST(got.session.client_id == "thermostat");
  BOOST_TEST(got.session.expiry_s == 0xffff'ffffU);
  BOOST_TEST(got.session.user.value() == "");
  BOOST_TEST(got.session.listener == "tls");
  BOOST_TEST(got.session.mount == "house/");
  BOOST_REQUIRE(got.session.will);
  check_same(*got.session.will->message, *last);
  BOOST_TEST(got.session.will->delay_s == 30U);
  BOOST_TEST(got.session.will->expiry_s.value() == 60U);
  BOOST_TEST(!got.away);
  BOOST_REQUIRE(got.subscriptions.size() == 2U);
  BOOST_TEST(got.subscriptions[0].filter == "$share/g/a");
  BOOST_TEST(got.subscriptions[1].filter == "b/#");
  BOOST_TEST(got.subscriptions[1].options == 0x02);
  BOOST_TEST(got.subscriptions[1].identifier == 8U);
  BOOST_TEST(loaded.numbers.session == 9U);
}

BOOST_AUTO_TEST_CASE(who_left_is_away_until_it_comes_back) {
  open();
  auto session = std::make_shared<StoredSession>(*session_saved(1).session);
  session->will = StoredWill{message(0, "w"), 5, std::nullopt};
  keep({SessionSaved{session}, session_saved(2, "b", 0xffff'ffff)});
  keep({SessionAway{1, scheduler.now() + 600s, scheduler.now() + 5s},
        SessionAway{2, std::nullopt, std::nullopt}});
  open();
  BOOST_TEST(loaded.sessions[1].away);
  BOOST_TEST((loaded.sessions[1].ends_at == scheduler.now() + 600s));
  BOOST_TEST((loaded.sessions[1].will_due == scheduler.now() + 5s));
  BOOST_TEST(loaded.sessions[2].away);
  BOOST_TEST(!loaded.sessions[2].ends_at);
  keep({WillErased{1}});
  open();
  BOOST_TEST(!loaded.sessions[1].session.will);
  BOOST_TEST(!loaded.sessions[1].will_due);
  BOOST_TEST(loaded.sessions[1].away);
  keep({session_saved(1)});
  open();
  BOOST_TEST(!loaded.sessions[1].away);
  BOOST_TEST(!loaded.sessions[1].ends_at);
}

BOOST_AUTO_TEST_CASE(time_that_passes_while_the_node_is_down_counts) {
  open();
  keep({session_saved(1), SessionAway{1, scheduler.now() + 600s, std::nullopt}});
  store.reset();
  scheduler.run_for(100s);
  open();
  BOOST_TEST((loaded.sessions[1].ends_at == scheduler.now() + 500s));
}

BOOST_AUTO_TEST_CASE(what_waits_comes_back_by_cursor_in_order) {
  open();
  std::vector<StoreChange> changes{session_saved(1), session_saved(2, "other")};
  for (std::uint64_t i = 1; i <= 10; ++i) changes.push_back(queued(1, i, message(i, "t", "12345")));
  auto delivery = queued(1, 11, rich_message(11, scheduler.now()));
  delivery.delivery.qos = QoS::exactly_once;
  delivery.delivery.retain = true;
  delivery.delivery.subscription_ids = {1, 268'435'455};
  delivery.delivery.share = "$share/g/rooms/#";
  changes.emplace_back(delivery);
  changes.push_back(queued(2, 1, message(3, "t", "12345")));
  keep(std::move(changes));
  open();
  const LoadedSession& got = loaded.sessions[1];
  BOOST_TEST(got.in_flight.empty());
  BOOST_TEST(got.waiting == 11U);
  BOOST_TEST(got.waiting_bytes == 10 * 6 + 25 + 4U);
  BOOST_TEST(got.waiting_after == 0U);
  BOOST_TEST(got.last_position == 11U);
  BOOST_TEST(loaded.sessions[2].waiting == 1U);

  const auto first = read(1, 0, 4);
  BOOST_REQUIRE(first.size() == 4U);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    BOOST_TEST(first[i - 1].position == i);
    BOOST_TEST(first[i - 1].message->number == i);
    BOOST_TEST((first[i - 1].state == StoredDelivery::State::waiting));
  }
  BOOST_TEST(read(1, 4, 100, 13).size() == 2U);
  BOOST_TEST(read(1, 4, 100, 1).size() == 1U);
  const auto rest = read(1, 10);
  BOOST_REQUIRE(rest.size() == 1U);
  check_same(*rest[0].message, *delivery.delivery.message);
  BOOST_TEST((rest[0].qos == QoS::exactly_once));
  BOOST_TEST(rest[0].retain);
  BOOST_TEST((rest[0].subscription_ids == std::vector<std::uint32_t>{1, 268'435'455}));
  BOOST_TEST(rest[0].share == "$share/g/rooms/#");
  BOOST_TEST(read(1, 11).empty());
  BOOST_TEST(read(77).empty());
}

BOOST_AUTO_TEST_CASE(what_was_sent_comes_back_as_sent_or_received) {
  open();
  std::vector<StoreChange> changes{session_saved(1)};
  for (std::uint64_t i = 1; i <= 6; ++i) changes.push_back(queued(1, i, message(i)));
  keep(std::move(changes));
  keep({MessagesSent{1, 2}, MessagesSent{1, 4}, MessageReceived{1, 2}, MessageDone{1, 1},
        MessageDone{1, 99}, MessageReceived{1, 98}});
  auto at_once = queued(1, 7, message(7));
  at_once.delivery.state = StoredDelivery::State::sent;
  keep({at_once});
  open();
  const LoadedSession& got = loaded.sessions[1];
  BOOST_REQUIRE(got.in_flight.size() == 4U);
  BOOST_TEST(got.in_flight[0].position == 2U);
  BOOST_TEST((got.in_flight[0].state == StoredDelivery::State::received));
  BOOST_TEST(got.in_flight[1].position == 3U);
  BOOST_TEST((got.in_flight[1].state == StoredDelivery::State::sent));
  BOOST_TEST(got.in_flight[2].position == 4U);
  BOOST_TEST(got.in_flight[3].position == 7U);
  BOOST_TEST(got.waiting == 2U);
  BOOST_TEST(got.waiting_after == 4U);
  BOOST_TEST(got.last_position == 7U);
  const auto waiting = read(1, got.waiting_after);
  BOOST_REQUIRE(waiting.size() == 2U);
  BOOST_TEST(waiting[0].position == 5U);
  BOOST_TEST(waiting[1].position == 6U);
}

BOOST_AUTO_TEST_CASE(open_inbound_ids_come_back_in_their_order) {
  open();
  keep({session_saved(1), InboundIdOpened{1, {300, message(1)}}, InboundIdOpened{1, {2, nullptr}},
        InboundIdOpened{1, {40, message(2)}}, InboundIdOpened{1, {41, nullptr}},
        InboundIdClosed{1, 41}, InboundIdClosed{1, 999}});
  open();
  {
    const auto& inbound = loaded.sessions[1].inbound;
    BOOST_REQUIRE(inbound.size() == 3U);
    BOOST_TEST(inbound[0].packet_id == 300);
    BOOST_REQUIRE(inbound[0].held);
    BOOST_TEST(inbound[0].held->number == 1U);
    BOOST_TEST(inbound[1].packet_id == 2);
    BOOST_TEST(!inbound[1].held);
    BOOST_TEST(inbound[2].packet_id == 40);
  }
  keep({InboundIdOpened{1, {7, nullptr}}, InboundHeldTaken{1}, InboundIdClosed{1, 300}});
  open();
  const auto& inbound = loaded.sessions[1].inbound;
  BOOST_REQUIRE(inbound.size() == 3U);
  BOOST_TEST(inbound[0].packet_id == 2);
  BOOST_TEST(inbound[1].packet_id == 40);
  BOOST_TEST(!inbound[1].held);
  BOOST_TEST(inbound[2].packet_id == 7);
  BOOST_TEST(rows("message") == 0);
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_with_its_connection_ends_with_the_process) {
  open();
  keep({session_saved(1, "short", 0), session_saved(2, "long"), SubscriptionSaved{1, {"a", 1, 0}},
        queued(1, 1, message(1)), InboundIdOpened{1, {1, message(2)}}});
  open();
  BOOST_TEST(loaded.sessions.size() == 1U);
  BOOST_TEST(loaded.sessions.count(2) == 1U);
  keep({session_saved(3)});
  for (const char* table : {"subscription", "queue", "inbound", "message", "erased"})
    BOOST_TEST(rows(table) == 0, table);
  BOOST_TEST(rows("session") == 2);
}

BOOST_AUTO_TEST_CASE(numbers_and_positions_never_go_back) {
  open();
  keep({session_saved(4), session_saved(5, "kept"), queued(4, 20, message(70)),
        queued(5, 3, message(71))});
  keep({SessionErased{4}, MessageDone{5, 3}});
  open();
  BOOST_TEST(loaded.numbers.session == 5U);
  BOOST_TEST(loaded.numbers.message == 71U);
  BOOST_TEST(loaded.sessions[5].last_position == 3U);
  BOOST_TEST(loaded.sessions[5].waiting_after == 3U);
  keep({SessionErased{5}, session_saved(6, "last"), queued(6, 1, message(72))});
  keep({MessageDone{6, 1}});
  crash_and_open();
  BOOST_TEST(loaded.numbers.session == 6U);
  BOOST_TEST(loaded.numbers.message >= 72U);
  BOOST_TEST(loaded.sessions[6].last_position >= 1U);
  BOOST_TEST(loaded.sessions[6].waiting_after == loaded.sessions[6].last_position);
  const std::uint64_t after = loaded.sessions[6].last_position;
  keep({queued(6, after + 1, message(loaded.numbers.message + 1))});
  keep({MessageDone{6, after + 1}});
  crash_and_open();
  BOOST_TEST(loaded.sessions[6].last_position >= after + 1);
}

BOOST_AUTO_TEST_CASE(what_no_job_has_committed_is_gone_after_a_crash_and_nothing_else) {
  open();
  keep({session_saved(1), queued(1, 1, message(1))});
  commit({queued(1, 2, message(2))});
  crash_and_open();
  BOOST_TEST(loaded.sessions[1].waiting == 1U);
}

BOOST_AUTO_TEST_CASE(it_goes_on_when_the_process_has_given_up_its_rights) {
  if (::geteuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: only root can give a directory away");
    return;
  }
  constexpr unsigned nobody = 65'534;
  // The folder above belongs to root alone, so no path leads here afterwards.
  StateDirectory state(directory.path() / "state", log);
  options.file = (state.path() / "store.sqlite").string();
  open();
  keep({session_saved(1)});
  state.hand_over_to(nobody, nobody);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found = {};
    BOOST_REQUIRE(::stat((options.file + suffix).c_str(), &found) == 0);
    BOOST_TEST(found.st_uid == nobody);
  }
  BOOST_REQUIRE(::seteuid(nobody) == 0);
  keep({queued(1, 1, message(1))});
  const std::size_t waiting = read(1).size();
  commit({queued(1, 2, message(2))});
  store.reset();
  BOOST_REQUIRE(::seteuid(0) == 0);
  BOOST_TEST(waiting == 1U);
  BOOST_TEST(healths.empty());
  BOOST_TEST(log.count("store_not_closed") == 0U);
  open();
  BOOST_TEST(loaded.sessions[1].waiting == 2U);
}

BOOST_AUTO_TEST_CASE(a_close_writes_what_no_job_has_come_to) {
  open();
  commit({session_saved(1)});
  commit({queued(1, 1, message(1))});  // behind a job that is out
  open();
  BOOST_TEST(loaded.sessions[1].waiting == 1U);
  BOOST_TEST(worker.run_job());  // too late: it finds its work done
  worker.finish();
  BOOST_TEST(committed.empty());
}

BOOST_AUTO_TEST_SUITE_END()
