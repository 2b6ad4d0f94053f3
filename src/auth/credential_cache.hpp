// CredentialCache: which credentials were found good lately, so that a storm of reconnects costs
// no slow hashes. Told the time. It keeps no password and nothing a password can be tried against
// without the key of this process.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string_view>

#include "starling/bytes.hpp"
#include "starling/port/entropy.hpp"
#include "starling/time.hpp"

#include "src/crypto/hash.hpp"

namespace starling {

class CredentialCache {
 public:
  /// A keyed digest of a user, the entry he is checked against and the password he brought.
  using Fingerprint = crypto::Digest;

  /// Takes a key from `entropy`.
  explicit CredentialCache(Entropy& entropy);
  ~CredentialCache();
  CredentialCache(const CredentialCache&) = delete;
  CredentialCache& operator=(const CredentialCache&) = delete;

  /// `entry`: the text of the user's hash, so a changed entry is another fingerprint.
  [[nodiscard]] Fingerprint fingerprint(std::string_view user, std::string_view entry,
                                        ByteView password) const;
  /// True: they were found good less than limits::credentials_cached_for ago.
  [[nodiscard]] bool knows(const Fingerprint& credentials, TimePoint now) const;
  /// They were found good. The one found first gives way at limits::credentials_cached_max.
  void remember(const Fingerprint& credentials, TimePoint now);
  void clear();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TimePoint good_until;
    std::list<Fingerprint>::iterator place;  // in by_age_
  };
  void drop_oldest();

  crypto::Key key_;
  std::map<Fingerprint, Entry> entries_;
  std::list<Fingerprint> by_age_;  // the first to expire in front
};

}  // namespace starling
