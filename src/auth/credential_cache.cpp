#include "src/auth/credential_cache.hpp"

#include "starling/limits.hpp"

namespace starling {

CredentialCache::CredentialCache(Entropy& entropy) {
  entropy.fill(key_);
}

CredentialCache::~CredentialCache() {
  crypto::wipe(key_.data(), key_.size());
}

CredentialCache::Fingerprint CredentialCache::fingerprint(std::string_view user,
                                                          std::string_view entry,
                                                          ByteView password) const {
  // Sizes in front: no two triples are written alike.
  Bytes text;
  text.reserve(16 + user.size() + entry.size() + password.size());
  ByteWriter writer(text);
  for (const ByteView part : {as_bytes(user), as_bytes(entry), password}) {
    writer.write_u32(static_cast<std::uint32_t>(part.size()));
    writer.write_bytes(part);
  }
  const Fingerprint print = crypto::hmac_sha256(key_, text);
  crypto::wipe(text.data(), text.size());
  return print;
}

bool CredentialCache::knows(const Fingerprint& credentials, TimePoint now) const {
  const auto found = entries_.find(credentials);
  return found != entries_.end() && now < found->second.good_until;
}

void CredentialCache::remember(const Fingerprint& credentials, TimePoint now) {
  const TimePoint good_until = now + limits::credentials_cached_for;
  const auto found = entries_.find(credentials);
  if (found != entries_.end()) {
    found->second.good_until = good_until;
    by_age_.splice(by_age_.end(), by_age_, found->second.place);
    return;
  }
  while (!by_age_.empty()
         && (entries_.size() >= limits::credentials_cached_max
             || entries_.find(by_age_.front())->second.good_until <= now))
    drop_oldest();
  const auto place = by_age_.insert(by_age_.end(), credentials);
  entries_.emplace(credentials, Entry{good_until, place});
}

void CredentialCache::clear() {
  entries_.clear();
  by_age_.clear();
}

void CredentialCache::drop_oldest() {
  entries_.erase(by_age_.front());
  by_age_.pop_front();
}

}  // namespace starling
