// ScramServer: the server's side of one SCRAM-SHA-256 exchange [RFC 5802] [RFC 7677], carried by
// the Authentication Data of MQTT 5 (4.12). A machine: bytes in, bytes out.
//
// No channel binding: "n,," and "y,,". Names and passwords are taken as the bytes they are, which
// for ASCII, and for all text in Unicode's form NFKC, is what SASLprep makes of them; control
// characters of ASCII in a name, which SASLprep forbids, are refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/port/entropy.hpp"

#include "src/auth/password_file.hpp"

namespace starling {

/// The name of the method in CONNECT and AUTH.
inline constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";

struct ScramStep {
  enum class Kind : std::uint8_t { go_on, accepted, refused };
  Kind kind = Kind::refused;
  Bytes data = {};        ///< go_on: server-first-message; accepted: server-final-message
  std::string user = {};  ///< accepted: who it is
  std::string why = {};   ///< refused: for the log, never for the client
};

/// Which entry of a table stands in for `user`, who is not in it (PasswordTable::stand_in).
std::uint64_t stand_in_draw(const crypto::Key& secret, std::string_view user);

/// Ours, to be put behind the client's: 24 characters nobody can guess.
std::string make_scram_nonce(Entropy& entropy);

class ScramServer {
 public:
  /// `users`: with at least one entry that can serve SCRAM. `secret`: what the salts of users that
  /// do not exist are derived from; the same for all exchanges of a process, or it could be told
  /// who exists. `server_nonce`: from make_scram_nonce().
  ScramServer(std::shared_ptr<const PasswordTable> users, const crypto::Key& secret,
              std::string server_nonce);
  ~ScramServer();
  ScramServer(const ScramServer&) = delete;
  ScramServer& operator=(const ScramServer&) = delete;

  /// Takes the client's next message: client-first-message, then client-final-message. After an
  /// answer other than go_on the exchange is over, and everything is refused. A user who does not
  /// exist, or whose entry cannot serve SCRAM, is asked like one who can, and then refused.
  ScramStep on_message(ByteView message);
  /// Whom the client says it is, once it has said so.
  [[nodiscard]] const std::string& claimed_user() const { return user_; }

 private:
  enum class State : std::uint8_t { wants_first, wants_final, over };
  ScramStep on_first(std::string_view message);
  ScramStep on_final(std::string_view message);
  void choose_hash();

  std::shared_ptr<const PasswordTable> users_;
  crypto::Key secret_;
  State state_ = State::wants_first;
  std::string server_nonce_;
  std::string user_;
  std::string gs2_header_;
  std::string nonce_;         // the client's and ours
  std::string auth_message_;  // client-first-message-bare "," server-first-message
  ScramHash hash_;            // the user's, or that of a stand-in
  bool user_is_known_ = false;
};

}  // namespace starling
