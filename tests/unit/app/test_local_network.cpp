// Over which interfaces members are looked for.
#include <boost/test/unit_test.hpp>
#include <string>

#include "src/app/local_network.hpp"

namespace starling {
namespace {

Endpoint endpoint(const char* text) {
  return Endpoint::parse(text).value();
}

MulticastFace face(const char* name, const char* address) {
  return {1, endpoint(address), name};
}

std::string faces(const char* bound) {
  std::string names;
  for (const MulticastFace& each :
       lan_faces({face("home", "192.168.1.10:1"), face("ula", "[fd00::10]:1"),
                  face("link", "[fe80::10]:1"), face("public", "9.1.0.2:1"),
                  face("carrier", "100.64.0.7:1"), face("other", "10.0.0.1:1")},
                 endpoint(bound)))
    names += (names.empty() ? "" : " ") + each.name;
  return names;
}

BOOST_AUTO_TEST_SUITE(local_network)

BOOST_AUTO_TEST_CASE(members_are_sought_where_the_house_is_and_they_could_dial_us) {
  BOOST_TEST(faces("[::]:21883") == "home ula other");
  BOOST_TEST(faces("192.168.1.10:21883") == "home");
  BOOST_TEST(faces("9.1.0.2:21883") == "");
  BOOST_TEST(faces("127.0.0.1:21883") == "");
  Endpoint all_v4 = Endpoint::v4({0, 0, 0, 0}, 21'883);
  BOOST_TEST(lan_faces({face("home", "192.168.1.10:1"), face("ula", "[fd00::10]:1")}, all_v4).size()
             == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace starling
