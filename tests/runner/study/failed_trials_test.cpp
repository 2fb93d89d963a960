#include "runner/study/failed_trials.hpp"

#include <gtest/gtest.h>

#include <map>

namespace crossfade::runner {
namespace {

TEST(FailedTrials, AreTriedOnceMoreAndElsewhere) {
  FailedTrials failed({{0, 0}, {1, 0}, {4, 4}});
  EXPECT_TRUE(failed.failed(7, 1));
  EXPECT_FALSE(failed.may_take(7, 1));
  EXPECT_FALSE(failed.may_take(7, 0)) << "on the same machine";
  EXPECT_TRUE(failed.may_take(7, 4));
  EXPECT_TRUE(failed.may_take(8, 1));
  EXPECT_FALSE(failed.failed(7, 4)) << "in both places: for good";
}

TEST(FailedTrials, AreForGoodWhereThereIsNoOtherPlace) {
  using Places = std::map<int, int>;
  EXPECT_FALSE(FailedTrials(Places{{0, 0}}).failed(7, 0));
  EXPECT_FALSE(FailedTrials(Places{{0, 0}, {1, 0}}).failed(7, 1));
}

}  // namespace
}  // namespace crossfade::runner
