// What reaches a TLS listener before anybody has proved anything: bytes of a client, whole and in
// pieces; and the cipher lists its operator may write. Properties: no session opens, nothing is
// passed on as plain bytes, a refusal is final; each list gives priorities that GnuTLS takes.
#include <cstdint>
#include <memory>

#include "starling/check.hpp"

#include "src/tls/cipher_suites.hpp"
#include "src/tls/server_channels.hpp"

using namespace starling;

namespace {

std::unique_ptr<GnutlsServerChannels> open_listener(std::string ciphers) {
  TlsServerSettings settings;  // pre-shared keys need no files
  settings.psk_keys = TlsServerSettings::PskKeys{{"lamp", Bytes(16, 7)}};
  settings.ciphers = ciphers;
  settings.ciphers_tls13 = std::move(ciphers);
  auto opened = GnutlsServerChannels::open(std::move(settings));
  STARLING_CHECK(opened.ok());
  return std::move(opened).value();
}

void feed(GnutlsServerChannels& listener, ByteView bytes, std::size_t chunk) {
  const auto channel = listener.make_server();
  Bytes plain;
  OutputBuffer wire_out;
  bool refused = false;
  while (!bytes.empty()) {
    const ByteView part = bytes.first(std::min(chunk, bytes.size()));
    bytes = bytes.subspan(part.size());
    const auto taken = channel->on_wire_bytes(part, plain, wire_out);
    STARLING_CHECK(!refused || !taken.ok());
    refused = !taken.ok();
    STARLING_CHECK(!refused || !taken.error().what.empty());
    STARLING_CHECK(plain.empty() && !channel->established() && !channel->identity());
    wire_out.clear();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes{data + 1, size - 1};
  if (data[0] == 'c') {
    const auto expanded = expand_openssl_ciphers(as_text(bytes));
    for (const CipherSuite* suite : expanded.suites) STARLING_CHECK(suite != nullptr);
    const std::string list(as_text(bytes));
    if (list.find('\0') == std::string::npos) open_listener(list);
    return 0;
  }
  static const auto listener = open_listener("");
  feed(*listener, bytes, std::size_t{data[0]} + 1);
  feed(*listener, bytes, SIZE_MAX);
  return 0;
}
