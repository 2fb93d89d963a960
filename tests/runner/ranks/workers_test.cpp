#include "runner/ranks/workers.hpp"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

#include "tests/error_of.hpp"

namespace crossfade::runner {
namespace {

using testing::HasSubstr;

TEST(ThreadsFor, ShareOutEachCoreAmongTheRanksThatMayRunOnIt) {
  const std::vector<std::int64_t> unbound(8, 3);  // three ranks on eight cores
  EXPECT_EQ(threads_for(std::vector{0, 1, 2, 3, 4, 5, 6, 7}, unbound), 2);
  EXPECT_EQ(threads_for(std::vector{0, 1, 2, 3, 4, 5}, unbound), 2) << "six thirds are two";
  const std::vector<std::int64_t> sockets = {2, 2, 2, 2, 1, 1, 1, 1};  // two ranks on one, one on the other
  EXPECT_EQ(threads_for(std::vector{0, 1, 2, 3}, sockets), 2);
  EXPECT_EQ(threads_for(std::vector{4, 5, 6, 7}, sockets), 4);
  EXPECT_EQ(threads_for(std::vector{6}, sockets), 1) << "bound to a core";
  EXPECT_EQ(threads_for(std::vector{0}, sockets), 1) << "half a core is a thread";
  EXPECT_EQ(threads_for({}, sockets), 1);
}

TEST(PlaceOf, PutsRanksOfAMachineSideBySide) {
  const auto places = [](const std::vector<std::int64_t>& first) {
    std::vector<int> all;
    for (int rank = 0; std::cmp_less(rank, first.size()); ++rank) all.push_back(place_of(rank, first));
    return all;
  };
  EXPECT_THAT(places({0, 0, 2, 2}), testing::ElementsAre(0, 1, 2, 3)) << "dealt out machine by machine";
  EXPECT_THAT(places({0, 1, 0, 1}), testing::ElementsAre(0, 2, 1, 3)) << "and in turn";
  EXPECT_THAT(places({0, 1, 0, 1, 0}), testing::ElementsAre(0, 3, 1, 4, 2));
}

TEST(PlacesOfGroups, AreMachinesOrOnOneTheGroups) {
  const auto places = [](const std::vector<std::int64_t>& first, int ranks_per_trial) {
    return places_of_groups(first, ranks_per_trial);
  };
  using Places = std::map<int, int>;
  EXPECT_EQ(places({0, 0, 2, 2}, 1), (Places{{0, 0}, {1, 0}, {2, 2}, {3, 2}}));
  EXPECT_EQ(places({0, 1, 0, 1}, 2), (Places{{0, 0}, {1, 1}}));
  EXPECT_EQ(places({0, 0, 0, 0}, 2), (Places{{0, 0}, {2, 2}})) << "each may have a broken GPU";
  EXPECT_EQ(places({0, 0}, 2), (Places{{0, 0}}));
}

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
