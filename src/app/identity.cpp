#include "src/app/identity.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

#include "src/crypto/hash.hpp"

namespace starling {
namespace {

constexpr std::string_view identity_file = "identity.key";
constexpr std::string_view epoch_file = "epoch";

}  // namespace

Identity load_or_create_identity(StateFiles& files, Entropy& entropy) {
  if (const auto pem = files.load(identity_file)) {
    auto key = crypto::SigningKey::from_pem(as_text(*pem));
    if (!key)
      throw std::runtime_error("identity.key in the state directory cannot be used: "
                               + key.error().what
                               + "; restore it from a copy, or remove it to become a new node");
    return {std::move(key).value(), false};
  }
  crypto::SigningKey key = crypto::SigningKey::generate(entropy);
  std::string pem = key.to_pem();
  const auto saved = files.save(identity_file, as_bytes(pem));
  crypto::wipe(pem.data(), pem.size());
  if (!saved) throw std::runtime_error("cannot keep the new identity: " + saved.error().what);
  return {std::move(key), true};
}

std::uint64_t next_boot_epoch(StateFiles& files, std::uint64_t floor) {
  std::uint64_t epoch = 0;
  const auto saved = files.load(epoch_file);
  if (saved) {
    const std::string_view text = as_text(*saved);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (error != std::errc{} || end == text.data()) epoch = floor;
  } else {
    epoch = floor;
  }
  ++epoch;
  const std::string text = std::to_string(epoch) + "\n";
  if (const auto kept = files.save(epoch_file, as_bytes(text)); !kept)
    throw std::runtime_error("cannot count this start: " + kept.error().what);
  return epoch;
}

}  // namespace starling
