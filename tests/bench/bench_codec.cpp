// The codec on its own: one PUBLISH of 64 bytes in, one out, and the same out to many.
#include <benchmark/benchmark.h>

#include "starling/topic.hpp"

#include "src/mqtt/frame_reader.hpp"
#include "src/mqtt/publish_image.hpp"
#include "src/mqtt/read_packet.hpp"
#include "src/mqtt/write_packet.hpp"

using namespace starling;
using namespace starling::mqtt;

namespace {

constexpr std::size_t batch = 1'000;  // packets in one read of a socket, roughly 128 KB

Publish publish_of(ByteView payload, QoS qos) {
  Publish packet;
  packet.topic = "house/kitchen/temperature";
  packet.payload = payload;
  packet.qos = qos;
  packet.packet_id = qos == QoS::at_most_once ? 0 : 1;
  return packet;
}

ProtocolVersion version_of(const benchmark::State& state) {
  return static_cast<ProtocolVersion>(state.range(0));
}
QoS qos_of(const benchmark::State& state) {
  return static_cast<QoS>(state.range(1));
}

void count(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch));
}

/// A stream of PUBLISH, cut and read.
void read_publish_64(benchmark::State& state) {
  const Bytes payload(64, 0x61);
  const ReadContext context{version_of(state), Sender::client};
  Bytes stream;
  for (std::size_t i = 0; i < batch; ++i)
    write(publish_of(ByteView(payload), qos_of(state)), context.version, stream);
  FrameReader reader(1'000'000);
  for (auto _ : state) {
    std::size_t bytes = 0;
    const auto read = reader.read(stream, [&](const Frame& frame) {
      const auto packet = read_publish(frame, context);
      bytes += packet->payload.size();
      return Reading::go_on;
    });
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(read.ok());
  }
  count(state);
}

/// Only cut.
void cut_frames_64(benchmark::State& state) {
  const Bytes payload(64, 0x61);
  Bytes stream;
  for (std::size_t i = 0; i < batch; ++i)
    write(publish_of(ByteView(payload), QoS::at_most_once), ProtocolVersion::v3_1_1, stream);
  FrameReader reader(1'000'000);
  for (auto _ : state) {
    std::size_t bytes = 0;
    const auto read = reader.read(stream, [&](const Frame& frame) {
      bytes += frame.body.size();
      return Reading::go_on;
    });
    benchmark::DoNotOptimize(bytes);
    benchmark::DoNotOptimize(read.ok());
  }
  count(state);
}

/// One PUBLISH after the other, each encoded on its own.
void write_publish_64(benchmark::State& state) {
  const Bytes payload(64, 0x61);
  const Publish packet = publish_of(ByteView(payload), qos_of(state));
  Bytes out;
  for (auto _ : state) {
    out.clear();
    for (std::size_t i = 0; i < batch; ++i) write(packet, version_of(state), out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state);
}

/// One PUBLISH encoded once and appended for many subscribers.
void append_image_64(benchmark::State& state) {
  const Bytes payload(64, 0x61);
  PublishImage image;
  image.encode(publish_of({}, qos_of(state)), SharedBytes(ByteView(payload)), version_of(state));
  const bool has_id = qos_of(state) != QoS::at_most_once;
  OutputBuffer out;
  for (auto _ : state) {
    out.tail().clear();  // keeps its memory, as a busy connection would
    for (std::size_t i = 0; i < batch; ++i)
      image.append_to(out, qos_of(state), false, false,
                      has_id ? std::uint16_t{7} : std::uint16_t{0});
    benchmark::DoNotOptimize(out.size());
  }
  count(state);
}

void write_puback(benchmark::State& state) {
  Bytes out;
  for (auto _ : state) {
    out.clear();
    for (std::size_t i = 0; i < batch; ++i)
      write(Puback{static_cast<std::uint16_t>(i + 1), ReasonCode::success, {}}, ProtocolVersion::v5,
            out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state);
}

void read_puback(benchmark::State& state) {
  Bytes stream;
  for (std::size_t i = 0; i < batch; ++i)
    write(Puback{static_cast<std::uint16_t>(i + 1), ReasonCode::success, {}}, ProtocolVersion::v5,
          stream);
  const ReadContext context{ProtocolVersion::v5, Sender::client};
  FrameReader reader(1'000'000);
  for (auto _ : state) {
    std::size_t ids = 0;
    const auto read = reader.read(stream, [&](const Frame& frame) {
      ids += read_publish_ack<Puback>(frame, context)->packet_id;
      return Reading::go_on;
    });
    benchmark::DoNotOptimize(ids);
    benchmark::DoNotOptimize(read.ok());
  }
  count(state);
}

void parse_topic_name(benchmark::State& state) {
  for (auto _ : state)
    for (std::size_t i = 0; i < batch; ++i)
      benchmark::DoNotOptimize(TopicName::parse("house/kitchen/temperature").ok());
  count(state);
}

}  // namespace

BENCHMARK(cut_frames_64);
BENCHMARK(read_publish_64)->ArgsProduct({{4, 5}, {0, 1}});
BENCHMARK(write_publish_64)->ArgsProduct({{4, 5}, {0, 1}});
BENCHMARK(append_image_64)->ArgsProduct({{4, 5}, {0, 1}});
BENCHMARK(read_puback);
BENCHMARK(write_puback);
BENCHMARK(parse_topic_name);
