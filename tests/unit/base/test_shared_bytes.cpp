#include <boost/test/unit_test.hpp>
#include <numeric>

#include "starling/bytes.hpp"

using namespace starling;

namespace {

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

bool same(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_bytes)

BOOST_AUTO_TEST_CASE(a_slice_keeps_the_whole_alive_and_copies_nothing) {
  SharedBytes part;
  const std::uint8_t* place = nullptr;
  {
    const SharedBytes whole{ByteView(counting(1'000))};
    place = whole.data() + 10;
    part = SharedBytes::slice(whole, whole.view().subspan(10, 980));
  }
  BOOST_TEST(part.data() == place);
  BOOST_TEST(same(part, ByteView(counting(1'000)).subspan(10, 980)));
  const SharedBytes part_of_part = SharedBytes::slice(part, part.view().last(5));
  part = {};
  BOOST_TEST(same(part_of_part, ByteView(counting(990)).last(5)));
}

BOOST_AUTO_TEST_CASE(a_slice_of_nothing_keeps_nothing) {
  const SharedBytes whole{ByteView(counting(10))};
  BOOST_TEST(SharedBytes::slice(whole, {}).empty());
  BOOST_TEST(SharedBytes::slice(whole, {}).data() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_builder_takes_what_is_missing_in_any_steps) {
  const Bytes all = counting(300'000);
  for (const std::size_t step : {1'000U, 65'535U, 65'536U, 299'999U, 400'000U}) {
    SharedBytes::Builder builder(all.size());
    for (std::size_t at = 0; at < all.size(); at += step) {
      BOOST_TEST(!builder.is_complete());
      ByteView bytes = ByteView(all).subspan(at, std::min(step, all.size() - at));
      builder.take(bytes);
      BOOST_TEST(bytes.empty());
    }
    BOOST_REQUIRE(builder.is_complete());
    const Bytes more = counting(3);
    ByteView rest = more;
    builder.take(rest);
    BOOST_TEST(rest.size() == 3U);
    BOOST_TEST(same(builder.finish(), all));
    BOOST_TEST(builder.size_final() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(a_builder_owns_no_more_than_has_come) {
  SharedBytes::Builder builder(std::size_t{1} << 40U);  // nobody has so much
  const Bytes first = counting(10);
  ByteView bytes = first;
  builder.take(bytes);
  BOOST_TEST(same(builder.view(), first));
}

BOOST_AUTO_TEST_SUITE_END()
