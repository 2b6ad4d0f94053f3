// A small subscriber on wolfSSL (TLS 1.2 or 1.3):
//   --port N --ca FILE [--tls 1.2|1.3] [--mfl 512|1024|2048|4096] [--cert FILE --key FILE] [--resume 1]
//   --topic NAME --count N
// With --resume it connects twice, the second time with the session of the first.
#include <arpa/inet.h>
#include <cstdlib>
#include <sys/socket.h>
#include <unistd.h>
// Before everything else of wolfSSL: how it was built.
#include <wolfssl/options.h>
//
#include <wolfssl/ssl.h>

#include "small_mqtt.hpp"

namespace {

void require(bool good, const std::string& step) {
  if (!good) throw std::runtime_error(step);
}

std::string why(WOLFSSL* ssl, int status) {
  std::array<char, 120> words{};
  wolfSSL_ERR_error_string(static_cast<unsigned long>(wolfSSL_get_error(ssl, status)),
                           words.data());
  return words.data();
}

unsigned char code_of(std::size_t fragment) {
  switch (fragment) {
    case 512:
      return WOLFSSL_MFL_2_9;
    case 1024:
      return WOLFSSL_MFL_2_10;
    case 2048:
      return WOLFSSL_MFL_2_11;
    case 4096:
      return WOLFSSL_MFL_2_12;
    default:
      return 0;
  }
}

struct Socket {
  int descriptor = -1;
  small::RecordWatch watch;
};

int receive(WOLFSSL*, char* to, int size, void* context) {
  auto& socket = *static_cast<Socket*>(context);
  const ssize_t got = ::recv(socket.descriptor, to, static_cast<std::size_t>(size), 0);
  if (got <= 0) return WOLFSSL_CBIO_ERR_CONN_CLOSE;
  socket.watch.see(reinterpret_cast<const unsigned char*>(to), static_cast<std::size_t>(got));
  return static_cast<int>(got);
}
int transmit(WOLFSSL*, char* from, int size, void* context) {
  const ssize_t put = ::send(static_cast<Socket*>(context)->descriptor, from,
                             static_cast<std::size_t>(size), MSG_NOSIGNAL);
  return put < 0 ? WOLFSSL_CBIO_ERR_CONN_CLOSE : static_cast<int>(put);
}

void dial(Socket& socket, std::size_t port) {
  socket.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::connect(socket.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address))
              == 0,
          "connect");
}

/// One connection; returns its session, for the next one.
WOLFSSL_SESSION* connect_once(WOLFSSL_CTX* context, const small::Options& options,
                              WOLFSSL_SESSION* session) {
  Socket socket;
  dial(socket, options.number("--port"));
  WOLFSSL* ssl = wolfSSL_new(context);
  require(ssl != nullptr, "new");
  wolfSSL_SSLSetIORecv(ssl, receive);
  wolfSSL_SSLSetIOSend(ssl, transmit);
  wolfSSL_SetIOReadCtx(ssl, &socket);
  wolfSSL_SetIOWriteCtx(ssl, &socket);
  wolfSSL_check_domain_name(ssl, "localhost");
  if (session != nullptr) wolfSSL_set_session(ssl, session);
  const int shaken = wolfSSL_connect(ssl);
  require(shaken == WOLFSSL_SUCCESS, "handshake: " + why(ssl, shaken));
  std::printf("open %s %s resumed=%d\n", wolfSSL_get_version(ssl), wolfSSL_get_cipher(ssl),
              wolfSSL_session_reused(ssl));
  small::Wire wire;
  wire.read = [&](std::uint8_t* to, std::size_t size) {
    const int got = wolfSSL_read(ssl, to, static_cast<int>(size));
    require(got > 0, "read: " + why(ssl, got));
    return static_cast<std::size_t>(got);
  };
  wire.write = [&](const std::uint8_t* from, std::size_t size) {
    const int put = wolfSSL_write(ssl, from, static_cast<int>(size));
    require(put == static_cast<int>(size), "write: " + why(ssl, put));
  };
  small::Subscriber(wire).run("wolfssl", options.text("--topic"), options.number("--count"));
  WOLFSSL_SESSION* next = wolfSSL_get1_session(ssl);
  wolfSSL_shutdown(ssl);
  wolfSSL_free(ssl);
  ::close(socket.descriptor);
  socket.watch.report();
  return next;
}

void run(const small::Options& options) {
  wolfSSL_Init();
  const bool is_tls13 = std::string(options.text("--tls", "1.3")) == "1.3";
  WOLFSSL_CTX* context =
      wolfSSL_CTX_new(is_tls13 ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method());
  require(context != nullptr, "context");
  require(
      wolfSSL_CTX_load_verify_locations(context, options.text("--ca"), nullptr) == WOLFSSL_SUCCESS,
      "ca");
  if (*options.text("--cert") != 0) {
    require(
        wolfSSL_CTX_use_certificate_chain_file(context, options.text("--cert")) == WOLFSSL_SUCCESS
            && wolfSSL_CTX_use_PrivateKey_file(context, options.text("--key"), WOLFSSL_FILETYPE_PEM)
                   == WOLFSSL_SUCCESS,
        "certificate");
  }
  if (const std::size_t fragment = options.number("--mfl"); fragment != 0)
    require(wolfSSL_CTX_UseMaxFragment(context, code_of(fragment)) == WOLFSSL_SUCCESS, "mfl");
  require(wolfSSL_CTX_UseSessionTicket(context) == WOLFSSL_SUCCESS, "tickets");
  WOLFSSL_SESSION* session = connect_once(context, options, nullptr);
  if (options.number("--resume") == 1) {
    WOLFSSL_SESSION* next = connect_once(context, options, session);
    wolfSSL_SESSION_free(next);
  }
  wolfSSL_SESSION_free(session);
  wolfSSL_CTX_free(context);
  wolfSSL_Cleanup();
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
