// What a process does with itself. Each test that changes the process does it in a child.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "src/app/process.hpp"

using namespace starling;

namespace {

constexpr int wait_max_ms = 30'000;

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "starling-pid-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

/// The exit status of a child that does `work`.
int in_child(const std::function<int()>& work) {
  std::fflush(nullptr);  // else the child would write what is waiting once more
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 99;
    try {
      status = work();
    } catch (...) {
      status = 98;
    }
    ::_exit(status);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}

/// A process that is alive, runs this program, and is not us.
struct Sibling {
  Sibling() : process(::fork()) {
    if (process == 0)
      for (;;) ::pause();
  }
  ~Sibling() {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  pid_t process;
};

/// One byte that a grandchild writes; 0: nobody did.
char read_byte(int descriptor) {
  pollfd wanted{descriptor, POLLIN, 0};
  char byte = 0;
  if (::poll(&wanted, 1, wait_max_ms) == 1 && ::read(descriptor, &byte, 1) == 1) return byte;
  return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(background)

BOOST_AUTO_TEST_CASE(the_parent_leaves_with_success_when_the_child_is_ready) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const int status = in_child([&] {
    const pid_t session_before = ::getsid(0);
    Background background;
    background.report_ready();
    const bool alone = ::getsid(0) == ::getpid() && session_before != ::getpid();
    struct stat out {};
    struct stat nothing {};
    ::fstat(STDOUT_FILENO, &out);
    ::stat("/dev/null", &nothing);
    const char said = alone && out.st_rdev == nothing.st_rdev ? 'y' : 'n';
    (void)!::write(ends[1], &said, 1);
    return 7;  // after it was ready nobody waits for it
  });
  BOOST_TEST(status == 0);
  BOOST_TEST(read_byte(ends[0]) == 'y');
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(whoever_started_it_learns_that_it_failed) {
  BOOST_TEST(in_child([] {
               Background background;
               return 3;
             })
             == 3);
  BOOST_TEST(in_child([] {
               Background background;
               ::raise(SIGKILL);
               return 0;
             })
             == EXIT_FAILURE);
}

BOOST_AUTO_TEST_CASE(being_ready_twice_is_no_error) {
  BOOST_TEST(in_child([] {
               Background background;
               background.report_ready();
               background.report_ready();
               return 5;
             })
             == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(pid_file, Folder)

BOOST_AUTO_TEST_CASE(it_names_us_and_goes_with_us) {
  const auto file = path / "node.pid";
  {
    const PidFile pid_file(file);
    BOOST_TEST(content(file) == std::to_string(::getpid()) + "\n");
    struct stat facts {};
    BOOST_REQUIRE(::stat(file.c_str(), &facts) == 0);
    BOOST_TEST((facts.st_mode & 0022U) == 0U);
  }
  BOOST_TEST(!std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(what_an_earlier_process_left_is_replaced) {
  const auto file = path / "node.pid";
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ::waitpid(gone, nullptr, 0);
  for (const std::string& left : {std::to_string(gone), std::string("1\n"), std::string(),
                                  std::string("nonsense"), std::to_string(::getpid())}) {
    write(file, left);
    const PidFile pid_file(file);
    BOOST_TEST(content(file) == std::to_string(::getpid()) + "\n");
  }
}

BOOST_AUTO_TEST_CASE(a_daemon_that_runs_keeps_its_file) {
  const auto file = path / "node.pid";
  const Sibling other;
  write(file, std::to_string(other.process) + "\n");
  BOOST_CHECK_EXCEPTION(PidFile{file}, std::runtime_error, [&](const std::runtime_error& error) {
    return std::string(error.what()).find(std::to_string(other.process)) != std::string::npos;
  });
  BOOST_TEST(content(file) == std::to_string(other.process) + "\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_names_another_by_now_is_left_to_it) {
  const auto file = path / "node.pid";
  {
    const PidFile pid_file(file);
    write(file, "12345\n");
  }
  BOOST_TEST(content(file) == "12345\n");
}

BOOST_AUTO_TEST_CASE(a_child_does_not_remove_its_parents_file) {
  const auto file = path / "node.pid";
  const PidFile pid_file(file);
  in_child([&] {
    pid_file.~PidFile();
    return 0;
  });
  BOOST_TEST(std::filesystem::exists(file));
}

BOOST_AUTO_TEST_CASE(what_is_no_plain_file_is_never_written_to) {
  const auto file = path / "node.pid";
  write(path / "precious", "data");
  std::filesystem::create_symlink(path / "precious", file);
  BOOST_CHECK_THROW(PidFile{file}, std::runtime_error);
  BOOST_TEST(content(path / "precious") == "data");
}

BOOST_AUTO_TEST_CASE(the_folder_is_made_if_it_is_the_only_one_that_is_missing) {
  const auto file = path / "mosquitto" / "mosquitto.pid";
  const PidFile pid(file);
  BOOST_TEST(content(file) == std::to_string(::getpid()) + "\n");
}

BOOST_AUTO_TEST_CASE(folders_that_are_missing_are_said_in_a_sentence) {
  const auto file = path / "missing" / "too" / "node.pid";
  BOOST_CHECK_EXCEPTION(PidFile{file}, std::runtime_error, [&](const std::runtime_error& error) {
    const std::string text = error.what();
    return text.find(file.string()) != std::string::npos
           && text.find("No such file or directory") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(rights_and_limits)

BOOST_AUTO_TEST_CASE(users_are_found_by_name) {
  const auto root = find_user("root");
  BOOST_REQUIRE(root.has_value());
  BOOST_TEST(root->user == 0U);
  BOOST_TEST(!find_user("no such user").has_value());
}

BOOST_AUTO_TEST_CASE(roots_rights_are_given_up_for_good) {
  const auto nobody = find_user("nobody");
  if (!runs_as_root() || !nobody) return;  // there is nothing to give up
  BOOST_TEST(in_child([&] {
               become_user(*nobody);
               std::vector<gid_t> groups(64);
               const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
               for (int i = 0; i < count; ++i)
                 if (groups[static_cast<std::size_t>(i)] == 0) return 1;
               return ::geteuid() == nobody->user && !runs_as_root() && ::setuid(0) != 0 ? 0 : 2;
             })
             == 0);
}

BOOST_AUTO_TEST_CASE(nobody_becomes_somebody_else_without_the_right_to) {
  const auto nobody = find_user("nobody");
  if (!runs_as_root() || !nobody) return;
  BOOST_TEST(in_child([&] {
               become_user(*nobody);
               try {
                 become_user({"root", 0, 0});
               } catch (const std::runtime_error&) {
                 return 0;
               }
               return 1;
             })
             == 0);
}

BOOST_AUTO_TEST_SUITE_END()
