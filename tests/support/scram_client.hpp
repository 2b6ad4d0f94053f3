// The client's side of SCRAM-SHA-256 [RFC 5802 §3], written down plainly: what the server is held
// against.
#pragma once

#include <string>
#include <string_view>

#include "starling/bytes.hpp"

#include "src/crypto/base64.hpp"
#include "src/crypto/hash.hpp"
#include "src/crypto/password_kdf.hpp"

namespace starling::test {

class ScramClient {
 public:
  ScramClient(std::string user, std::string password,
              std::string own_nonce = "rOprNGfwEbeRWgbNEkqO", std::string header = "n,,")
      : password_(std::move(password)),
        header_(std::move(header)),
        bare_("n=" + std::move(user) + ",r=" + std::move(own_nonce)) {}

  [[nodiscard]] std::string first() const { return header_ + bare_; }

  /// The answer to server-first-message.
  std::string final(std::string_view server_first) {
    const auto value = [&](std::string_view key) {
      const std::size_t at = server_first.find(key) + key.size();
      return server_first.substr(at, server_first.find(',', at) - at);
    };
    nonce = std::string(server_first.substr(2, server_first.find(',') - 2));
    salt = crypto::from_base64(value(",s=")).value();
    iterations = static_cast<std::uint32_t>(std::stoul(std::string(value(",i="))));
    const std::string without_proof =
        "c=" + crypto::to_base64(as_bytes(header_)) + ",r=" + nonce + extension;
    const std::string message = bare_ + "," + std::string(server_first) + "," + without_proof;
    const auto salted = crypto::pbkdf2_sha256(as_bytes(password_), salt, iterations);
    crypto::Digest proof = crypto::hmac_sha256(salted, as_bytes("Client Key"));
    const auto signature = crypto::hmac_sha256(crypto::sha256(proof), as_bytes(message));
    for (std::size_t i = 0; i < proof.size(); ++i)
      proof[i] = static_cast<std::uint8_t>(proof[i] ^ signature[i]);
    const auto server_key = crypto::hmac_sha256(salted, as_bytes("Server Key"));
    server_final = "v=" + crypto::to_base64(crypto::hmac_sha256(server_key, as_bytes(message)));
    return without_proof + ",p=" + crypto::to_base64(proof);
  }

  std::string extension;  // put behind the nonce: ",x=y"
  std::string nonce;      // both halves
  Bytes salt;             // as the server told
  std::uint32_t iterations = 0;
  std::string server_final;  // what a server that knows the password says in the end

 private:
  std::string password_;
  std::string header_;
  std::string bare_;
};

}  // namespace starling::test
