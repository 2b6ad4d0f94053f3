#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

#include "dht/keys/prefix_key.hpp"

using namespace starling;

namespace {

TopicFilter filter(std::string_view text) {
  return TopicFilter::parse(text).value();
}
TopicName name(std::string_view text) {
  return TopicName::parse(text).value();
}
LiteralPrefix prefix_of(std::string_view text) {
  return LiteralPrefix::of(filter(text));
}

crypto::MeshKeys keys_of_counting_secret() {
  crypto::MeshSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  return crypto::derive_mesh_keys(secret);
}
const crypto::MeshKeys mesh = keys_of_counting_secret();

std::string hex(const DhtKey& key) {
  return to_hex(key.view());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prefix_key)

BOOST_AUTO_TEST_CASE(a_filter_is_filed_under_its_levels_before_the_first_wildcard_two_at_most) {
  struct Row {
    const char* filter;
    int levels;
    const char* text;
  };
  for (const Row& row :
       {Row{"a/b/c", 2, "a/b"}, Row{"a/b/#", 2, "a/b"}, Row{"a/b", 2, "a/b"}, Row{"a/+/c", 1, "a"},
        Row{"a/#", 1, "a"}, Row{"a", 1, "a"}, Row{"#", 0, ""}, Row{"+/x", 0, ""}, Row{"+", 0, ""},
        Row{"a/b/c/d/+", 2, "a/b"}, Row{"/", 2, "/"}, Row{"/+", 1, ""}, Row{"/x", 2, "/x"},
        Row{"a/", 2, "a/"}, Row{"a//b", 2, "a/"}, Row{"//", 2, "/"}}) {
    BOOST_TEST_CONTEXT(row.filter) {
      const LiteralPrefix prefix = prefix_of(row.filter);
      BOOST_TEST(int{prefix.levels()} == row.levels);
      BOOST_TEST(prefix.text() == row.text);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_filter_of_256_levels_has_two_in_its_prefix) {
  std::string deep = "a";
  for (int level = 1; level < 256; ++level) deep += "/a";
  BOOST_TEST((prefix_of(deep) == prefix_of("a/a")));
}

BOOST_AUTO_TEST_CASE(no_level_and_one_empty_level_are_different_places) {
  BOOST_TEST((prefix_of("+/x") != prefix_of("/+")));
  BOOST_TEST((interest_key(mesh, prefix_of("+/x")) != interest_key(mesh, prefix_of("/+"))));
}

BOOST_AUTO_TEST_CASE(a_prefix_loses_one_level_at_a_time) {
  BOOST_TEST((prefix_of("a/b/c").parent() == prefix_of("a/#")));
  BOOST_TEST((prefix_of("a/#").parent() == prefix_of("#")));
  BOOST_TEST((prefix_of("#").parent() == prefix_of("#")));
  BOOST_TEST((prefix_of("/x").parent() == prefix_of("/+")));
}

BOOST_AUTO_TEST_CASE(everything_below_covers_what_is_filed_there) {
  BOOST_TEST(prefix_of("a/b/c").everything_below().text() == "a/b/#");
  BOOST_TEST(prefix_of("a/+").everything_below().text() == "a/#");
  BOOST_TEST(prefix_of("#").everything_below().text() == "#");
  BOOST_TEST(prefix_of("/+").everything_below().text() == "/#");
  BOOST_TEST((LiteralPrefix::of(prefix_of("/x").everything_below()) == prefix_of("/x")));
}

BOOST_AUTO_TEST_CASE(a_publisher_reads_at_most_three_keys_most_specific_first) {
  const std::vector<LiteralPrefix> deep = prefixes_of(name("home/kitchen/lamp/state"));
  BOOST_REQUIRE(deep.size() == 3U);
  BOOST_TEST(deep[0].text() == "home/kitchen");
  BOOST_TEST(deep[1].text() == "home");
  BOOST_TEST(int{deep[2].levels()} == 0);
  BOOST_TEST(prefixes_of(name("home/kitchen")).size() == 3U);
  BOOST_TEST(prefixes_of(name("home")).size() == 2U);
  BOOST_TEST(prefixes_of(name("/")).size() == 3U);

  const std::vector<PrefixKey> keys = keys_of(mesh, name("home/kitchen/lamp"));
  BOOST_REQUIRE(keys.size() == 3U);
  BOOST_TEST((keys[0].key == interest_key(mesh, prefix_of("home/kitchen/#"))));
  BOOST_TEST((keys[2].key == interest_key(mesh, LiteralPrefix())));
}

// The one promise that makes the scheme work: whatever matches is found.
BOOST_AUTO_TEST_CASE(the_prefix_of_every_matching_filter_is_among_those_read) {
  std::mt19937 random(4711);
  const auto pick = [&](std::initializer_list<const char*> from) {
    return std::string(*(from.begin() + random() % from.size()));
  };
  int matches = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string topic = pick({"", "a", "b"});
    for (auto more = random() % 4; more > 0; --more) topic += "/" + pick({"", "a", "b"});
    std::string pattern = pick({"", "a", "b", "+"});
    for (auto more = random() % 4; more > 0; --more) pattern += "/" + pick({"", "a", "b", "+"});
    if (random() % 3 == 0) pattern = random() % 4 == 0 ? "#" : pattern + "/#";
    if (topic.empty() || pattern.empty() || !filter(pattern).matches(topic)) continue;
    ++matches;
    const std::vector<LiteralPrefix> read = prefixes_of(name(topic));
    BOOST_TEST_CONTEXT(topic << " and " << pattern)
    BOOST_TEST((std::find(read.begin(), read.end(), prefix_of(pattern)) != read.end()));
  }
  BOOST_TEST(matches > 1000);
}

// Computed with Python's hmac module from the description in the header; all nodes must agree on
// these.
BOOST_AUTO_TEST_CASE(the_keys_do_not_change) {
  NodeId node;
  node.bytes.fill(0xab);
  BOOST_TEST(hex(interest_key(mesh, LiteralPrefix()))
             == "fa5dedea76b4d6a459682d7b24db4fda204d4057");
  BOOST_TEST(hex(interest_key(mesh, prefix_of("home/#")))
             == "8587a91046dd9133b26b536615df0277debe6dd6");
  BOOST_TEST(hex(interest_key(mesh, prefix_of("home/kitchen")))
             == "71e6d96c5c9255f823b824f6d85cefb27082d6d1");
  BOOST_TEST(hex(interest_key(mesh, prefix_of("home/kitchen"), Shard{.level = 3, .index = 5}))
             == "c0600ff392eb2d8d04f12e9da99d4f06ea6100d4");
  BOOST_TEST(hex(node_key(mesh, node)) == "85b0e6b4d02fbc05bdc168dce6792a8d7142a22e");
  BOOST_TEST(hex(member_key(mesh)) == "d93f8315fbbba24779c1122a71b9e1c2d3fc07ea");
  BOOST_TEST(hex(inbox_key(mesh, node)) == "136c06419ed6cb62d888764f656f602f94ee4e9c");
}

BOOST_AUTO_TEST_CASE(meshes_prefixes_shards_and_kinds_never_share_a_key) {
  const crypto::MeshKeys other = crypto::derive_mesh_keys(crypto::MeshSecret{});
  std::set<DhtKey> keys;
  std::size_t made = 0;
  for (const crypto::MeshKeys& keys_of_mesh : {mesh, other}) {
    for (const char* pattern :
         {"#", "/+", "a/#", "b/#", "a/b", "ab/#", "/ab", "a/", "/a", "a/bc", "ab/c"}) {
      for (const Shard shard : {Shard{}, Shard{1, 0}, Shard{1, 1}, Shard{8, 200}}) {
        keys.insert(interest_key(keys_of_mesh, prefix_of(pattern), shard));
        ++made;
      }
    }
    for (const Shard shard : {Shard{}, Shard{1, 0}, Shard{1, 1}}) {
      keys.insert(member_key(keys_of_mesh, shard));
      ++made;
    }
    for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{1}}) {
      NodeId node;
      node.bytes.fill(fill);
      keys.insert(node_key(keys_of_mesh, node));
      keys.insert(inbox_key(keys_of_mesh, node));
      made += 2;
    }
  }
  BOOST_TEST(keys.size() == made);
}

BOOST_AUTO_TEST_CASE(a_shard_has_an_index_below_two_to_its_level) {
  BOOST_TEST(Shard{}.is_valid());
  BOOST_TEST((Shard{3, 7}.is_valid()));
  BOOST_TEST(!(Shard{3, 8}.is_valid()));
  BOOST_TEST(!(Shard{0, 1}.is_valid()));
  BOOST_TEST((Shard{32, 0xffffffffU}.is_valid()));
  BOOST_TEST(!(Shard{33, 0}.is_valid()));
}

BOOST_AUTO_TEST_SUITE_END()
