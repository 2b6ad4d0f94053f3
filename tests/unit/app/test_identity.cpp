#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include "src/app/identity.hpp"
#include "src/app/mesh_secret.hpp"
#include "src/crypto/system_entropy.hpp"
#include "tests/support/memory_files.hpp"

using namespace starling;

namespace {

struct SecretFile {
  explicit SecretFile(const std::string& content, ::mode_t mode = 0600) {
    path = (std::filesystem::temp_directory_path() / "starling-secret-XXXXXX").string();
    const int descriptor = ::mkstemp(path.data());
    ::close(descriptor);
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
  }
  ~SecretFile() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(identity)

BOOST_AUTO_TEST_CASE(the_first_start_makes_an_identity_and_later_ones_keep_it) {
  MemoryFiles files;
  crypto::SystemEntropy entropy;
  const Identity first = load_or_create_identity(files, entropy);
  const Identity second = load_or_create_identity(files, entropy);
  BOOST_TEST(first.created);
  BOOST_TEST(!second.created);
  BOOST_TEST((first.key.node_id() == second.key.node_id()));
}

BOOST_AUTO_TEST_CASE(a_damaged_identity_is_reported_and_never_replaced) {
  MemoryFiles files;
  crypto::SystemEntropy entropy;
  const Bytes damaged = {'x'};
  files.files["identity.key"] = damaged;
  BOOST_CHECK_THROW(load_or_create_identity(files, entropy), std::runtime_error);
  BOOST_TEST((files.files["identity.key"] == damaged));
}

BOOST_AUTO_TEST_CASE(an_identity_that_cannot_be_kept_stops_the_start) {
  MemoryFiles files;
  files.full = true;
  crypto::SystemEntropy entropy;
  BOOST_CHECK_THROW(load_or_create_identity(files, entropy), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(no_epoch_is_used_twice) {
  MemoryFiles files;
  const std::uint64_t first = next_boot_epoch(files, 1000);
  BOOST_TEST(next_boot_epoch(files, 1000) == first + 1);
  files.files["epoch"] = {'?'};
  BOOST_TEST(next_boot_epoch(files, 2000) > first + 1);
  files.files.erase("epoch");
  BOOST_TEST(next_boot_epoch(files, 3000) > 2001U);
  files.full = true;
  BOOST_CHECK_THROW(next_boot_epoch(files, 3000), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mesh_secret)

BOOST_AUTO_TEST_CASE(an_open_mesh_needs_no_file_and_takes_none) {
  BOOST_TEST(load_mesh_secret("public", "").ok());
  BOOST_TEST(load_mesh_secret("public/chess", "").ok());
  BOOST_TEST(!load_mesh_secret("public", "/some/file").ok());
}

BOOST_AUTO_TEST_CASE(a_name_is_not_taken_for_a_lock) {
  const auto refused = load_mesh_secret("family", "");
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().what.find("needs a secret file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_secret_is_64_digits_that_only_the_owner_can_read) {
  const std::string digits(64, 'a');
  BOOST_TEST(load_mesh_secret("family", SecretFile(digits + "\n").path).ok());
  const SecretFile shown(digits, 0640);
  const auto refused = load_mesh_secret("family", shown.path);
  BOOST_REQUIRE(!refused.ok());
  BOOST_TEST(refused.error().what
             == shown.path + " can be read by others: run chmod 600 " + shown.path);
  for (const std::string& wrong :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'), std::string()}) {
    const SecretFile file(wrong);
    const auto malformed = load_mesh_secret("family", file.path);
    BOOST_REQUIRE(!malformed.ok());
    BOOST_TEST((wrong.empty()
                || malformed.error().what.find(wrong) == std::string::npos));  // never repeated
  }
  BOOST_TEST(!load_mesh_secret("family", "/nonexistent").ok());
}

BOOST_AUTO_TEST_SUITE_END()
