#include <boost/test/unit_test.hpp>

#include "starling/output_buffer.hpp"

using namespace starling;

namespace {

std::string content(const OutputBuffer& buffer) {
  std::array<ByteView, 16> views;
  std::string text;
  const std::size_t count = buffer.gather(views);
  for (std::size_t i = 0; i < count; ++i) text += as_text(views[i]);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(output_buffer)

BOOST_AUTO_TEST_CASE(keeps_order_of_copied_and_shared_pieces) {
  OutputBuffer buffer;
  const std::string large(OutputBuffer::share_from, 'L');
  const SharedBytes shared{as_bytes(large)};
  buffer.append(as_bytes("one"));
  buffer.append(shared);
  buffer.append(SharedBytes{as_bytes("two")});
  append(buffer.tail(), as_bytes("three"));
  BOOST_TEST(content(buffer) == "one" + large + "twothree");
  BOOST_TEST(buffer.size() == content(buffer).size());
}

BOOST_AUTO_TEST_CASE(consuming_in_any_steps_leaves_the_rest) {
  const std::string large(5000, 'L');
  const std::string all = "head" + large + "middle" + large + "end";
  for (const std::size_t step : {1U, 3U, 4U, 7U, 5000U, 5004U, 9000U}) {
    OutputBuffer buffer;
    buffer.append(as_bytes("head"));
    buffer.append(SharedBytes{as_bytes(large)});
    buffer.append(as_bytes("middle"));
    buffer.append(SharedBytes{as_bytes(large)});
    buffer.append(as_bytes("end"));
    std::size_t gone = 0;
    while (!buffer.empty()) {
      const std::size_t now = std::min(step, buffer.size());
      buffer.consume(now);
      gone += now;
      if (gone % 97 < step) BOOST_TEST((content(buffer) == all.substr(gone)));
    }
    BOOST_TEST(gone == all.size());
    buffer.append(as_bytes("again"));
    BOOST_TEST(content(buffer) == "again");
  }
}

BOOST_AUTO_TEST_CASE(the_front_is_taken_in_any_steps_and_large_payloads_stay_shared) {
  const SharedBytes large{as_bytes(std::string(20'000, 'L'))};
  const std::string all = "head" + std::string(20'000, 'L') + "end";
  for (const std::size_t step : {1U, 3U, 4U, 5'000U, 20'004U, 30'000U}) {
    OutputBuffer buffer;
    buffer.append(as_bytes("_head"));
    buffer.append(large);
    buffer.append(as_bytes("end"));
    buffer.consume(1);
    std::string taken;
    bool shares = false;
    while (!buffer.empty()) {
      OutputBuffer front = buffer.take_front(step);
      std::array<ByteView, 4> views;
      for (std::size_t i = 0; i < front.gather(views); ++i)
        shares |= views[i].data() >= large.data() && views[i].data() < large.data() + large.size();
      BOOST_REQUIRE(front.size() == std::min(step, all.size() - taken.size()));
      taken += content(front);
    }
    BOOST_TEST((taken == all));
    BOOST_TEST(shares == (step >= OutputBuffer::share_from));
  }
}

BOOST_AUTO_TEST_CASE(an_emptied_buffer_leaves_its_memory_to_the_next) {
  BufferPool pool;
  OutputBuffer first(&pool);
  OutputBuffer second(&pool);
  const Bytes& tail = first.tail();
  BOOST_TEST(tail.capacity() > 0U);
  first.append(as_bytes("one"));
  const std::uint8_t* place = first.tail().data();
  first.consume(3);
  second.append(as_bytes("two"));
  BOOST_TEST(second.tail().data() == place);
  BOOST_TEST(content(second) == "two");
}

BOOST_AUTO_TEST_SUITE_END()
