// TlsClientChannels: the channels of an MQTT client: TLS 1.2 and 1.3, the server's certificate checked
// against a CA file or the system's, its name or address, and its dates.
#pragma once

#include <memory>
#include <string>

#include "starling/port/channel.hpp"

namespace starling {

class TlsProfile;

struct TlsClientSettings {
  std::string server_name;  ///< the certificate must be for it: a DNS name or an address; not empty
  std::string ca_file;      ///< PEM; empty: what the system trusts
  bool verify = true;       ///< false: whoever answers is believed
  std::string certificate_file;  ///< PEM, with key_file, for servers that ask; empty: none
  std::string key_file;
};

/// Channels may outlive the factory. Errors of their on_wire_bytes() are those of GnutlsChannel;
/// bad_identity, in words, when the server is not who it should be.
class TlsClientChannels {
 public:
  /// Reads the files. Throws std::runtime_error that names the file and what is wrong with it.
  explicit TlsClientChannels(const TlsClientSettings& settings);
  ~TlsClientChannels();
  TlsClientChannels(const TlsClientChannels&) = delete;
  TlsClientChannels& operator=(const TlsClientChannels&) = delete;

  /// `ticket`: session_ticket() of an earlier channel of this factory, or empty.
  std::unique_ptr<SecureChannel> make_client(ByteView ticket);

 private:
  std::shared_ptr<const TlsProfile> profile_;
};

}  // namespace starling
