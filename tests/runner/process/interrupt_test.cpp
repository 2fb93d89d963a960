#include "runner/process/interrupt.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "runner/process/exit_codes.hpp"

namespace crossfade::runner {
namespace {

class InterruptDeathTest : public testing::TestWithParam<int> {};

TEST_P(InterruptDeathTest, TheFirstIsNotedAndTheSecondEndsTheProcess) {
  const auto twice = [] {
    watch_interrupts();
    std::raise(GetParam());
    if (interrupt_signal() != GetParam()) std::_Exit(3);
    std::raise(GetParam());
    std::_Exit(4);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(kExitStopped), "");
}

TEST_P(InterruptDeathTest, EndsTheProcessWhereNobodyWatches) {
  const auto once = [] {
    end_at_interrupts();
    std::raise(GetParam());
    std::_Exit(4);
  };
  EXPECT_EXIT(once(), testing::ExitedWithCode(kExitStopped), "");
}

INSTANTIATE_TEST_SUITE_P(Signals, InterruptDeathTest, testing::Values(SIGINT, SIGTERM, SIGUSR1));

}  // namespace
}  // namespace crossfade::runner
