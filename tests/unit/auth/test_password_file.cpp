// What lines mean was tried with mosquitto 2.0.11; tests/integration/test_passwords.py tries it again.
#include <boost/test/unit_test.hpp>
#include <string>

#include "starling/limits.hpp"

#include "src/auth/password_file.hpp"
#include "src/auth/psk_file.hpp"

using namespace starling;

namespace {

std::string hash_of(std::string_view password, std::uint8_t salt = 1) {
  class Fixed final : public Entropy {
   public:
    explicit Fixed(std::uint8_t byte) : byte_(byte) {}
    void fill(std::span<std::uint8_t> out) override {
      for (auto& each : out) each = byte_;
    }

   private:
    std::uint8_t byte_;
  };
  Fixed entropy(salt);
  return PasswordHash::make_pbkdf2(as_bytes(password), entropy, 1).to_text();
}
std::string scram_of(std::string_view password) {
  class Zero final : public Entropy {
    void fill(std::span<std::uint8_t> out) override {
      for (auto& each : out) each = 0;
    }
  };
  Zero entropy;
  return PasswordHash::make_scram(as_bytes(password), entropy, 1).to_text();
}
bool lets_in(const PasswordFile& file, std::string_view user, std::string_view password) {
  const auto* entry = file.table.find(user);
  return entry != nullptr && entry->hash.matches(as_bytes(password));
}
std::string only_problem(std::string_view text) {
  const PasswordFile file = parse_password_file(text);
  BOOST_REQUIRE_EQUAL(file.problems.size(), 1U);
  return file.problems[0].to_text("passwd");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(password_file)

BOOST_AUTO_TEST_CASE(each_line_lets_one_user_in) {
  const auto file =
      parse_password_file("ann:" + hash_of("a") + "\nbob jones:" + hash_of("b") + "\r\n");
  BOOST_TEST(file.problems.empty());
  BOOST_TEST(file.table.size() == 2U);
  BOOST_TEST(lets_in(file, "ann", "a"));
  BOOST_TEST(!lets_in(file, "ann", "b"));
  BOOST_TEST(lets_in(file, "bob jones", "b"));
  BOOST_TEST(!lets_in(file, "bob", "b"));
  BOOST_TEST(!lets_in(file, "", "a"));
}

BOOST_AUTO_TEST_CASE(comments_and_lines_without_a_colon_are_passed_over) {
  const auto file =
      parse_password_file("#ann:" + hash_of("a") + "\n\n   \nnobody\n #joe:" + hash_of("j") + "\n");
  BOOST_TEST(file.problems.empty());
  BOOST_TEST(file.table.size() == 1U);
  BOOST_TEST(lets_in(file, "#joe", "j"));
}

BOOST_AUTO_TEST_CASE(blanks_around_the_parts_and_doubled_colons_do_not_count) {
  const auto file =
      parse_password_file("  ann  : " + hash_of("a") + " \t\r\n\tbob::" + hash_of("b")
                          + "\njoe:" + hash_of("j") + ":1000:foo\n:kim:" + hash_of("k"));
  BOOST_TEST(file.problems.empty());
  for (const char* user : {"ann", "bob", "joe", "kim"})
    BOOST_TEST(lets_in(file, user, std::string_view(user, 1)), user);
}

BOOST_AUTO_TEST_CASE(the_last_line_of_a_user_holds) {
  const auto file = parse_password_file("ann:" + hash_of("old") + "\nbob:" + hash_of("b")
                                        + "\nann:" + hash_of("new") + "\nbob:broken\n");
  BOOST_TEST(file.table.size() == 2U);
  BOOST_TEST(lets_in(file, "ann", "new"));
  BOOST_TEST(!lets_in(file, "ann", "old"));
  BOOST_TEST(lets_in(file, "bob", "b"));  // a line that is left out replaces nothing
}

BOOST_AUTO_TEST_CASE(broken_lines_are_told_with_their_place_and_left_out) {
  BOOST_TEST(only_problem("\n  bob:secret\n")
             == "passwd:2:7: user 'bob' is left out: not a hash of a form we know ($6$, $7$, "
                "$argon2id$, $scram-sha-256$), run: starling passwd");
  BOOST_TEST(only_problem("bob:\n") == "passwd:1:5: user 'bob' has no hash, and is left out");
  BOOST_TEST(only_problem(":" + hash_of("x")) == "passwd:1:1: a user name is missing");
  BOOST_TEST(only_problem("b\x1bob: x")
             == "passwd:1:7: user 'b?ob' is left out: not a hash of a form we know ($6$, $7$, "
                "$argon2id$, $scram-sha-256$), run: starling passwd");
  const auto file = parse_password_file("bob:x\nann:" + hash_of("a"));
  BOOST_TEST(lets_in(file, "ann", "a"));
  BOOST_TEST(file.table.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_hopeless_file_does_not_flood_its_reader) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "a:b\n";
  BOOST_TEST(parse_password_file(text).problems.size() == file_problems_max);
}

BOOST_AUTO_TEST_CASE(somebody_stands_in_for_users_who_are_not_there) {
  PasswordTable table;
  BOOST_TEST((table.stand_in(7) == nullptr));
  BOOST_TEST((table.scram_stand_in(7) == nullptr));
  BOOST_TEST(!table.has_scram());
  table = parse_password_file("ann:" + hash_of("a") + "\nbob:" + scram_of("b")
                              + "\njoe:" + scram_of("j"))
              .table;
  BOOST_TEST(table.has_scram());
  BOOST_TEST(table.stand_in(0)->user == "ann");
  BOOST_TEST(table.stand_in(5)->user == "joe");
  BOOST_TEST(table.scram_stand_in(0)->user == "bob");
  BOOST_TEST(table.scram_stand_in(1)->user == "joe");
}

BOOST_AUTO_TEST_CASE(an_entry_that_changes_its_form_is_counted_once) {
  auto file = parse_password_file("bob:" + scram_of("b") + "\nbob:" + scram_of("c")
                                  + "\nann:" + scram_of("a"));
  BOOST_TEST(file.table.scram_stand_in(2)->user == "bob");
  file = parse_password_file("bob:" + scram_of("b") + "\nbob:" + hash_of("b"));
  BOOST_TEST(!file.table.has_scram());
  file = parse_password_file("bob:" + hash_of("b") + "\nbob:" + scram_of("b"));
  BOOST_TEST(file.table.scram_stand_in(0)->user == "bob");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(psk_file)

BOOST_AUTO_TEST_CASE(each_line_is_an_identity_and_a_key) {
  const PskFile file = parse_psk_file("# keys\nlamp:DEADbeef\n\n  door : 00ff \r\nnothing\n");
  BOOST_TEST(file.problems.empty());
  BOOST_TEST(file.keys.size() == 2U);
  BOOST_TEST(to_hex(file.keys.at("lamp")) == "deadbeef");
  BOOST_TEST(to_hex(file.keys.at("door")) == "00ff");
}

BOOST_AUTO_TEST_CASE(a_key_is_a_big_number_behind_its_leading_zeros) {
  const auto key = [](std::string_view hex) {
    return to_hex(parse_psk_file("x:" + std::string(hex)).keys.at("x"));
  };
  BOOST_TEST(key("abc") == "0abc");
  BOOST_TEST(key("00abc") == "000abc");
  BOOST_TEST(key("0abcd") == "abcd");
  BOOST_TEST(key("0000") == "0000");
  BOOST_TEST(key("000") == "00");
  BOOST_TEST(key("0a0b") == "0a0b");
}

BOOST_AUTO_TEST_CASE(the_last_key_of_an_identity_holds) {
  const PskFile file = parse_psk_file("x:01\nx:02\n");
  BOOST_TEST(to_hex(file.keys.at("x")) == "02");
}

BOOST_AUTO_TEST_CASE(keys_that_are_none_are_told_without_showing_them) {
  const auto problem = [](const std::string& text) {
    const PskFile file = parse_psk_file(text);
    BOOST_REQUIRE_EQUAL(file.problems.size(), 1U);
    BOOST_TEST(file.keys.empty());
    return file.problems[0].to_text("psk");
  };
  BOOST_TEST(problem("lamp:secret") == "psk:1:6: the key of identity 'lamp' is not hexadecimal");
  BOOST_TEST(problem("lamp:12 34") == "psk:1:6: the key of identity 'lamp' is not hexadecimal");
  BOOST_TEST(problem("lamp:") == "psk:1:6: identity 'lamp' has no key");
  BOOST_TEST(problem(":1234") == "psk:1:1: an identity is missing");
  BOOST_TEST(problem("lamp:0") == "psk:1:6: the key of identity 'lamp' is not 1 to 256 bytes long");
  BOOST_TEST(problem("lamp:" + std::string(514, 'a'))
             == "psk:1:6: the key of identity 'lamp' is not 1 to 256 bytes long");
  BOOST_TEST(problem(std::string(129, 'i') + ":12").find("is longer than 128 bytes")
             != std::string::npos);
  BOOST_TEST(parse_psk_file("lamp:" + std::string(512, 'a')).problems.empty());
  BOOST_TEST(parse_psk_file(std::string(128, 'i') + ":12").problems.empty());
}

BOOST_AUTO_TEST_SUITE_END()
