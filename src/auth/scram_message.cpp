#include "src/auth/scram_message.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "starling/limits.hpp"

#include "src/crypto/base64.hpp"

namespace starling {
namespace {

Error malformed(const char* what) {
  return Error{Errc::malformed, what};
}

/// Takes what stands before the next comma off `rest`; the comma goes too.
std::string_view take_part(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(','), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool has_key(std::string_view part, char key) {
  return part.size() >= 2 && part[0] == key && part[1] == '=';
}

/// attr-val: a letter, "=", at least one character, none of them NUL.
bool is_attribute(std::string_view part) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return part.size() >= 3 && is_letter(part[0]) && part[1] == '='
         && part.find('\0') == std::string_view::npos;
}

/// A saslname: a comma is written "=2C", an equals sign "=3D". nullopt: empty, too long, another
/// use of "=", or a control character, which SASLprep forbids.
std::optional<std::string> read_name(std::string_view text) {
  if (text.empty() || text.size() > limits::scram_name_max) return std::nullopt;
  std::string name;
  while (!text.empty()) {
    const char c = text.front();
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    if (c != '=') {
      name += c;
      text.remove_prefix(1);
      continue;
    }
    if (text.starts_with("=2C"))
      name += ',';
    else if (text.starts_with("=3D"))
      name += '=';
    else
      return std::nullopt;
    text.remove_prefix(3);
  }
  return name;
}

/// c-nonce: printable ASCII without commas.
bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= limits::scram_nonce_max
         && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F && c != ','; });
}

}  // namespace

Result<ScramClientFirst> read_scram_client_first(std::string_view message) {
  ScramClientFirst first;
  std::string_view rest = message;
  const std::string_view flag = take_part(rest);
  if (has_key(flag, 'p')) return Error{Errc::unsupported, "SCRAM with channel binding"};
  if (flag != "n" && flag != "y") return malformed("SCRAM without a channel binding flag");
  const std::string_view authzid = take_part(rest);
  if (!authzid.empty() && !has_key(authzid, 'a'))
    return malformed("SCRAM with something else in the place of an authorization identity");
  if (rest.empty()) return malformed("SCRAM without a user name");
  first.gs2_header = message.substr(0, message.size() - rest.size());
  first.bare = rest;

  const std::string_view name = take_part(rest);
  if (has_key(name, 'm')) return Error{Errc::unsupported, "SCRAM with a mandatory extension"};
  auto user = has_key(name, 'n') ? read_name(name.substr(2)) : std::nullopt;
  if (!user) return malformed("SCRAM with a user name that is none");
  first.user = *std::move(user);
  const std::string_view nonce = take_part(rest);
  if (!has_key(nonce, 'r') || !is_nonce(nonce.substr(2)))
    return malformed("SCRAM without a client nonce");
  first.nonce = nonce.substr(2);
  if (first.bare.back() == ',') return malformed("SCRAM with an empty attribute");
  while (!rest.empty())
    if (!is_attribute(take_part(rest))) return malformed("SCRAM with an extension that is none");
  if (!authzid.empty() && read_name(authzid.substr(2)) != first.user)
    return Error{Errc::not_authorized, "SCRAM to act for another user"};
  return first;
}

Result<ScramClientFinal> read_scram_client_final(std::string_view message) {
  ScramClientFinal final;
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("SCRAM without a proof");
  const auto proof = crypto::from_base64(message.substr(proof_at + 3));
  if (!proof || proof->size() != final.proof.size())
    return malformed("SCRAM with a proof that is none");
  std::ranges::copy(*proof, final.proof.begin());
  final.without_proof = message.substr(0, proof_at);

  std::string_view rest = final.without_proof;
  const std::string_view binding = take_part(rest);
  auto channel_binding =
      has_key(binding, 'c') ? crypto::from_base64(binding.substr(2)) : std::nullopt;
  if (!channel_binding) return malformed("SCRAM without a repeated header");
  final.channel_binding = *std::move(channel_binding);
  const std::string_view nonce = take_part(rest);
  // Twice the client's bound: ours stands behind it.
  if (!has_key(nonce, 'r') || nonce.size() > 2 * limits::scram_nonce_max)
    return malformed("SCRAM without a nonce");
  final.nonce = nonce.substr(2);
  if (final.without_proof.back() == ',') return malformed("SCRAM with an empty attribute");
  while (!rest.empty())
    if (!is_attribute(take_part(rest))) return malformed("SCRAM with an extension that is none");
  return final;
}

}  // namespace starling
