// How dial-backs, meetings and relayed links are written.
#include "bridge/wire/frame_packer.hpp"

namespace starling::wire {
void pack(Packer& packer, const DialBack& frame) {
  packer.type(FrameType::dial_back, 2).binary(frame.nonce);
  pack_endpoint(packer, frame.endpoint);
}

void pack(Packer& packer, const DialBackFailed& frame) {
  STARLING_CHECK(frame.why.size() <= reach_text_max);
  packer.type(FrameType::dial_back_failed, 2).binary(frame.nonce).text(frame.why);
}

void pack(Packer& packer, const Meet& frame) {
  packer.type(FrameType::meet, 4).binary(frame.to.view()).binary(frame.from.view());
  packer.enumerator(frame.step);
  pack_endpoint(packer, frame.endpoint);
}

void pack(Packer& packer, const RelayReserve& frame) {
  packer.type(FrameType::relay_reserve, 1).boolean(frame.wanted);
}

void pack(Packer& packer, const RelayReserved& frame) {
  STARLING_CHECK(frame.why.size() <= reach_text_max);
  packer.type(FrameType::relay_reserved, 2).boolean(frame.granted).text(frame.why);
}

void pack(Packer& packer, const RelayOpen& frame) {
  packer.type(FrameType::relay_open, 4).number(frame.channel);
  packer.binary(frame.to.view()).binary(frame.from.view()).number(frame.window);
}

void pack(Packer& packer, const RelayOpened& frame) {
  packer.type(FrameType::relay_opened, 2).number(frame.channel).number(frame.window);
}

void pack(Packer& packer, const RelayData& frame) {
  STARLING_CHECK(!frame.data.empty() && frame.data.size() <= relay_data_max);
  packer.type(FrameType::relay_data, 2).number(frame.channel).binary(frame.data);
}

void pack(Packer& packer, const RelayCredit& frame) {
  packer.type(FrameType::relay_credit, 2).number(frame.channel).number(frame.limit);
}

void pack(Packer& packer, const RelayClose& frame) {
  STARLING_CHECK(frame.why.size() <= reach_text_max);
  packer.type(FrameType::relay_close, 2).number(frame.channel).text(frame.why);
}

}  // namespace starling::wire
