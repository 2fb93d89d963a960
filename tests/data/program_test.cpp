#include "data/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <stdexcept>

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Command shell(const std::string& script) {
  return {.words = {"sh", "-c", script}, .package = "dash"};
}

TEST(Program, TellsHowItEndedAndWhatItSaid) {
  const Ending good = run_program(shell("echo one; echo two >&2"));
  EXPECT_EQ(good.failure, "");
  EXPECT_EQ(good.output, "one\ntwo\n");
  EXPECT_FALSE(good.stopped);
  EXPECT_EQ(run_program(shell("exit 3")).failure, "status 3");
  EXPECT_EQ(run_program(shell("kill -9 $$")).failure, "signal 9");
}

TEST(Program, ReadsItsInputAndTakesArgumentsAsTheyAre) {
  EXPECT_EQ(run_program({.words = {"cat"}, .package = "coreutils", .input = "a\nb"}).output, "a\nb");
  EXPECT_EQ(run_program({.words = {"printf", "%s", "$HOME 'x'"}, .package = "coreutils"}).output, "$HOME 'x'");
}

TEST(Program, RunsInTheFolderThatIsNamed) {
  EXPECT_EQ(run_program({.words = {"pwd"}, .package = "coreutils", .folder = "/usr"}).output, "/usr\n");
}

TEST(Program, SaysMoreThanAPipeHolds) {
  EXPECT_EQ(run_program(shell("head -c 300000 /dev/zero")).output.size(), 300000U);
}

TEST(Program, IsEndedWhenAskedToStop) {
  int asked = 0;
  Command sleep = shell("exec sleep 60");
  sleep.stop_requested = [&] { return ++asked == 3; };
  const auto begin = std::chrono::steady_clock::now();
  const Ending ending = run_program(sleep);
  EXPECT_TRUE(ending.stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(50));  // not to its own end
  Command killed = shell("kill -15 $$");
  killed.stop_requested = [calls = 0]() mutable { return ++calls > 100; };
  EXPECT_FALSE(run_program(killed).stopped);
  // The signal that ends the program asks this process to stop, too: seen only once the program is no more.
  killed.stop_requested = [] {
    siginfo_t child{};
    return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0;
  };
  EXPECT_TRUE(run_program(killed).stopped);
  sleep = shell("exit 4");
  sleep.stop_requested = [] { return false; };
  EXPECT_EQ(run_program(sleep).failure, "status 4");
}

TEST(Program, NamesProgramAndPackageWhereItIsMissing) {
  EXPECT_THAT(
      [] { run_program({.words = {"no-such-program"}, .package = "some-package"}); },
      ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("can't run no-such-program"), HasSubstr("some-package"))));
}

}  // namespace
}  // namespace crossfade::data
