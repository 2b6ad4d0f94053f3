// LoginLimiter, CredentialCache and LoginQueue: what they remember, and for how long.
#include <boost/test/unit_test.hpp>
#include <string>

#include "starling/limits.hpp"

#include "src/auth/credential_cache.hpp"
#include "src/auth/login_limiter.hpp"
#include "src/auth/login_queue.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{};

LoginOrigin origin(std::uint32_t number) {
  return login_origin(
      Endpoint::v4({10, static_cast<std::uint8_t>(number >> 16U),
                    static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)},
                   1));
}
LoginRequest request(std::uint64_t connection, std::uint32_t from, std::size_t password = 1) {
  LoginRequest made;
  made.connection = ConnectionId{connection};
  made.origin = origin(from);
  made.user = "u";
  made.password.emplace(Bytes(password, 'x'));
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(login_limits)

BOOST_AUTO_TEST_CASE(an_address_may_fail_so_often_and_then_waits) {
  LoginLimiter limiter(30);
  for (int i = 0; i < 30; ++i) {
    BOOST_TEST(limiter.may_try(origin(1), start));
    limiter.on_failure(origin(1), start);
  }
  BOOST_TEST(!limiter.may_try(origin(1), start));
  BOOST_TEST(!limiter.may_try(origin(1), start + 1900ms));
  BOOST_TEST(limiter.may_try(origin(1), start + 2s));
  BOOST_TEST(limiter.may_try(origin(2), start));
  limiter.on_failure(origin(1), start + 2s);
  BOOST_TEST(!limiter.may_try(origin(1), start + 3s));
}

BOOST_AUTO_TEST_CASE(without_a_bound_nobody_waits) {
  LoginLimiter limiter(0);
  for (int i = 0; i < 1'000; ++i) limiter.on_failure(origin(1), start);
  BOOST_TEST(limiter.may_try(origin(1), start));
  BOOST_TEST(limiter.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_new_bound_begins_anew_and_the_same_one_does_not) {
  LoginLimiter limiter(1);
  limiter.on_failure(origin(1), start);
  limiter.set_bound(1);
  BOOST_TEST(!limiter.may_try(origin(1), start));
  limiter.set_bound(2);
  BOOST_TEST(limiter.may_try(origin(1), start));
}

BOOST_AUTO_TEST_CASE(a_host_cannot_change_its_ipv6_address_to_go_on) {
  const auto a = login_origin(*Endpoint::parse("[2001:db8:1:2::1]:1000"));
  const auto b = login_origin(*Endpoint::parse("[2001:db8:1:2:ffff::2]:2000"));
  const auto other = login_origin(*Endpoint::parse("[2001:db8:1:3::1]:1000"));
  BOOST_TEST((a == b));
  BOOST_TEST((a != other));
  BOOST_TEST((origin(1) != origin(2)));
  BOOST_TEST((origin(1) == login_origin(Endpoint::v4({10, 0, 0, 1}, 9'999))));
}

BOOST_AUTO_TEST_CASE(a_flood_of_addresses_is_forgotten_from_its_beginning) {
  LoginLimiter limiter(1);
  for (std::uint32_t i = 0; i <= limits::login_origins_max; ++i)
    limiter.on_failure(origin(i), start);
  BOOST_TEST(limiter.size() == limits::login_origins_max);
  BOOST_TEST(limiter.may_try(origin(0), start));
  BOOST_TEST(!limiter.may_try(origin(1), start));
  limiter.on_failure(origin(1), start + 1s);
  limiter.on_failure(origin(99'999), start + 1s);  // the quietest is now the third
  BOOST_TEST(!limiter.may_try(origin(1), start + 1s));
  BOOST_TEST(limiter.may_try(origin(2), start + 1s));
  limiter.on_failure(origin(88'888), start + 130s);
  BOOST_TEST(limiter.size() == 1U);  // all others have paid
}

BOOST_AUTO_TEST_CASE(what_was_found_good_is_known_for_a_while) {
  SeededRandom random(1);
  CredentialCache cache(random);
  const auto good = cache.fingerprint("ann", "$7$x", as_bytes("secret"));
  BOOST_TEST(!cache.knows(good, start));
  cache.remember(good, start);
  BOOST_TEST(cache.knows(good, start + limits::credentials_cached_for - 1ns));
  BOOST_TEST(!cache.knows(good, start + limits::credentials_cached_for));
  cache.remember(good, start + 1min);
  BOOST_TEST(cache.size() == 1U);
  BOOST_TEST(cache.knows(good, start + limits::credentials_cached_for));
  cache.clear();
  BOOST_TEST(!cache.knows(good, start + 1min));
}

BOOST_AUTO_TEST_CASE(credentials_that_differ_in_anything_are_others) {
  SeededRandom random(1);
  const CredentialCache cache(random);
  const CredentialCache other_process(random);
  const auto print = cache.fingerprint("ann", "$7$x", as_bytes("secret"));
  BOOST_TEST((print == cache.fingerprint("ann", "$7$x", as_bytes("secret"))));
  BOOST_TEST((print != cache.fingerprint("anna", "$7$x", as_bytes("secret"))));
  BOOST_TEST((print != cache.fingerprint("ann", "$7$y", as_bytes("secret"))));
  BOOST_TEST((print != cache.fingerprint("ann", "$7$x", as_bytes("secrets"))));
  BOOST_TEST((print != cache.fingerprint("an", "n$7$x", as_bytes("secret"))));
  BOOST_TEST((print != cache.fingerprint("ann", "$7$xs", as_bytes("ecret"))));
  BOOST_TEST((print != other_process.fingerprint("ann", "$7$x", as_bytes("secret"))));
}

BOOST_AUTO_TEST_CASE(a_full_cache_drops_what_it_learnt_first) {
  SeededRandom random(1);
  CredentialCache cache(random);
  const auto print = [&](std::size_t i) {
    return cache.fingerprint(std::to_string(i), "", as_bytes("x"));
  };
  for (std::size_t i = 0; i <= limits::credentials_cached_max; ++i) cache.remember(print(i), start);
  BOOST_TEST(cache.size() == limits::credentials_cached_max);
  BOOST_TEST(!cache.knows(print(0), start));
  BOOST_TEST(cache.knows(print(1), start));
  cache.remember(print(0), start + limits::credentials_cached_for);
  BOOST_TEST(cache.size() == 1U);  // the others have expired
}

BOOST_AUTO_TEST_CASE(addresses_take_turns) {
  LoginQueue queue;
  BOOST_TEST(!queue.pop());
  for (std::uint64_t i = 1; i <= 4; ++i) BOOST_REQUIRE(queue.push(request(i, 1)));
  BOOST_REQUIRE(queue.push(request(11, 2)));
  BOOST_REQUIRE(queue.push(request(12, 2)));
  BOOST_REQUIRE(queue.push(request(21, 3)));
  std::string order;
  while (const auto next = queue.pop()) order += std::to_string(next->connection.value) + " ";
  BOOST_TEST(order == "1 11 21 2 12 3 4 ");
  BOOST_TEST(queue.size() == 0U);
}

BOOST_AUTO_TEST_CASE(who_has_gone_waits_no_longer) {
  LoginQueue queue;
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_REQUIRE(queue.push(request(i, 1)));
  BOOST_REQUIRE(queue.push(request(11, 2)));
  queue.remove(ConnectionId{2});
  queue.remove(ConnectionId{11});
  queue.remove(ConnectionId{99});
  BOOST_TEST(queue.size() == 2U);
  BOOST_TEST(queue.pop()->connection.value == 1U);
  BOOST_TEST(queue.pop()->connection.value == 3U);
  BOOST_TEST(!queue.pop());
}

BOOST_AUTO_TEST_CASE(the_queue_is_bounded_for_one_address_for_all_and_in_bytes) {
  LoginQueue queue;
  std::uint64_t connection = 0;
  for (std::size_t i = 0; i < limits::logins_waiting_per_origin_max; ++i)
    BOOST_REQUIRE(queue.push(request(++connection, 1)));
  BOOST_TEST(!queue.push(request(++connection, 1)));
  for (std::uint32_t from = 1'000; queue.size() < limits::logins_waiting_max; ++from)
    BOOST_REQUIRE(queue.push(request(++connection, from)));
  BOOST_TEST(!queue.push(request(++connection, 7)));
  queue.remove(ConnectionId{1});
  BOOST_TEST(queue.push(request(++connection, 7)));

  LoginQueue fat;
  const std::size_t half = limits::logins_waiting_bytes_max / 2 - 1;  // and a name of one byte
  BOOST_TEST(fat.push(request(1, 1, half)));
  BOOST_TEST(fat.push(request(2, 2, half)));
  BOOST_TEST(!fat.push(request(3, 3, 0)));
  BOOST_REQUIRE(fat.pop());
  BOOST_TEST(fat.push(request(3, 3, half)));
  fat.remove(ConnectionId{3});
  BOOST_TEST(fat.push(request(3, 3, half)));
}

BOOST_AUTO_TEST_SUITE_END()
