// What counts as news of a router.
#include <boost/test/unit_test.hpp>
#include <vector>

#include "src/portmap/router_news.hpp"

namespace starling {
namespace {

bool is_news(const char* from, std::uint8_t version, std::uint8_t operation, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  if (size > 0) bytes[0] = version;
  if (size > 1) bytes[1] = operation;
  return is_router_news(Endpoint::parse(from).value(), bytes);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(router_news)

BOOST_AUTO_TEST_CASE(announcements_of_neighbours_are_news) {
  BOOST_TEST(is_news("192.168.1.1:5351", 0, 128, 12));
  BOOST_TEST(is_news("10.0.0.1:5351", 2, 128, 24));
}

BOOST_AUTO_TEST_CASE(everything_else_is_not) {
  for (std::size_t size = 0; size < 12; ++size)
    BOOST_TEST(!is_news("192.168.1.1:5351", 0, 128, size));
  BOOST_TEST(!is_news("192.168.1.1:5351", 2, 128, 23));
  BOOST_TEST(!is_news("192.168.1.1:5351", 1, 128, 24));
  BOOST_TEST(!is_news("192.168.1.1:5351", 0, 129, 12));
  BOOST_TEST(!is_news("192.168.1.1:5351", 0, 0, 12));
  BOOST_TEST(!is_news("8.8.8.8:5351", 0, 128, 12));
  BOOST_TEST(!is_news("[fe80::1]:5351", 0, 128, 12));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace starling
