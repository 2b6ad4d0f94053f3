// Reads the PEM files a listener is made of. Inside this room only.
#pragma once

#include <string>
#include <vector>

#include "starling/bytes.hpp"
#include "starling/result.hpp"

#include "src/crypto/hash.hpp"

namespace starling {

/// Bytes of a file, wiped when they go: it may be a private key.
class PemText {
 public:
  PemText() = default;
  explicit PemText(Bytes bytes) : bytes_(std::move(bytes)) {}
  PemText(PemText&& other) noexcept : bytes_(std::move(other.bytes_)) {}
  PemText& operator=(PemText&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  PemText(const PemText&) = delete;
  PemText& operator=(const PemText&) = delete;
  ~PemText() { crypto::wipe(bytes_.data(), bytes_.size()); }

  [[nodiscard]] ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// `what` names the file's part in sentences: "certificate". At most limits::tls_file_max bytes.
/// Errors: io (with the system's words), too_large.
Result<PemText> read_pem_file(const std::string& path, const std::string& what);

/// Paths of the files in `directory`, sorted; without what is hidden, and without directories.
/// Errors: io, too_large (limits::tls_directory_files_max).
Result<std::vector<std::string>> list_pem_directory(const std::string& directory);

/// The blocks "-----BEGIN CERTIFICATE-----" to "-----END CERTIFICATE-----" of a text, each with
/// both lines; "X509 CERTIFICATE" serves as well.
std::vector<std::string_view> certificate_blocks(ByteView pem);

}  // namespace starling
