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

BOOST_AUTO_TEST_SUITE_END()
