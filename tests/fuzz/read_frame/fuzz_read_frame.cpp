// Any bytes as a frame: no crash; what is read, written and read again is equal; and reading
// allocates no more than read_frame.hpp states.
#include <cstdlib>
#include <new>

#include "starling/bytes.hpp"
#include "starling/check.hpp"
#include "starling/output_buffer.hpp"

#include "bridge/wire/read_frame.hpp"
#include "bridge/wire/write_frame.hpp"

namespace {

std::size_t allocated = 0;  // bytes, ever

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocated += size;
  return std::malloc(size);
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace starling::wire {
namespace {

Bytes written(const Frame& frame) {
  OutputBuffer out;
  write_frame(frame, out);
  Bytes bytes;
  std::vector<ByteView> views(8);
  while (!out.empty()) {
    std::size_t size = 0;
    const std::size_t count = out.gather(views);
    for (std::size_t i = 0; i < count; ++i) {
      append(bytes, views[i]);
      size += views[i].size();
    }
    out.consume(size);
  }
  return bytes;
}

void read_twice(ByteView body) {
  const std::size_t before = allocated;
  const auto frame = read_frame(body);
  STARLING_CHECK(allocated - before <= body.size() * read_memory_factor + read_memory_base);
  if (!frame) {
    STARLING_CHECK(!frame.error().what.empty());
    return;
  }
  const Bytes again = written(*frame);
  const auto cut = cut_frame(again, {again.size(), again.size()});
  STARLING_CHECK(cut.ok() && cut->has_value());
  STARLING_CHECK((*cut)->size() + frame_prefix_size == again.size());
  const auto second = read_frame(**cut);
  STARLING_CHECK(second.ok() && *second == *frame);
}

/// The input as it might come on a stream, with its own lengths.
void cut_all(ByteView stream) {
  const FrameBounds bounds{64, 256};
  while (true) {
    const auto cut = cut_frame(stream, bounds);
    if (!cut || !*cut) return;
    STARLING_CHECK((*cut)->size() <= bounds.publications_max && !(*cut)->empty());
    read_twice(**cut);
    stream = stream.subspan(frame_prefix_size + (*cut)->size());
  }
}

}  // namespace
}  // namespace starling::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  starling::wire::read_twice({data, size});
  starling::wire::cut_all({data, size});
  return 0;
}
