// OutboundQos: window, queue, resending, packet ids.
#include <boost/test/unit_test.hpp>

#include "starling/limits.hpp"

#include "src/session/outbound_qos.hpp"

using namespace starling;
using namespace std::chrono_literals;
using boost::unit_test::label;

namespace {

Delivery delivery(std::string_view payload, QoS qos = QoS::at_least_once,
                  std::optional<TimePoint> expires_at = std::nullopt, std::uint64_t group = 0) {
  auto message = std::make_shared<const Publication>(Publication{TopicName::parse("t").value(),
                                                                 SharedBytes(as_bytes(payload)),
                                                                 qos,
                                                                 false,
                                                                 expires_at,
                                                                 nullptr,
                                                                 {}});
  return {std::move(message), qos, false, {}, group, 0};
}

std::string text(const Delivery& of) {
  return std::string(as_text(of.message->payload));
}

const OutboundQos::Limits roomy{1'000, 1U << 20U};
const TimePoint start{};

OutboundQos::Inflight& begin(OutboundQos& outbound, Delivery next) {
  if (next.position == 0) next.position = outbound.next_position();
  return outbound.begin(std::move(next));
}

void enqueue(OutboundQos& outbound, Delivery next) {
  if (next.position == 0) next.position = outbound.next_position();
  outbound.enqueue(std::move(next));
}

std::optional<Delivery> acknowledge(OutboundQos& outbound, std::uint16_t packet_id) {
  std::optional<Delivery> ended;
  outbound.on_puback(packet_id, ended);
  return ended;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(session_outbound_qos)

BOOST_AUTO_TEST_CASE(without_a_connection_the_window_is_closed) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  BOOST_TEST(!outbound.window_is_open());
  outbound.on_connected(1);
  BOOST_TEST(outbound.window_is_open());
  begin(outbound, delivery("a"));
  BOOST_TEST(!outbound.window_is_open());
}

BOOST_AUTO_TEST_CASE(acknowledgements_must_fit_the_qos,
                     *label("MQTT5-4.3.2-3") * label("MQTT5-4.3.3-3") * label("MQTT5-4.3.3-5")) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  outbound.on_connected(10);
  const std::uint16_t one = begin(outbound, delivery("1")).packet_id;
  const std::uint16_t two = begin(outbound, delivery("2", QoS::exactly_once)).packet_id;
  using enum OutboundQos::Received;
  std::optional<Delivery> ended;
  BOOST_TEST((outbound.on_puback(two, ended) == out_of_place));
  BOOST_TEST((outbound.on_pubcomp(two, ended) == out_of_place));
  BOOST_TEST((outbound.on_pubcomp(one, ended) == out_of_place));
  BOOST_TEST((outbound.on_pubrec(one, false, ended) == out_of_place));
  BOOST_TEST((outbound.on_pubrec(two, false, ended) == send_pubrel));
  BOOST_TEST((outbound.on_pubrec(two, true, ended) == send_pubrel));
  BOOST_TEST((outbound.on_puback(two, ended) == out_of_place));
  BOOST_TEST(!ended.has_value());
  BOOST_TEST((outbound.on_pubcomp(two, ended) == finished));
  BOOST_TEST(text(ended.value()) == "2");
  BOOST_TEST((outbound.on_puback(one, ended) == finished));
  BOOST_TEST(text(ended.value()) == "1");
  ended.reset();
  BOOST_TEST((outbound.on_puback(one, ended) == unknown));
  BOOST_TEST((outbound.on_pubcomp(two, ended) == unknown));
  BOOST_TEST(!ended.has_value());
  BOOST_TEST(outbound.inflight() == 0U);
}

BOOST_AUTO_TEST_CASE(acknowledgements_may_come_in_any_order) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  outbound.on_connected(100);
  std::vector<std::uint16_t> ids;
  for (int i = 0; i < 100; ++i)
    ids.push_back(begin(outbound, delivery(std::to_string(i))).packet_id);
  for (std::size_t step = 0; step < 100; ++step) {
    const std::size_t i = step * 37 % 100;
    BOOST_TEST(text(acknowledge(outbound, ids[i]).value()) == std::to_string(i));
  }
  BOOST_TEST(outbound.inflight() == 0U);
}

