// PINGREQ and PINGRESP (3.12, 3.13).
#include "src/mqtt/body_reader.hpp"

namespace starling::mqtt {

Decoded<Pingreq> read_pingreq(const Frame& frame, ReadContext context) {
  return BodyReader(frame, context).finish(Pingreq{});
}

Decoded<Pingresp> read_pingresp(const Frame& frame, ReadContext context) {
  return BodyReader(frame, context).finish(Pingresp{});
}

}  // namespace starling::mqtt
