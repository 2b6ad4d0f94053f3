// How dial-backs, meetings and relayed links are read.
#include "bridge/wire/frame_parts.hpp"

namespace starling::wire {
namespace {

std::uint32_t read_channel(MsgpackReader& in) {
  return static_cast<std::uint32_t>(in.read_uint(UINT32_MAX));
}

DialBack read_dial_back(MsgpackReader& in) {
  DialBack frame;
  frame.nonce = in.read_array_of_bytes<16>();
  frame.endpoint = read_endpoint(in);
  return frame;
}

DialBackFailed read_dial_back_failed(MsgpackReader& in) {
  DialBackFailed frame;
  frame.nonce = in.read_array_of_bytes<16>();
  frame.why = in.read_text(reach_text_max);
  return frame;
}

Meet read_meet(MsgpackReader& in) {
  Meet frame;
  frame.to = read_node(in);
  frame.from = read_node(in);
  frame.step = static_cast<Meet::Step>(in.read_uint(2));
  frame.endpoint = read_endpoint(in);
  return frame;
}

RelayReserved read_relay_reserved(MsgpackReader& in) {
  RelayReserved frame;
  frame.granted = in.read_bool();
  frame.why = in.read_text(reach_text_max);
  return frame;
}

RelayOpen read_relay_open(MsgpackReader& in) {
  RelayOpen frame;
  frame.channel = read_channel(in);
  frame.to = read_node(in);
  frame.from = read_node(in);
  frame.window = in.read_uint();
  return frame;
}

RelayOpened read_relay_opened(MsgpackReader& in) {
  RelayOpened frame;
  frame.channel = read_channel(in);
  frame.window = in.read_uint();
  return frame;
}

RelayData read_relay_data(MsgpackReader& in) {
  RelayData frame;
  frame.channel = read_channel(in);
  const ByteView data = in.read_binary(relay_data_max);
  if (data.empty()) in.fail(Errc::malformed, "a relay_data frame without data");
  frame.data.assign(data.begin(), data.end());
  return frame;
}

RelayCredit read_relay_credit(MsgpackReader& in) {
  RelayCredit frame;
  frame.channel = read_channel(in);
  frame.limit = in.read_uint();
  return frame;
}

RelayClose read_relay_close(MsgpackReader& in) {
  RelayClose frame;
  frame.channel = read_channel(in);
  frame.why = in.read_text(reach_text_max);
  return frame;
}

}  // namespace

std::optional<Frame> read_reach_fields(MsgpackReader& in, std::uint64_t type) {
  if (type > 255) return std::nullopt;
  switch (static_cast<FrameType>(type)) {
    case FrameType::dial_back:
      return read_dial_back(in);
    case FrameType::dial_back_failed:
      return read_dial_back_failed(in);
    case FrameType::meet:
      return read_meet(in);
    case FrameType::relay_reserve:
      return RelayReserve{in.read_bool()};
    case FrameType::relay_reserved:
      return read_relay_reserved(in);
    case FrameType::relay_open:
      return read_relay_open(in);
    case FrameType::relay_opened:
      return read_relay_opened(in);
    case FrameType::relay_data:
      return read_relay_data(in);
    case FrameType::relay_credit:
      return read_relay_credit(in);
    case FrameType::relay_close:
      return read_relay_close(in);
    default:
      return std::nullopt;
  }
}

}  // namespace starling::wire
