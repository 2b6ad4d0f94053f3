// The server's side of SCRAM, fed with foreign messages: two per input, cut at the first NUL.
// Properties: nobody is accepted who does not know the password; what is asked of a name does not
// depend on whether it is there; after an end everything is refused.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "starling/check.hpp"

#include "src/auth/scram_message.hpp"
#include "src/auth/scram_server.hpp"
#include "tests/support/scram_client.hpp"

using namespace starling;
using namespace starling::test;
using Kind = ScramStep::Kind;

namespace {

std::shared_ptr<const PasswordTable> users() {
  static const auto table = [] {
    class Zero final : public Entropy {
      void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = 0;
      }
    };
    Zero entropy;
    auto made = std::make_shared<PasswordTable>();
    const auto hash = PasswordHash::make_scram(as_bytes("nobody knows"), entropy, 2);
    made->set("user", hash, hash.to_text());
    return std::shared_ptr<const PasswordTable>(std::move(made));
  }();
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView{data, size});
  const std::size_t cut = std::min(text.find('\0'), text.size());
  const std::string first(text.substr(0, cut));
  const std::string_view last = text.substr(std::min(cut + 1, text.size()));
  const crypto::Key secret{};

  ScramServer server(users(), secret, "N");
  const ScramStep answer = server.on_message(as_bytes(first));
  STARLING_CHECK(answer.kind != Kind::accepted);
  STARLING_CHECK((answer.kind == Kind::refused) == !answer.why.empty());
  const auto parsed = read_scram_client_first(first);
  STARLING_CHECK(parsed.ok() == (answer.kind == Kind::go_on));
  if (answer.kind == Kind::go_on) {
    const std::string said(as_text(answer.data));
    STARLING_CHECK(said.starts_with("r=" + std::string(parsed->nonce) + "N,s="));
    STARLING_CHECK(said.ends_with(",i=2"));
    STARLING_CHECK(std::string(parsed->gs2_header) + std::string(parsed->bare) == first);
    STARLING_CHECK(!parsed->user.empty() && server.claimed_user() == parsed->user);

    // Somebody who speaks on with the right password is accepted if the name is right.
    if (parsed->bare == "n=user,r=" + std::string(parsed->nonce)) {
      ScramServer twin(users(), secret, "N");
      ScramClient client("user", "nobody knows", std::string(parsed->nonce),
                         std::string(parsed->gs2_header));
      STARLING_CHECK(twin.on_message(as_bytes(client.first())).data == answer.data);
      STARLING_CHECK(twin.on_message(as_bytes(client.final(said))).kind == Kind::accepted);
    }
  }
  STARLING_CHECK(server.on_message(as_bytes(last)).kind == Kind::refused);
  STARLING_CHECK(server.on_message(as_bytes(first)).kind == Kind::refused);
  static_cast<void>(read_scram_client_final(text));
  return 0;
}
