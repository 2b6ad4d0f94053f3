#include <boost/test/unit_test.hpp>
#include <memory>
#include <set>
#include <string>

#include "starling/limits.hpp"

#include "src/auth/scram_message.hpp"
#include "src/auth/scram_server.hpp"
#include "tests/support/scram_client.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::test;
using boost::unit_test::label;
using Kind = ScramStep::Kind;

namespace {

const crypto::Key secret = crypto::sha256(as_bytes("of this process"));

/// "user" with "pencil" as in RFC 7677, "com,ma=" with "x", and "plain" who has no SCRAM entry.
std::shared_ptr<const PasswordTable> users() {
  static const auto table = [] {
    SeededRandom random(5);
    auto made = std::make_shared<PasswordTable>();
    constexpr const char* of_rfc =
        "$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=$"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    made->set("user", PasswordHash::parse(of_rfc).value(), of_rfc);
    const PasswordHash other = PasswordHash::make_scram(as_bytes("x"), random, 7);
    made->set("com,ma=", other, other.to_text());
    const PasswordHash plain = PasswordHash::make_pbkdf2(as_bytes("pencil"), random, 1);
    made->set("plain", plain, plain.to_text());
    return std::shared_ptr<const PasswordTable>(std::move(made));
  }();
  return table;
}
std::unique_ptr<ScramServer> server(std::string nonce = "SERVERNONCE") {
  return std::make_unique<ScramServer>(users(), secret, std::move(nonce));
}
std::string text(const ScramStep& step) {
  return std::string(as_text(step.data));
}
/// The last step of an exchange in which the client does what it should.
ScramStep exchange(ScramServer& with, ScramClient& client) {
  const ScramStep first = with.on_message(as_bytes(client.first()));
  BOOST_REQUIRE(first.kind == Kind::go_on);
  return with.on_message(as_bytes(client.final(text(first))));
}
bool refuses_first(std::string_view message) {
  return server()->on_message(as_bytes(message)).kind == Kind::refused;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scram)

BOOST_AUTO_TEST_CASE(the_exchange_of_the_rfc_comes_out, *label("RFC-7677")) {
  const auto with = server("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  const ScramStep first = with->on_message(as_bytes("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
  BOOST_TEST((first.kind == Kind::go_on));
  BOOST_TEST(text(first)
             == "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
                "i=4096");
  BOOST_TEST(with->claimed_user() == "user");
  const ScramStep last =
      with->on_message(as_bytes("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p="
                                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
  BOOST_TEST((last.kind == Kind::accepted));
  BOOST_TEST(last.user == "user");
  BOOST_TEST(text(last) == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

BOOST_AUTO_TEST_CASE(the_server_proves_that_it_knows_the_password_too) {
  ScramClient client("user", "pencil");
  const auto with = server();
  const ScramStep last = exchange(*with, client);
  BOOST_TEST((last.kind == Kind::accepted));
  BOOST_TEST(text(last) == client.server_final);
}

BOOST_AUTO_TEST_CASE(a_wrong_password_is_refused_without_a_word) {
  for (const char* wrong : {"pencils", "Pencil", ""}) {
    ScramClient client("user", wrong);
    const ScramStep last = exchange(*server(), client);
    BOOST_TEST((last.kind == Kind::refused));
    BOOST_TEST(last.data.empty());
    BOOST_TEST(last.user.empty());
    BOOST_TEST(last.why == "wrong password");
  }
}

BOOST_AUTO_TEST_CASE(who_is_not_there_is_asked_like_who_is) {
  for (const char* nobody : {"nobody", "plain"}) {
    ScramClient client(nobody, "pencil");
    const ScramStep last = exchange(*server(), client);
    BOOST_TEST((last.kind == Kind::refused));
    BOOST_TEST(last.data.empty());
    BOOST_TEST(client.salt.size() == 16U);
    BOOST_TEST((client.iterations == 4096U || client.iterations == 7U));

    // The same question gets the same salt, in another exchange as well.
    ScramClient again(nobody, "pencil", "anothernonce");
    exchange(*server("OTHER"), again);
    BOOST_TEST((again.salt == client.salt));
    BOOST_TEST(again.iterations == client.iterations);
  }
  std::set<Bytes> salts;
  std::set<std::uint32_t> iterations;
  for (int i = 0; i < 50; ++i) {
    ScramClient client("nobody" + std::to_string(i), "x");
    exchange(*server(), client);
    salts.insert(client.salt);
    iterations.insert(client.iterations);
  }
  BOOST_TEST(salts.size() == 50U);
  BOOST_TEST(iterations.size() == 2U);  // as often as those who are there
  ScramClient here("nobody", "x");
  ScramServer other_process(users(), crypto::sha256(as_bytes("another")), "N");
  exchange(other_process, here);
  ScramClient there("nobody", "x");
  exchange(*server(), there);
  BOOST_TEST((here.salt != there.salt));
}

BOOST_AUTO_TEST_CASE(the_keys_of_a_stand_in_do_not_let_its_password_in) {
  // Whatever entry lends its cost to a name that is not there: its own password must not fit.
  for (int i = 0; i < 20; ++i)
    for (const char* password : {"pencil", "x"}) {
      ScramClient client("nobody" + std::to_string(i), password);
      BOOST_TEST((exchange(*server(), client).kind == Kind::refused));
    }
}

BOOST_AUTO_TEST_CASE(commas_and_equals_signs_in_names_are_escaped, *label("RFC-5802")) {
  ScramClient client("com=2Cma=3D", "x");
  const auto with = server();
  const ScramStep last = exchange(*with, client);
  BOOST_TEST((last.kind == Kind::accepted));
  BOOST_TEST(last.user == "com,ma=");
}

BOOST_AUTO_TEST_CASE(a_client_that_could_bind_channels_is_served_without) {
  ScramClient client("user", "pencil", "abc", "y,,");
  BOOST_TEST((exchange(*server(), client).kind == Kind::accepted));
  ScramClient itself("user", "pencil", "abc", "n,a=user,");
  BOOST_TEST((exchange(*server(), itself).kind == Kind::accepted));
}

BOOST_AUTO_TEST_CASE(extensions_are_passed_over_and_signed) {
  ScramClient client("user", "pencil");
  client.extension = ",x=y,z=a=b";
  BOOST_TEST((exchange(*server(), client).kind == Kind::accepted));
  BOOST_TEST(!refuses_first("n,,n=user,r=abc,x=whatever"));
}

BOOST_AUTO_TEST_CASE(first_messages_that_are_none_are_refused, *label("RFC-5802")) {
  BOOST_TEST(!refuses_first("n,,n=user,r=abc"));
  for (const char* wrong : {"",
                            "n",
                            "n,",
                            "n,,",
                            ",,n=user,r=abc",
                            "n,,n=,r=abc",
                            "n,,n=user",
                            "n,,n=user,",
                            "n,,r=abc",
                            "n,,n=user,r=",
                            "n,,n=user,r=a b",
                            "n,,n=user,r=\xc3\xa4",
                            "n,,n=us=er,r=abc",
                            "n,,n=us=2cer,r=abc",
                            "n,,n=user=,r=abc",
                            "n,,n=user,r=abc,",
                            "n,,n=user,r=abc,x",
                            "n,,n=user,r=abc,x=",
                            "n,,n=user,r=abc,1=x",
                            "n,,n=user,r=abc,,x=y",
                            "N,,n=user,r=abc",
                            "n,x,n=user,r=abc",
                            "n,,user,abc",
                            "n=user,r=abc",
                            "n,,r=abc,n=user",
                            "n,,n=us\x01er,r=abc",
                            "n,,n=us\x7f,r=abc",
                            "nn,,n=user,r=abc",
                            "n,a=,n=user,r=abc"})
    BOOST_TEST(refuses_first(wrong), wrong);
  BOOST_TEST(refuses_first(std::string("n,,n=us\0r,r=abc", 15)));
  BOOST_TEST(refuses_first("n,,n=user,r=abc,x=" + std::string("a\0b", 3)));
}

BOOST_AUTO_TEST_CASE(what_is_not_offered_is_refused, *label("RFC-5802")) {
  const auto code = [](std::string_view message) {
    return read_scram_client_first(message).error().code;
  };
  BOOST_TEST((code("p=tls-unique,,n=user,r=abc") == Errc::unsupported));
  BOOST_TEST((code("n,,m=new,n=user,r=abc") == Errc::unsupported));
  BOOST_TEST((code("n,a=admin,n=user,r=abc") == Errc::not_authorized));
}

BOOST_AUTO_TEST_CASE(the_parts_of_a_message_are_bounded) {
  const auto first = [](std::size_t name, std::size_t nonce) {
    return "n,,n=" + std::string(name, 'u') + ",r=" + std::string(nonce, 'r');
  };
  BOOST_TEST(!refuses_first(first(limits::scram_name_max, limits::scram_nonce_max)));
  BOOST_TEST(refuses_first(first(limits::scram_name_max + 1, 1)));
  BOOST_TEST(refuses_first(first(1, limits::scram_nonce_max + 1)));
  BOOST_TEST(refuses_first(first(1, 1) + ",x=" + std::string(limits::auth_data_max, 'y')));
}

BOOST_AUTO_TEST_CASE(last_messages_that_are_none_are_refused, *label("RFC-5802")) {
  ScramClient client("user", "pencil");
  const auto last_of = [&](auto change) {
    const auto with = server();
    const ScramStep first = with->on_message(as_bytes(client.first()));
    std::string message = client.final(text(first));
    change(message);
    return with->on_message(as_bytes(message)).kind;
  };
  const auto replace = [](std::string_view from, std::string_view to) {
    return [=](std::string& message) {
      const std::size_t at = message.find(from);
      BOOST_REQUIRE(at != std::string::npos);
      message.replace(at, from.size(), to);
    };
  };
  BOOST_TEST((last_of([](std::string&) {}) == Kind::accepted));
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"c=biws", "c=eSws"},
                                                                  {"c=biws", "c="},
                                                                  {"c=biws,", ""},
                                                                  {"c=biws", "c=biw"},
                                                                  {"c=biws", "x=biws"},
                                                                  {"r=r", "r=R"},
                                                                  {"NONCE,", "NONCE,,"},
                                                                  {"SERVERNONCE", ""},
                                                                  {"SERVERNONCE", "SERVERNONCEX"},
                                                                  {",p=", ",q="},
                                                                  {",p=", ",p=A"},
                                                                  {",p=", ",x=,p="},
                                                                  {"c=biws,r=", "r="},
                                                                  {"SERVERNONCE", "SERVERNONC"}})
    BOOST_TEST((last_of(replace(from, to)) == Kind::refused), from << " -> " << to);
  BOOST_TEST((last_of([](std::string& m) { m.clear(); }) == Kind::refused));
  BOOST_TEST((last_of([](std::string& m) { m += ","; }) == Kind::refused));
  BOOST_TEST((last_of([](std::string& m) { m += ",x=y"; }) == Kind::refused));
  BOOST_TEST(
      (last_of([](std::string& m) { m.insert(0, limits::auth_data_max, 'a'); }) == Kind::refused));
  // The proof covers extensions: one that somebody puts in breaks it.
  BOOST_TEST((last_of(replace(",p=", ",x=y,p=")) == Kind::refused));
}

BOOST_AUTO_TEST_CASE(an_exchange_that_is_over_stays_over) {
  ScramClient client("user", "pencil");
  const auto with = server();
  const std::string first = client.first();
  const std::string last = client.final(text(with->on_message(as_bytes(first))));
  BOOST_TEST((with->on_message(as_bytes(last)).kind == Kind::accepted));
  BOOST_TEST((with->on_message(as_bytes(last)).kind == Kind::refused));

  const auto spoilt = server();
  BOOST_TEST((spoilt->on_message(as_bytes("rubbish")).kind == Kind::refused));
  BOOST_TEST((spoilt->on_message(as_bytes(first)).kind == Kind::refused));

  // A proof is of use with its own nonce only.
  const auto replayed = server("NEWNONCE");
  BOOST_TEST((replayed->on_message(as_bytes(first)).kind == Kind::go_on));
  BOOST_TEST((replayed->on_message(as_bytes(last)).kind == Kind::refused));
}

BOOST_AUTO_TEST_CASE(nonces_are_long_and_do_not_repeat) {
  SeededRandom random(3);
  const std::string a = make_scram_nonce(random);
  BOOST_TEST(a.size() == 24U);
  BOOST_TEST(a.find(',') == std::string::npos);
  BOOST_TEST(a != make_scram_nonce(random));
}

BOOST_AUTO_TEST_SUITE_END()
