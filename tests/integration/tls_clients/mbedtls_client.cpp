// A small subscriber on mbedTLS (TLS 1.2), as ESP32 and lwIP devices are:
//   --port N --ca FILE [--mfl 512|1024|2048|4096] [--cert FILE --key FILE] [--psk-identity ID --psk HEX]
//   --topic NAME --count N
#include <cstdlib>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "small_mqtt.hpp"

namespace {

void require(int status, const char* step) {
  if (status >= 0) return;
  std::array<char, 160> words{};
  mbedtls_strerror(status, words.data(), words.size());
  throw std::runtime_error(std::string(step) + ": " + words.data());
}

unsigned char code_of(std::size_t fragment) {
  switch (fragment) {
    case 512:
      return MBEDTLS_SSL_MAX_FRAG_LEN_512;
    case 1024:
      return MBEDTLS_SSL_MAX_FRAG_LEN_1024;
    case 2048:
      return MBEDTLS_SSL_MAX_FRAG_LEN_2048;
    case 4096:
      return MBEDTLS_SSL_MAX_FRAG_LEN_4096;
    default:
      return MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
  }
}

struct Socket {
  mbedtls_net_context net{};
  small::RecordWatch watch;
};

int receive(void* context, unsigned char* to, std::size_t size) {
  auto& socket = *static_cast<Socket*>(context);
  const int got = mbedtls_net_recv(&socket.net, to, size);
  if (got > 0) socket.watch.see(to, static_cast<std::size_t>(got));
  return got;
}
int transmit(void* context, const unsigned char* from, std::size_t size) {
  return mbedtls_net_send(&static_cast<Socket*>(context)->net, from, size);
}

void use_psk(mbedtls_ssl_config& config, const small::Options& options) {
  const std::string hex = options.text("--psk");
  if (hex.empty()) return;
  std::string key;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    key += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
  const std::string identity = options.text("--psk-identity");
  require(mbedtls_ssl_conf_psk(&config, reinterpret_cast<const unsigned char*>(key.data()),
                               key.size(), reinterpret_cast<const unsigned char*>(identity.data()),
                               identity.size()),
          "psk");
  static constexpr std::array suites = {MBEDTLS_TLS_PSK_WITH_AES_128_CCM_8,
                                        MBEDTLS_TLS_PSK_WITH_AES_128_CBC_SHA256, 0};
  mbedtls_ssl_conf_ciphersuites(&config, suites.data());
}

void run(const small::Options& options) {
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
  mbedtls_ssl_config config;
  mbedtls_ssl_context ssl;
  mbedtls_x509_crt ca;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  Socket socket;
  mbedtls_net_init(&socket.net);
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random);
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_init(&ssl);
  mbedtls_x509_crt_init(&ca);
  mbedtls_x509_crt_init(&certificate);
  mbedtls_pk_init(&key);
  require(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, nullptr, 0), "seed");
  require(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT),
          "defaults");
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
  if (*options.text("--ca") != 0) {
    require(mbedtls_x509_crt_parse_file(&ca, options.text("--ca")), "ca");
    mbedtls_ssl_conf_ca_chain(&config, &ca, nullptr);
  }
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  if (*options.text("--cert") != 0) {
    require(mbedtls_x509_crt_parse_file(&certificate, options.text("--cert")), "certificate");
    require(mbedtls_pk_parse_keyfile(&key, options.text("--key"), nullptr), "key");
    require(mbedtls_ssl_conf_own_cert(&config, &certificate, &key), "own certificate");
  }
  use_psk(config, options);
  require(mbedtls_ssl_conf_max_frag_len(&config, code_of(options.number("--mfl"))), "mfl");
  require(mbedtls_ssl_setup(&ssl, &config), "setup");
  require(mbedtls_ssl_set_hostname(&ssl, "localhost"), "hostname");
  require(
      mbedtls_net_connect(&socket.net, "127.0.0.1", options.text("--port"), MBEDTLS_NET_PROTO_TCP),
      "connect");
  mbedtls_ssl_set_bio(&ssl, &socket, transmit, receive, nullptr);
  require(mbedtls_ssl_handshake(&ssl), "handshake");
  std::printf("open %s %s\n", mbedtls_ssl_get_version(&ssl), mbedtls_ssl_get_ciphersuite(&ssl));

  small::Wire wire;
  wire.read = [&](std::uint8_t* to, std::size_t size) {
    const int got = mbedtls_ssl_read(&ssl, to, size);
    if (got == 0) throw std::runtime_error("closed");
    require(got, "read");
    return static_cast<std::size_t>(got);
  };
  wire.write = [&](const std::uint8_t* from, std::size_t size) {
    while (size > 0) {
      const int put = mbedtls_ssl_write(&ssl, from, size);
      require(put, "write");
      from += put;
      size -= static_cast<std::size_t>(put);
    }
  };
  small::Subscriber(wire).run("mbedtls", options.text("--topic"), options.number("--count"));
  mbedtls_ssl_close_notify(&ssl);
  socket.watch.report();

  mbedtls_net_free(&socket.net);
  mbedtls_pk_free(&key);
  mbedtls_x509_crt_free(&certificate);
  mbedtls_x509_crt_free(&ca);
  mbedtls_ssl_free(&ssl);
  mbedtls_ssl_config_free(&config);
  mbedtls_ctr_drbg_free(&random);
  mbedtls_entropy_free(&entropy);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(small::Options(argc, argv));
    return 0;
  } catch (const std::exception& trouble) {
    std::printf("failed: %s\n", trouble.what());
    return 1;
  }
}
