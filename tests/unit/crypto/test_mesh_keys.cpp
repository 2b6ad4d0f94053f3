#include <boost/test/unit_test.hpp>
#include <set>

#include "starling/bytes.hpp"

#include "src/crypto/mesh_keys.hpp"

using namespace starling;
using namespace starling::crypto;

BOOST_AUTO_TEST_SUITE(mesh_keys)

BOOST_AUTO_TEST_CASE(the_three_keys_differ_and_follow_from_the_secret) {
  MeshSecret secret{};
  const MeshKeys keys = derive_mesh_keys(secret);
  BOOST_TEST((keys == derive_mesh_keys(secret)));
  BOOST_TEST((std::set<Key>{keys.topic, keys.record, keys.member, secret}.size() == 4U));
  secret[31] = 1;
  const MeshKeys others = derive_mesh_keys(secret);
  BOOST_TEST((others.topic != keys.topic));
  BOOST_TEST((others.record != keys.record));
  BOOST_TEST((others.member != keys.member));
}

// Computed with Python's hmac module from the description in mesh_keys.hpp; nodes of all versions
// must agree on these.
BOOST_AUTO_TEST_CASE(the_derivation_does_not_change) {
  MeshSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  const MeshKeys keys = derive_mesh_keys(secret);
  BOOST_TEST(to_hex(keys.topic)
             == "5b336f08697016760513c656a112ff59084f9cd34dc51dd5b001729c294294d3");
  BOOST_TEST(to_hex(keys.record)
             == "cb08ebefba02d519b8fcf01786cc3b223b575f289236fd759c000139cbb96a72");
  BOOST_TEST(to_hex(keys.member)
             == "7fbaef7763d9832c1325c159c95ae6d52f5ed2e7555c80418e8470ec6f5617b5");
  BOOST_TEST(to_hex(open_mesh_secret("public").value())
             == "3c14fc607d2303f57f16143a64f454fd1cbc825d328e72806b8ec40932dd869b");
}

BOOST_AUTO_TEST_CASE(only_public_names_are_open) {
  for (const char* name : {"public", "public/garden", "public/a/b"}) BOOST_TEST(is_open_mesh(name));
  for (const char* name :
       {"", "family", "publi", "public/", "publicity", "Public", " public", "my/public"}) {
    BOOST_TEST(!is_open_mesh(name));
    BOOST_TEST(!open_mesh_secret(name).has_value());
  }
}

BOOST_AUTO_TEST_CASE(each_open_mesh_has_a_secret_of_its_own) {
  BOOST_TEST((open_mesh_secret("public") == open_mesh_secret("public")));
  BOOST_TEST((open_mesh_secret("public") != open_mesh_secret("public/a")));
  BOOST_TEST((open_mesh_secret("public/a") != open_mesh_secret("public/b")));
}

BOOST_AUTO_TEST_CASE(a_secret_is_read_from_its_file) {
  const std::string digits = std::string(62, '0') + "fF";
  for (const std::string& text : {digits, digits + "\n", "  " + digits + "\r\n"}) {
    const Result<MeshSecret> secret = parse_mesh_secret(text);
    BOOST_REQUIRE(secret.ok());
    BOOST_TEST(secret->at(31) == 0xff);
    BOOST_TEST(secret->at(0) == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_secret_is_refused_without_repeating_it) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string(63, 'a'), std::string(65, 'a'),
        std::string(64, 'g'), std::string(32, 'a') + " " + std::string(31, 'a'),
        std::string(64, 'a') + "\n" + std::string(64, 'a')}) {
    const Result<MeshSecret> secret = parse_mesh_secret(text);
    BOOST_REQUIRE(!secret.ok());
    BOOST_TEST((secret.error().code == Errc::malformed));
    BOOST_TEST(secret.error().what.find("aaaa") == std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
