#include <boost/test/unit_test.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/broker/subscriptions.hpp"
#include "tests/support/naive_topic.hpp"
#include "tests/support/random_topics.hpp"

using namespace starling;
using namespace starling::test;

namespace {

using GroupAndFilter = std::pair<std::string, std::string>;
using Wanted = std::map<GroupAndFilter, std::pair<QoS, bool>>;  // greatest QoS, durable

/// Four sessions on the real thing, and beside it what each of them asked for, in maps.
struct World {
  SeededRandom random{17};
  OutboundQos::Pool queues{};
  ServerSession::Traffic sent;
  Subscriptions subscriptions{HashSeed{1, 2}};
  std::vector<std::unique_ptr<LocalSession>> sessions;
  std::vector<std::map<GroupAndFilter, SubscriptionOptions>> model{4};
  Wanted told;  // by the changes

  World() {
    for (std::size_t i = 0; i < model.size(); ++i) {
      sessions.push_back(std::make_unique<LocalSession>("session", queues, sent));
      sessions.back()->key = (i + 1) << 1U;
    }
  }

  void hear(const std::optional<InterestChange>& change) {
    if (!change) return;
    const GroupAndFilter what{change->interest.share_group, change->interest.filter.text()};
    if (!change->wanted) {
      BOOST_REQUIRE(told.erase(what) == 1U);
      return;
    }
    const std::pair now{change->interest.qos_max, change->interest.durable};
    const auto known = told.find(what);
    BOOST_REQUIRE((known == told.end() || known->second != now));
    told[what] = now;
  }

  static SubscriptionId id_of(const GroupAndFilter& what) {
    return {filter(what.second), what.first};
  }

  void subscribe(std::size_t i, const GroupAndFilter& what) {
    SubscriptionOptions options;
    options.qos = static_cast<QoS>(random.upto(3));
    options.identifier = static_cast<std::uint32_t>(random.upto(5)) & subscription_identifier_max;
    BOOST_REQUIRE(subscriptions.contains(*sessions[i], id_of(what)) == model[i].contains(what));
    hear(subscriptions.put(*sessions[i], id_of(what), options));
    model[i][what] = options;
  }
  void unsubscribe(std::size_t i, const GroupAndFilter& what) {
    BOOST_REQUIRE(subscriptions.contains(*sessions[i], id_of(what)) == model[i].contains(what));
    if (model[i].erase(what) == 1) hear(subscriptions.remove(*sessions[i], id_of(what)));
  }
  void change_durability(std::size_t i) {
    LocalSession& session = *sessions[i];
    session.expiry_s = session.is_durable() ? 0 : 10;
    subscriptions.set_durable(session, session.is_durable(), [this](const auto& it) { hear(it); });
  }
  void leave(std::size_t i) {
    subscriptions.remove_some(*sessions[i], sessions[i]->subscriptions.size(),
                              [this](const auto& it) { hear(it); });
    model[i].clear();
  }

  void check() {
    Wanted expected;
    for (std::size_t i = 0; i < model.size(); ++i) {
      BOOST_REQUIRE(sessions[i]->subscriptions.size() == model[i].size());
      for (const auto& [what, options] : model[i]) {
        auto& [qos, durable] = expected[what];
        qos = std::max(qos, QoS{options.qos});
        durable = durable || sessions[i]->is_durable();
      }
    }
    BOOST_REQUIRE((told == expected));
    Wanted all;
    subscriptions.for_each_interest([&](const Interest& interest) {
      const GroupAndFilter what{interest.share_group, interest.filter.text()};
      BOOST_REQUIRE(all.emplace(what, std::pair{interest.qos_max, interest.durable}).second);
    });
    BOOST_REQUIRE((all == expected));
    check_match(random_name(random));
  }
  void check_match(const std::string& text) {
    std::map<std::pair<SubscriberKey, std::uint32_t>, int> found;
    subscriptions.tree().match(name(text), [&](SubscriberKey key, const SubscriptionOptions& it) {
      if (!SharedGroups::is_group(key)) ++found[{key, it.identifier}];
    });
    std::map<std::pair<SubscriberKey, std::uint32_t>, int> expected;
    for (std::size_t i = 0; i < model.size(); ++i)
      for (const auto& [what, options] : model[i])
        if (what.first.empty() && naive_matches(what.second, text))
          ++expected[{sessions[i]->key, options.identifier}];
    BOOST_REQUIRE((found == expected));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(subscriptions)

BOOST_AUTO_TEST_CASE(a_random_history_agrees_with_maps) {
  World world;
  SeededRandom& random = world.random;
  for (int step = 0; step < 8'000; ++step) {
    const std::size_t i = random.upto(world.model.size());
    const GroupAndFilter what{random.one_in(4) ? "g" : "", random_filter(random, 3)};
    if (random.one_in(200)) {
      world.leave(i);
    } else if (random.one_in(50)) {
      world.change_durability(i);
    } else if (random.upto(10) < (step / 2'000 % 2 == 0 ? 7U : 3U)) {
      world.subscribe(i, what);
    } else {
      world.unsubscribe(i, what);
    }
    if (step % 20 == 0) world.check();
  }
  for (std::size_t i = 0; i < world.model.size(); ++i) world.leave(i);
  world.check();
  BOOST_TEST(world.told.empty());
  BOOST_TEST(world.subscriptions.tree().empty());
}

BOOST_AUTO_TEST_SUITE_END()