BOOST_AUTO_TEST_CASE(a_packet_id_that_is_in_use_is_passed_over, *label("MQTT5-2.2.1-4")) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  outbound.on_connected(3);
  const std::uint16_t first = begin(outbound, delivery("kept")).packet_id;
  const std::uint16_t second = begin(outbound, delivery("kept")).packet_id;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint16_t id = begin(outbound, delivery("x")).packet_id;
    if (id == 0 || id == first || id == second) BOOST_FAIL("packet id " << id);
    if (!acknowledge(outbound, id)) BOOST_FAIL("lost " << id);
  }
  BOOST_TEST(outbound.inflight() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_under_way_is_resent_once_in_order_within_the_window,
                     *label("MQTT-4.6.0-1") * label("MQTT5-4.4.0-1")) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  outbound.on_connected(10);
  for (int i = 0; i < 4; ++i) begin(outbound, delivery(std::to_string(i)));
  BOOST_TEST(outbound.next_to_resend() == nullptr);
  outbound.on_disconnected();
  outbound.on_connected(3);
  std::vector<std::uint16_t> ids;
  while (const auto* again = outbound.next_to_resend()) {
    BOOST_TEST(text(again->delivery) == std::to_string(ids.size()));
    ids.push_back(again->packet_id);
  }
  BOOST_TEST(ids.size() == 3U);
  BOOST_TEST(!outbound.window_is_open());
  acknowledge(outbound, ids[1]);
  const auto* last = outbound.next_to_resend();
  BOOST_TEST_REQUIRE(last != nullptr);
  BOOST_TEST(text(last->delivery) == "3");
  BOOST_TEST(outbound.next_to_resend() == nullptr);
  BOOST_TEST(!outbound.window_is_open());
  acknowledge(outbound, ids[0]);
  BOOST_TEST(outbound.window_is_open());
}

BOOST_AUTO_TEST_CASE(the_queue_gives_back_what_it_was_given_and_counts_it) {
  OutboundQos::Pool pool{{3, 1U << 20U}};
  OutboundQos outbound(pool);
  std::vector<Delivery> expired;
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(!outbound.is_full());
    enqueue(outbound, delivery(std::to_string(i)));
  }
  BOOST_TEST(outbound.is_full());
  BOOST_TEST(!outbound.is_overfull());
  for (int i = 3; i < 6; ++i) enqueue(outbound, delivery(std::to_string(i)));
  BOOST_TEST(outbound.is_overfull());
  for (int i = 0; i < 6; ++i)
    BOOST_TEST(text(outbound.take_waiting(start, expired).value()) == std::to_string(i));
  BOOST_TEST(!outbound.take_waiting(start, expired).has_value());
  BOOST_TEST(outbound.waiting_bytes() == 0U);
  BOOST_TEST(expired.empty());
}

