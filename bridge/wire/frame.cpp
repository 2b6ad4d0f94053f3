#include "bridge/wire/frame.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace starling::wire {

std::string_view to_text(CloseReason reason) {
  switch (reason) {
    case CloseReason::other:
      return "other";
    case CloseReason::shutting_down:
      return "shutting down";
    case CloseReason::not_needed:
      return "not needed";
    case CloseReason::duplicate_link:
      return "duplicate link";
    case CloseReason::version:
      return "no common version";
    case CloseReason::no_shared_mesh:
      return "no shared mesh";
    case CloseReason::bad_identity:
      return "bad identity";
    case CloseReason::bad_proof:
      return "bad membership proof";
    case CloseReason::malformed:
      return "malformed frame";
    case CloseReason::protocol_error:
      return "protocol error";
    case CloseReason::too_large:
      return "frame too large";
    case CloseReason::timeout:
      return "timeout";
    case CloseReason::quota_exceeded:
      return "quota exceeded";
    case CloseReason::dialled_back:
      return "dialled back";
  }
  return "other";
}

std::string_view name_of(const Frame& frame) {
  constexpr std::array<std::string_view, std::variant_size_v<Frame>> names = {"unknown",
                                                                              "hello",
                                                                              "proof",
                                                                              "ping",
                                                                              "pong",
                                                                              "bye",
                                                                              "interests",
                                                                              "publications",
                                                                              "acknowledgement",
                                                                              "credit",
                                                                              "dial_me",
                                                                              "peers",
                                                                              "dial_back",
                                                                              "dial_back_failed",
                                                                              "meet",
                                                                              "relay_reserve",
                                                                              "relay_reserved",
                                                                              "relay_open",
                                                                              "relay_opened",
                                                                              "relay_data",
                                                                              "relay_credit",
                                                                              "relay_close"};
  return names[frame.index()];
}

std::optional<ReachFrame> take_reach(Frame& frame) {
  return std::visit(
      [](auto& kind) -> std::optional<ReachFrame> {
        if constexpr (std::is_constructible_v<ReachFrame, decltype(std::move(kind))>) {
          return ReachFrame{std::move(kind)};
        } else {
          return std::nullopt;
        }
      },
      frame);
}

bool operator==(const Interests& a, const Interests& b) {
  const auto same = [](const InterestChange& x, const InterestChange& y) {
    return x.interest == y.interest && x.wanted == y.wanted;
  };
  return a.mesh == b.mesh && a.sequence == b.sequence && a.part == b.part
         && std::equal(a.changes.begin(), a.changes.end(), b.changes.begin(), b.changes.end(),
                       same);
}

bool operator==(const PublicationEntry& a, const PublicationEntry& b) {
  const bool same_properties =
      a.properties && b.properties ? *a.properties == *b.properties : a.properties == b.properties;
  return a.topic == b.topic && a.qos == b.qos && a.retain == b.retain && a.hops == b.hops
         && a.step == b.step && a.payload == b.payload && a.expires_in == b.expires_in
         && same_properties;
}

}  // namespace starling::wire
