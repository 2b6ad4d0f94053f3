// The messages of SCRAM as the client writes them [RFC 5802 §5, §7], taken apart. Strict: one
// spelling, bounded parts, no channel binding.
#pragma once

#include <string>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

#include "src/crypto/hash.hpp"

namespace starling {

/// "n,,n=user,r=nonce". The views are into the message.
struct ScramClientFirst {
  std::string_view gs2_header;  ///< "n,," with its commas
  std::string_view bare;        ///< what follows it
  std::string user;             ///< with "=2C" and "=3D" undone; 1 to limits::scram_name_max bytes
  std::string_view nonce;       ///< 1 to limits::scram_nonce_max bytes
};

/// "c=biws,r=nonce,p=proof". The views are into the message.
struct ScramClientFinal {
  std::string_view without_proof;
  Bytes channel_binding;  ///< the gs2-header of before, without channel data
  std::string_view nonce;
  crypto::Digest proof{};
};

/// Errors: malformed; unsupported (channel binding "p=", a mandatory extension "m="); and
/// not_authorized if the client wants to act for another user (an authzid).
Result<ScramClientFirst> read_scram_client_first(std::string_view message);
/// Extensions between nonce and proof are passed over, as the grammar wants it. Errors: malformed.
Result<ScramClientFinal> read_scram_client_final(std::string_view message);

}  // namespace starling
