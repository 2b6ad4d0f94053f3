#include "src/auth/scram_server.hpp"

#include <algorithm>
#include <utility>

#include "starling/check.hpp"
#include "starling/limits.hpp"

#include "src/auth/scram_message.hpp"
#include "src/crypto/base64.hpp"

namespace starling {
namespace {

constexpr std::size_t nonce_size = 18;  // bytes: 144 bits, 24 characters

Bytes to_bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

ScramStep refused(std::string why) {
  ScramStep step;
  step.why = std::move(why);
  return step;
}

}  // namespace

std::uint64_t stand_in_draw(const crypto::Key& secret, std::string_view user) {
  return ByteReader(crypto::hmac_sha256(secret, as_bytes("stand-in " + std::string(user))))
      .read_u64();
}

std::string make_scram_nonce(Entropy& entropy) {
  std::array<std::uint8_t, nonce_size> random;
  entropy.fill(random);
  return crypto::to_base64(random);
}

ScramServer::ScramServer(std::shared_ptr<const PasswordTable> users, const crypto::Key& secret,
                         std::string server_nonce)
    : users_(std::move(users)), secret_(secret), server_nonce_(std::move(server_nonce)) {
  STARLING_CHECK(users_ != nullptr && users_->has_scram() && !server_nonce_.empty());
}

ScramServer::~ScramServer() {
  crypto::wipe(secret_.data(), secret_.size());
}

ScramStep ScramServer::on_message(ByteView message) {
  const State state = std::exchange(state_, State::over);
  if (message.size() > limits::auth_data_max) return refused("SCRAM message too long");
  switch (state) {
    case State::wants_first:
      return on_first(as_text(message));
    case State::wants_final:
      return on_final(as_text(message));
    case State::over:
      break;
  }
  return refused("SCRAM exchange is over");
}

void ScramServer::choose_hash() {
  const PasswordTable::Entry* entry = users_->find(user_);
  const ScramHash* known = entry == nullptr ? nullptr : entry->hash.scram();
  user_is_known_ = known != nullptr;
  if (user_is_known_) {
    hash_ = *known;
    return;
  }
  // Whoever is asked twice for the same name must get the same answer twice.
  hash_ = *users_->scram_stand_in(stand_in_draw(secret_, user_))->hash.scram();
  hash_.salt = crypto::hkdf_sha256(secret_, {}, as_bytes("scram salt " + user_), hash_.salt.size());
}

ScramStep ScramServer::on_first(std::string_view message) {
  auto first = read_scram_client_first(message);
  if (!first) return refused(first.error().what);
  user_ = std::move(first->user);
  choose_hash();
  gs2_header_ = first->gs2_header;
  nonce_ = std::string(first->nonce) + server_nonce_;
  const std::string answer = "r=" + nonce_ + ",s=" + crypto::to_base64(hash_.salt)
                             + ",i=" + std::to_string(hash_.iterations);
  auth_message_ = std::string(first->bare) + "," + answer;
  state_ = State::wants_final;
  ScramStep step;
  step.kind = ScramStep::Kind::go_on;
  step.data = to_bytes(answer);
  return step;
}

ScramStep ScramServer::on_final(std::string_view message) {
  const auto last = read_scram_client_final(message);
  if (!last) return refused(last.error().what);
  if (as_text(last->channel_binding) != gs2_header_)
    return refused("SCRAM with another header than before");
  if (last->nonce != nonce_) return refused("SCRAM with another nonce than before");
  const std::string auth_message = auth_message_ + "," + std::string(last->without_proof);

  // ClientKey = ClientProof xor ClientSignature [RFC 5802 §3].
  crypto::Digest client_key = crypto::hmac_sha256(hash_.stored_key, as_bytes(auth_message));
  for (std::size_t i = 0; i < client_key.size(); ++i)
    client_key[i] = static_cast<std::uint8_t>(client_key[i] ^ last->proof[i]);
  const bool proved = crypto::equal_in_constant_time(crypto::sha256(client_key), hash_.stored_key);
  crypto::wipe(client_key.data(), client_key.size());
  if (!user_is_known_) return refused("unknown user, or one without a SCRAM entry");
  if (!proved) return refused("wrong password");
  ScramStep step;
  step.kind = ScramStep::Kind::accepted;
  step.user = user_;
  step.data = to_bytes(
      "v=" + crypto::to_base64(crypto::hmac_sha256(hash_.server_key, as_bytes(auth_message))));
  return step;
}

}  // namespace starling
