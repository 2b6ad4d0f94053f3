#include "bridge/link/membership.hpp"

#include <algorithm>
#include <string_view>

namespace starling {
namespace {

/// Label, exporter, both ids, role: everything has a fixed length, so nothing can be read two ways.
crypto::Digest tell(std::string_view label, const crypto::Key& member_key,
                    const ChannelIdentity& channel, LinkRole role) {
  Bytes message;
  append(message, as_bytes(label));
  append(message, channel.secret);
  append(message, channel.dialler.view());
  append(message, channel.listener.view());
  message.push_back(static_cast<std::uint8_t>(role));
  return crypto::hmac_sha256(member_key, message);
}

}  // namespace

wire::MeshTag mesh_tag(const crypto::Key& member_key, const ChannelIdentity& channel,
                       LinkRole role) {
  const crypto::Digest digest = tell("starling mesh tag/1", member_key, channel, role);
  wire::MeshTag tag{};
  std::copy_n(digest.begin(), tag.size(), tag.begin());
  return tag;
}

wire::MemberProof member_proof(const crypto::Key& member_key, const ChannelIdentity& channel,
                               LinkRole role) {
  return tell("starling member proof/1", member_key, channel, role);
}

bool member_proof_holds(const wire::MemberProof& proof, const crypto::Key& member_key,
                        const ChannelIdentity& channel, LinkRole prover) {
  return crypto::equal_in_constant_time(proof, member_proof(member_key, channel, prover));
}

}  // namespace starling
