#include <boost/test/unit_test.hpp>
#include <string>

#include "src/auth/password_hash.hpp"
#include "tests/support/seeded_random.hpp"

using namespace starling;
using namespace starling::test;

namespace {

// Made by mosquitto_passwd 2.0.11, by Python's hashlib, by the authors of Argon2, and [RFC 7677 §3].
constexpr const char* of_1_6 =
    "$6$MTIzNDU2Nzg5MDEy$bZfv+whQZ/1yDdVb4P8BlqyS8z1Prbr7t+3w6UFsmNp85Hwi9Z3NMZAjHkW9nrd/"
    "yW54ZokD+1OkposE5KV3SA==";
constexpr const char* of_2_0 =
    "$7$101$IJy9grPrv4t2hBEB$ifcsHZITT6NablHdsmSIK0w0EoxYm6p5zUcFxchSbxZAd9di9vWWz/"
    "HTLNB8hsBuWrjFb0/bwksKhs8dRc18JQ==";
constexpr const char* of_2_1 =
    "$7$1000$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+"
    "Pw==$j5aX3DstWRgO5cjjfvKvsf7Z/KK812T4wGDMih+DCHQg8P7++fmj4sZcMp1smkEafZL0QZ29tE5ezahL/nyffw==";
constexpr const char* of_argon2 =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
constexpr const char* of_scram =
    "$scram-sha-256$4096$W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=$"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

bool matches(const std::string& hash, std::string_view password) {
  const auto parsed = PasswordHash::parse(hash);
  BOOST_REQUIRE_MESSAGE(parsed.ok(), hash);
  return parsed->matches(as_bytes(password));
}
Errc error_of(const std::string& hash) {
  const auto parsed = PasswordHash::parse(hash);
  BOOST_REQUIRE_MESSAGE(!parsed.ok(), hash);
  return parsed.error().code;
}
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(password_hash)

BOOST_AUTO_TEST_CASE(hashes_that_others_made_match_their_passwords_and_no_other) {
  for (const char* made_of_secret : {of_1_6, of_2_0, of_2_1}) {
    BOOST_TEST(matches(made_of_secret, "secret"));
    for (const char* wrong : {"secreT", "secre", "secret ", ""})
      BOOST_TEST(!matches(made_of_secret, wrong));
    BOOST_TEST(!matches(made_of_secret, std::string("secret\0x", 8)));
  }
  BOOST_TEST(matches(of_argon2, "password"));
  BOOST_TEST(!matches(of_argon2, "Password"));
  BOOST_TEST(matches(of_scram, "pencil"));
  BOOST_TEST(!matches(of_scram, "pencils"));
}

BOOST_AUTO_TEST_CASE(a_hash_is_written_as_it_was_read) {
  for (const char* text : {of_1_6, of_2_0, of_2_1, of_argon2, of_scram})
    BOOST_TEST(PasswordHash::parse(text)->to_text() == text);
}

BOOST_AUTO_TEST_CASE(what_we_make_matches_and_is_read_again) {
  SeededRandom random(1);
  const ByteView password = as_bytes("p\xc3\xa4ss");
  const PasswordHash made[] = {
      PasswordHash::make_pbkdf2(password, random, 101),
      PasswordHash::make_argon2id(password, random, {64, 1, 1}).value(),
      PasswordHash::make_scram(password, random, 4'096),
  };
  for (const PasswordHash& hash : made) {
    BOOST_TEST(hash.matches(password));
    BOOST_TEST(!hash.matches(as_bytes("pass")));
    BOOST_TEST(matches(hash.to_text(), "p\xc3\xa4ss"));
  }
  BOOST_TEST(made[0].to_text().substr(0, 7) == "$7$101$");
  BOOST_TEST(std::get<Pbkdf2Hash>(made[0].form()).salt.size() == 12U);  // all that 2.0 reads
  BOOST_TEST(made[0].to_text() != PasswordHash::make_pbkdf2(password, random, 101).to_text());
}

BOOST_AUTO_TEST_CASE(only_scram_entries_serve_scram) {
  for (const char* text : {of_1_6, of_2_0, of_2_1, of_argon2})
    BOOST_TEST((PasswordHash::parse(text)->scram() == nullptr));
  BOOST_REQUIRE(PasswordHash::parse(of_scram)->scram());
  BOOST_TEST(PasswordHash::parse(of_scram)->scram()->iterations == 4'096U);
}

BOOST_AUTO_TEST_CASE(a_decoy_costs_the_same_and_nothing_matches_it) {
  for (const char* text : {of_1_6, of_2_0, of_argon2, of_scram}) {
    const auto real = PasswordHash::parse(text);
    const PasswordHash decoy = real->decoy();
    BOOST_TEST(decoy.form().index() == real->form().index());
    for (const char* password : {"secret", "password", "pencil", ""})
      BOOST_TEST(!decoy.matches(as_bytes(password)));
  }
  BOOST_TEST(std::get<Argon2Hash>(PasswordHash::parse(of_argon2)->decoy().form()).cost.memory_kib
             == 256U);
}

BOOST_AUTO_TEST_CASE(what_follows_a_mosquitto_hash_is_not_looked_at) {
  BOOST_TEST(matches(std::string(of_2_0) + "$more", "secret"));
  BOOST_TEST(matches("$" + std::string(of_2_0), "secret"));
}

BOOST_AUTO_TEST_CASE(other_forms_are_refused) {
  for (const char* other :
       {"", "secret", "$", "$$", "$1$salt$hash", "$argon2i$v=19$m=256,t=2,p=2$a$b",
        "7$101$IJy9grPrv4t2hBEB$ifcs", "$5$x$y", "$2b$12$abc", "$7x$", "{SHA}x"})
    BOOST_TEST((error_of(other) == Errc::unsupported), other);
}

BOOST_AUTO_TEST_CASE(broken_hashes_are_refused) {
  BOOST_TEST((error_of("$6$") == Errc::malformed));
  BOOST_TEST((error_of("$6$MTIzNDU2Nzg5MDEy") == Errc::malformed));
  BOOST_TEST((error_of("$6$MTIzNDU2Nzg5MDEy$YQ==") == Errc::malformed));
  BOOST_TEST((error_of("$6$!$" + std::string(of_1_6).substr(20)) == Errc::malformed));
  BOOST_TEST((error_of("$7$101$IJy9grPrv4t2hBEB") == Errc::malformed));
  for (const char* iterations : {"$0$", "$-1$", "$1x$", "$ 1$", "$+1$", "$99999999999$"})
    BOOST_TEST((error_of(replaced(of_2_0, "$101$", iterations)) == Errc::malformed), iterations);
  BOOST_TEST((error_of(std::string(of_2_0).substr(0, 90)) == Errc::malformed));
  BOOST_TEST((error_of(replaced(of_argon2, "v=19", "v=16")) == Errc::unsupported));
  for (const char* cost : {"m=256,t=2", "m=256,t=2,p=2,", "t=2,m=256,p=2", "m=,t=2,p=2",
                           "m=256,t=0,p=2", "m=256,t=2,p=0", "m=15,t=2,p=2", "m=256;t=2;p=2", ","})
    BOOST_TEST((error_of(replaced(of_argon2, "m=256,t=2,p=2", cost)) == Errc::malformed), cost);
  BOOST_TEST((error_of(replaced(of_argon2, "c29tZXNhbHQ", "c2FsdA")) == Errc::malformed));
  BOOST_TEST((error_of(replaced(of_argon2, "c29tZXNhbHQ", "c29tZXNhbHQ=")) == Errc::malformed));
  BOOST_TEST((error_of(std::string(of_argon2) + "$x") == Errc::malformed));
  BOOST_TEST((error_of(replaced(of_scram, "4096", "0")) == Errc::malformed));
  BOOST_TEST((error_of(std::string(of_scram).substr(0, 60)) == Errc::malformed));
  BOOST_TEST((error_of(replaced(of_scram, "wfPL", "wfP")) == Errc::malformed));
}

BOOST_AUTO_TEST_CASE(costs_are_bounded_before_any_work_is_done) {
  BOOST_TEST((error_of(replaced(of_2_0, "$101$", "$1000001$")) == Errc::too_large));
  BOOST_TEST((error_of(replaced(of_scram, "4096", "4000000000")) == Errc::too_large));
  for (const char* cost : {"m=262145,t=1,p=1", "m=4194304,t=1,p=1", "m=262144,t=5,p=1",
                           "m=8,t=4000000000,p=1", "m=262144,t=1,p=65"})
    BOOST_TEST((error_of(replaced(of_argon2, "m=256,t=2,p=2", cost)) == Errc::too_large), cost);
  const std::string long_salt(2'000, 'A');
  BOOST_TEST((error_of(replaced(of_2_0, "IJy9grPrv4t2hBEB", long_salt)) == Errc::too_large));
  BOOST_TEST(PasswordHash::parse(replaced(of_argon2, "m=256,t=2,p=2", "m=47104,t=1,p=1")).ok());
}

BOOST_AUTO_TEST_CASE(refusals_show_nothing_of_the_hash) {
  for (const std::string& text : {std::string("hunter2"), replaced(of_2_0, "$101$", "$x$"),
                                  std::string(of_scram).substr(0, 60)})
    for (std::size_t at = 0; at + 6 <= text.size(); ++at)
      if (text.substr(at, 6).find_first_of("$-") == std::string::npos)
        BOOST_TEST(PasswordHash::parse(text).error().what.find(text.substr(at, 6))
                   == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
