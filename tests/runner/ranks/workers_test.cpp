#include "runner/ranks/workers.hpp"

#include <gmock/gmock.h>

#include "tests/error_of.hpp"

namespace crossfade::runner {
namespace {

using testing::HasSubstr;

TEST(RanksOfATrial, AreOneOnCpusAndAllOfAMachineOnGpusByDefault) {
  EXPECT_EQ(ranks_of_a_trial(/*ranks=*/4, /*gpus=*/0, /*asked=*/0), 1);
  EXPECT_EQ(ranks_of_a_trial(4, 4, 0), 4);
  EXPECT_EQ(ranks_of_a_trial(2, 4, 0), 2);
  EXPECT_EQ(ranks_of_a_trial(4, 0, 2), 2);
  EXPECT_EQ(ranks_of_a_trial(4, 4, 2), 2);
}

TEST(RanksOfATrial, ShareAGpuOnlyWhereEachWasAskedToHaveATrialOfItsOwn) {
  EXPECT_EQ(ranks_of_a_trial(8, 1, 1), 1);
  for (const int asked : {0, 2}) {
    EXPECT_THAT(error_of([&] { ranks_of_a_trial(8, 1, asked); }),
                testing::AllOf(HasSubstr("8 ranks on a machine with 1 GPU:"), HasSubstr("ppr:1:node"),
                               HasSubstr("run.ranks_per_trial=1")));
  }
}

}  // namespace
}  // namespace crossfade::runner
