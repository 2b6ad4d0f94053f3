#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "src/control/host_checks.hpp"

using namespace starling;
using namespace starling::control;
using namespace std::chrono_literals;

namespace {

constexpr UnixSeconds noon = 1'790'000'000;

StorageFacts good_disk() {
  return {"/var/lib/starling", true, false, 50ULL << 30U, 4ms, {}};
}
IdentityFacts good_key() {
  return {"/var/lib/starling/identity.key", true, 0600, {}, noon};
}

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(control_host_checks)

BOOST_AUTO_TEST_CASE(a_key_that_others_can_read_is_a_problem) {
  BOOST_TEST((check_identity(good_key(), true).verdict == Verdict::ok));
  IdentityFacts open = good_key();
  open.mode = 0644;
  const Finding finding = check_identity(open, true);
  BOOST_TEST((finding.verdict == Verdict::problem));
  BOOST_TEST(finding.evidence == "/var/lib/starling/identity.key is open to others (mode 0644)");
  BOOST_TEST(finding.fix == "chmod 600 /var/lib/starling/identity.key");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_gone_matters_while_the_node_runs) {
  IdentityFacts gone = good_key();
  gone.is_there = false;
  BOOST_TEST((check_identity(gone, true).verdict == Verdict::problem));
  BOOST_TEST((check_identity(gone, false).verdict == Verdict::skipped));
  gone.trouble = "permission denied";
  BOOST_TEST((check_identity(gone, false).verdict == Verdict::skipped));
  BOOST_TEST(check_identity(gone, false).evidence
             == "cannot look at /var/lib/starling/identity.key: permission denied");
}

BOOST_AUTO_TEST_CASE(disks_are_good_slow_small_full_or_not_there) {
  BOOST_TEST(check_storage(good_disk(), true).evidence
             == "/var/lib/starling: 50 GiB free, a small write is on the disk after 4.0 ms");
  BOOST_TEST((check_storage(good_disk(), true).verdict == Verdict::ok));
  StorageFacts disk = good_disk();
  disk.commit_time = 180ms;
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::warning));
  BOOST_TEST((check_storage(disk, false).verdict == Verdict::ok));  // nothing is kept there
  disk = good_disk();
  disk.free_bytes = 100ULL << 20U;
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::warning));
  disk.free_bytes = 10ULL << 20U;
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::problem));
  disk = good_disk();
  disk.in_memory = true;
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::warning));
  disk.trouble = "read-only file system";
  BOOST_TEST(check_storage(disk, true).evidence
             == "cannot write in /var/lib/starling: read-only file system");
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::problem));
  disk.is_there = false;
  BOOST_TEST((check_storage(disk, true).verdict == Verdict::skipped));
}

BOOST_AUTO_TEST_CASE(descriptors_must_be_enough_for_the_clients_that_are_allowed) {
  BOOST_TEST((check_limits({524'288, 40}, 100'000).verdict == Verdict::ok));
  BOOST_TEST((check_limits({20'000, 40}, 0).verdict == Verdict::ok));
  const Finding few = check_limits({20'000, 40}, 100'000);
  BOOST_TEST((few.verdict == Verdict::warning));
  BOOST_TEST(few.why
             == "every client takes one: there is room for about 19800, [limits] max_connections is "
                "100000");
  BOOST_TEST(check_limits({1'024, 40}, 0).why
             == "every client takes one: there is room for about 824");
  BOOST_TEST((check_limits({1'024, 1'000}, 0).verdict == Verdict::problem));
  BOOST_TEST((check_limits({100, 40}, 10).verdict == Verdict::warning));
}

BOOST_AUTO_TEST_CASE(a_clock_behind_the_nodes_own_key_is_wrong) {
  BOOST_TEST(check_clock({noon, true}, noon).evidence
             == "it is 2026-09-21 14:13 UTC, kept by a time service");
  BOOST_TEST((check_clock({noon, std::nullopt}, 0).verdict == Verdict::ok));
  BOOST_TEST((check_clock({noon, false}, noon).verdict == Verdict::warning));
  const Finding back = check_clock({noon - 86'400, true}, noon);
  BOOST_TEST((back.verdict == Verdict::problem));
  BOOST_TEST(back.evidence
             == "it is 2026-09-20 14:13 UTC, but this node's key was written at 2026-09-21 14:13 "
                "UTC");
}

BOOST_AUTO_TEST_CASE(a_program_that_was_replaced_wants_a_restart) {
  BOOST_TEST((check_version("0.1.0", false).verdict == Verdict::ok));
  BOOST_TEST((check_version("0.1.0", true).verdict == Verdict::warning));
}

BOOST_AUTO_TEST_CASE(the_host_is_looked_at_and_nothing_is_left_behind) {
  const Folder folder;
  std::ofstream(folder.path / "identity.key") << "key";
  std::filesystem::permissions(folder.path / "identity.key", std::filesystem::perms{0640});
  const HostFacts facts = look_at_host(folder.path);
  BOOST_TEST(facts.identity.is_there);
  BOOST_TEST(facts.identity.mode == 0640U);
  BOOST_TEST(facts.storage.trouble == "");
  BOOST_REQUIRE(facts.storage.commit_time.has_value());
  BOOST_TEST((*facts.storage.commit_time > Duration::zero()));
  BOOST_TEST(facts.storage.free_bytes > 0U);
  BOOST_TEST(facts.limits.descriptors_open >= 3U);
  BOOST_TEST(facts.limits.descriptors_max >= facts.limits.descriptors_open);
  BOOST_TEST(facts.clock.now > 1'700'000'000);
  BOOST_TEST(!facts.program_replaced);
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_not_there_is_said_to_be_so) {
  const Folder folder;
  const HostFacts facts = look_at_host(folder.path / "none");
  BOOST_TEST(!facts.storage.is_there);
  BOOST_TEST(!facts.identity.is_there);
  BOOST_TEST(facts.identity.trouble == "");
}

BOOST_AUTO_TEST_SUITE_END()