BOOST_AUTO_TEST_CASE(the_queue_is_bounded_in_bytes) {
  OutboundQos::Pool pool{{1'000, 5'000}};
  OutboundQos outbound(pool);
  enqueue(outbound, delivery(std::string(4'000, 'x')));
  BOOST_TEST(!outbound.is_full());
  enqueue(outbound, delivery(std::string(4'000, 'x')));
  BOOST_TEST(outbound.is_full());
}

BOOST_AUTO_TEST_CASE(expired_messages_are_dropped_wherever_they_wait, *label("MQTT5-3.3.2-5")) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  enqueue(outbound, delivery("a", QoS::at_least_once, start + 1s));
  enqueue(outbound, delivery("b"));
  enqueue(outbound, delivery("c", QoS::at_least_once, start + 1s));
  enqueue(outbound, delivery("d", QoS::at_least_once, start + 9s));
  std::vector<Delivery> expired;
  BOOST_TEST(text(outbound.take_waiting(start + 1s, expired).value()) == "b");
  BOOST_TEST(expired.size() == 1U);
  BOOST_TEST(outbound.take_expired(start + 1s).size() == 1U);
  BOOST_TEST(outbound.waiting() == 1U);
  BOOST_TEST(outbound.waiting_bytes() == delivery("d").cost());
}

BOOST_AUTO_TEST_CASE(what_a_group_gave_can_be_taken_back) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  enqueue(outbound, delivery("mine"));
  enqueue(outbound, delivery("g3", QoS::at_least_once, std::nullopt, 3));
  enqueue(outbound, delivery("g5", QoS::at_least_once, std::nullopt, 5));
  const auto taken = outbound.take_shared(3);
  BOOST_TEST_REQUIRE(taken.size() == 1U);
  BOOST_TEST(text(taken[0]) == "g3");
  BOOST_TEST(outbound.take_shared(0).size() == 1U);
  BOOST_TEST(outbound.take_all_waiting().size() == 1U);
  BOOST_TEST(outbound.waiting_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_fifo_gives_its_memory_back) {
  Fifo<int> fifo;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 1'000; ++i) fifo.push_back(i);
    for (int i = 0; i < 1'000; ++i) {
      if (fifo.size() != 1'000U - static_cast<std::size_t>(i)) BOOST_FAIL("size");
      if (fifo.pop_front() != i) BOOST_FAIL("order");
    }
    BOOST_TEST(fifo.empty());
  }
  for (int i = 0; i < 10; ++i) fifo.push_back(i);
  fifo.pop_front();
  const auto even = fifo.extract([](int i) { return i % 2 == 0; });
  BOOST_TEST(even == (std::vector<int>{2, 4, 6, 8}), boost::test_tools::per_element());
  BOOST_TEST(fifo.size() == 5U);
  BOOST_TEST(fifo.front() == 1);
  BOOST_TEST(fifo.back() == 9);
}

BOOST_AUTO_TEST_CASE(bytes_under_way_close_the_window_but_one_message_always_goes) {
  OutboundQos::Pool pool{{1'000, 1U << 20U, 10}};
  OutboundQos outbound(pool);
  outbound.on_connected(10);
  const std::uint16_t huge = begin(outbound, delivery(std::string(100, 'x'))).packet_id;
  BOOST_TEST(!outbound.window_is_open());
  acknowledge(outbound, huge);
  BOOST_TEST(outbound.window_is_open());
  begin(outbound, delivery("123456789"));
  BOOST_TEST(outbound.window_is_open());
  begin(outbound, delivery("0"));
  BOOST_TEST(!outbound.window_is_open());
  BOOST_TEST(outbound.inflight() == 2U);
}

BOOST_AUTO_TEST_CASE(the_pool_knows_what_all_queues_hold) {
  OutboundQos::Pool pool{roomy};
  {
    OutboundQos one(pool);
    OutboundQos two(pool);
    one.on_connected(10);
    begin(one, delivery("a"));
    enqueue(one, delivery("b"));
    enqueue(two, delivery("c"));
    enqueue(two, delivery("d", QoS::at_least_once, std::nullopt, 7));
    BOOST_TEST(pool.inflight == 1);
    BOOST_TEST(pool.waiting == 3);
    BOOST_TEST(pool.waiting_bytes
               == static_cast<std::int64_t>(one.waiting_bytes() + two.waiting_bytes()));
    BOOST_TEST(two.take_shared(7).size() == 1U);
    BOOST_TEST(pool.waiting == 2);
  }
  BOOST_TEST(pool.inflight == 0);
  BOOST_TEST(pool.waiting == 0);
  BOOST_TEST(pool.waiting_bytes == 0);
}

// --- Sessions that a store keeps

BOOST_AUTO_TEST_CASE(packet_ids_follow_from_positions_also_for_the_next_process) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  OutboundQos::Restored restored;
  restored.last_position = 65'536;
  Delivery sent = delivery("sent");
  sent.position = 65'535;
  restored.inflight.push_back({sent, 0, OutboundQos::State::awaiting_puback});
  outbound.restore(std::move(restored));
  outbound.on_connected(10);
  BOOST_TEST(outbound.next_to_resend()->packet_id == 65'535U);
  BOOST_TEST(begin(outbound, delivery("next")).packet_id == 2U);
}

BOOST_AUTO_TEST_CASE(a_packet_id_in_use_makes_a_waiting_message_wait_and_a_new_one_go_round) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  OutboundQos::Restored restored;
  restored.last_position = 70'000;
  Delivery old = delivery("old");
  old.position = 4'466;  // 70'001 has the same id
  restored.inflight.push_back({old, 0, OutboundQos::State::awaiting_puback});
  outbound.restore(std::move(restored));
  outbound.on_connected(10);
  outbound.next_to_resend();
  Delivery waiting = delivery("waits");
  waiting.position = 70'001;
  outbound.enqueue(waiting);
  std::vector<Delivery> expired;
  BOOST_TEST(!outbound.take_waiting(start, expired).has_value());
  BOOST_TEST(outbound.next_position() == 70'002U);
  acknowledge(outbound, 4'466);
  BOOST_TEST(outbound.take_waiting(start, expired).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_beyond_the_memory_of_a_stored_session_is_only_counted) {
  OutboundQos::Pool pool{{1'000'000, 1U << 30U}};
  OutboundQos outbound(pool);
  outbound.keep_in_store();
  constexpr std::size_t count = limits::queue_memory_messages + 700;
  std::vector<Delivery> disk;
  for (std::size_t i = 0; i < count; ++i) {
    Delivery next = delivery(std::to_string(i));
    next.position = outbound.next_position();
    disk.push_back(next);
    outbound.enqueue(next);
  }
  BOOST_TEST(outbound.waiting() == count);
  BOOST_TEST(outbound.waiting_in_store() == 700U);
  BOOST_TEST(pool.waiting == static_cast<std::int64_t>(count));
  BOOST_TEST(!outbound.wants_read().has_value());  // nobody is there
  outbound.on_connected(10);
  BOOST_TEST(!outbound.wants_read().has_value());  // enough is in memory

  std::vector<Delivery> expired;
  std::size_t next = 0;
  const auto take = [&] {
    const auto taken = outbound.take_waiting(start, expired);
    BOOST_TEST_REQUIRE(taken.has_value());
    BOOST_TEST_REQUIRE(text(*taken) == std::to_string(next++));
  };
  while (next < limits::queue_memory_messages - 100) take();
  const auto after = outbound.wants_read();
  BOOST_TEST_REQUIRE(after.has_value());
  BOOST_TEST(*after == limits::queue_memory_messages);
  BOOST_TEST(!outbound.wants_read().has_value());  // asked already
  Delivery late = delivery(std::to_string(count));
  late.position = outbound.next_position();
  disk.push_back(late);
  outbound.enqueue(late);  // behind what is on disk, so it goes there
  outbound.on_read({disk.begin() + static_cast<std::ptrdiff_t>(*after),
                    disk.begin() + static_cast<std::ptrdiff_t>(*after + 500)});
  while (next < limits::queue_memory_messages + 500) take();
  BOOST_TEST(!outbound.take_waiting(start, expired).has_value());
  BOOST_TEST(outbound.has_waiting());
  const auto again = outbound.wants_read();
  BOOST_TEST_REQUIRE(again.has_value());
  outbound.on_read({disk.begin() + static_cast<std::ptrdiff_t>(*again), disk.end()});
  while (next <= count) take();
  BOOST_TEST(!outbound.has_waiting());
  BOOST_TEST(outbound.waiting_bytes() == 0U);
  BOOST_TEST(pool.waiting == 0);
  BOOST_TEST(pool.waiting_bytes == 0);
}

BOOST_AUTO_TEST_CASE(a_store_that_has_less_than_was_counted_ends_the_waiting) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  OutboundQos::Restored restored;
  restored.last_position = 10;
  restored.messages = 10;
  restored.bytes = 100;
  outbound.restore(std::move(restored));
  outbound.on_connected(10);
  BOOST_TEST(outbound.wants_read().value() == 0U);
  Delivery late = delivery("late");
  late.position = outbound.next_position();
  outbound.enqueue(late);
  outbound.on_read({});
  BOOST_TEST(outbound.waiting() == 1U);
  BOOST_TEST(outbound.wants_read().has_value());
  outbound.on_read({late});
  BOOST_TEST(outbound.waiting() == 1U);
  BOOST_TEST(outbound.waiting_in_store() == 0U);
}

BOOST_AUTO_TEST_CASE(qos_2_waits_until_it_is_safe) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  outbound.keep_in_store();
  outbound.on_connected(10);
  enqueue(outbound, delivery("1", QoS::exactly_once));
  enqueue(outbound, delivery("2"));
  std::vector<Delivery> expired;
  BOOST_TEST(!outbound.take_waiting(start, expired).has_value());
  outbound.on_safe(1);
  BOOST_TEST(text(outbound.take_waiting(start, expired).value()) == "1");
  BOOST_TEST(text(outbound.take_waiting(start, expired).value()) == "2");
}

BOOST_AUTO_TEST_CASE(what_is_put_back_keeps_its_place) {
  OutboundQos::Pool pool{roomy};
  OutboundQos outbound(pool);
  for (const std::uint64_t group : {5U, 0U, 5U, 0U})
    enqueue(outbound, delivery(std::to_string(outbound.waiting()), QoS::at_least_once, std::nullopt,
                               group));
  auto shared = outbound.take_shared(5);
  BOOST_TEST(shared.size() == 2U);
  outbound.put_back(std::move(shared));
  std::vector<Delivery> expired;
  for (int i = 0; i < 4; ++i)
    BOOST_TEST(text(outbound.take_waiting(start, expired).value()) == std::to_string(i));
  BOOST_TEST(pool.waiting_bytes == 0);
}

BOOST_AUTO_TEST_SUITE_END()
