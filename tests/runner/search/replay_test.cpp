#include "runner/search/replay.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace crossfade::runner {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::HasSubstr;

/// Two switches of five epochs; the second may never come. Two seeds. What two schedules train alike: up to where their
/// first switches part, or if these are the same, their second ones.
KnownSearch known_search() {
  KnownSearch known;
  const std::vector<double> first = {0.2, 0.4, 0.6}, second = {0.4, 0.6, 0.8, 1};
  known.search.options.batch = 2;
  known.search.space.dimensions = {
      {.name = "first", .from = 0.2, .to = 0.6, .moment = true, .raster = first},
      {.name = "second", .from = 0.4, .to = 1, .moment = true, .raster = second},
  };
  known.search.space.orders = {{0, 1, false}};
  known.points = all_points(known.search.space);
  for (const Point& p : known.points) {
    const double dice = 0.8 - std::pow(p[0] - 0.4, 2) - std::pow(p[1] - 0.8, 2);
    known.dice.push_back({dice - 0.01, dice + 0.01});
    known.epochs.push_back(2 * 5);
    known.shared.emplace_back();
    for (const Point& q : known.points)
      known.shared.back().push_back(10 * (p[0] != q[0]   ? std::min(p[0], q[0])
                                          : p[1] != q[1] ? std::min(p[1], q[1])
                                                         : 1));
  }
  return known;
}

TEST(Replay, OfAGridGoesThroughItsPointsAndCountsSharedEpochsOnce) {
  const KnownSearch known = known_search();
  ASSERT_EQ(known.points.size(), 9u);
  const std::vector<ReplayStep> steps = replay(known, "grid", 1);
  ASSERT_EQ(steps.size(), 9u);
  // 0.2 with 0.4, 0.6, 0.8, never: 10 + 6 + 4 + 2; 0.4 with 0.6, 0.8, never: 8 + 4 + 2; 0.6 with 0.8, never: 6 + 2.
  const std::vector<double> added = {10, 6, 4, 2, 8, 4, 2, 6, 2};
  double epochs = 0;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    epochs += added[s];
    EXPECT_THAT(steps[s].epochs, DoubleNear(epochs, 1e-9)) << s;
  }
  EXPECT_THAT(steps[0].regret, DoubleNear(0.04 + 0.16, 1e-9)) << "of 0.2, 0.4";
  EXPECT_THAT(steps[2].regret, DoubleNear(0.04, 1e-9));
  EXPECT_THAT(steps.back().regret, DoubleNear(0, 1e-12)) << "the best is 0.4, 0.8, with any seeds drawn";
}

TEST(Replay, OfABranchFindsThePeakForLess) {
  const KnownSearch known = known_search();
  const std::vector<ReplayStep> grid = replay(known, "grid", 1), branch = replay(known, "branch", 1);
  EXPECT_THAT(branch.back().regret, DoubleNear(0, 1e-12));
  EXPECT_LT(branch.back().epochs, grid.back().epochs);
  for (const std::string method : {"random", "model"}) {
    const std::vector<ReplayStep> steps = replay(known, method, 3);
    EXPECT_EQ(steps.size(), 9u) << method;
    EXPECT_THAT(steps.back().epochs, DoubleNear(grid.back().epochs, 1e-9)) << "all of the tree, in any order";
    EXPECT_THAT(steps.back().regret, DoubleNear(0, 1e-12));
  }
}

TEST(Replay, SaysWhatABranchLacks) {
  const KnownSearch whole = known_search();
  KnownSearch never = whole, rate = whole, crossed = whole;
  never.search.space.dimensions[1].raster = {0.4, 0.6, 0.8};
  rate.search.space.dimensions[0].moment = false;
  crossed.search.space.orders = {{0, 1, false}, {1, 0, true}};
  EXPECT_EQ(replay_fault(whole, "branch"), "") << "the first may never be never: branch begins with it";
  EXPECT_EQ(replay_fault(never, "branch"),
            "the known grid lacks 1 (never) of 'second', with which it begins, expected a range up to 1");
  EXPECT_THAT(replay_fault(rate, "branch"), HasSubstr("'first' is no moment of a schedule"));
  EXPECT_THAT(replay_fault(crossed, "branch"), HasSubstr("leave it nothing to begin with"));
  for (const std::string method : {"grid", "random", "model"})
    for (const KnownSearch& known : {whole, never, rate}) EXPECT_EQ(replay_fault(known, method), "") << method;
}

TEST(Replay, DrawsItsSeeds) {
  KnownSearch known = known_search();
  // Either seed alone has a best of its own; by their mean it is the first of the two points.
  for (auto& dice : known.dice) dice = {0, 0};
  known.dice[3] = {0.9, 0.5};
  known.dice[5] = {0.2, 0.8};
  std::vector<double> regrets;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) regrets.push_back(replay(known, "grid", seed).back().regret);
  // Both draws are the second seed in a quarter of all cases: 0.7 - 0.5. Within five standard deviations of 200 draws.
  const auto wrong = std::ranges::count_if(regrets, [](double regret) { return std::abs(regret - 0.2) < 1e-12; });
  EXPECT_NEAR(static_cast<double>(wrong), 50, 5 * std::sqrt(200 * 0.25 * 0.75));
  EXPECT_EQ(wrong + std::ranges::count_if(regrets, [](double regret) { return std::abs(regret) < 1e-12; }), 200);
}

TEST(Replay, QuartilesAreAtEachCost) {
  KnownSearch known = known_search();
  for (auto& dice : known.dice) dice = {0.5, 0.5};
  known.dice[0] = {0.1, 0.1};
  const std::vector<std::vector<ReplayStep>> replays = {{{2, 0.3}, {4, 0.1}}, {{2, 0.2}}, {{3, 0}}};
  const std::vector<RegretQuartiles> at = regret_at_costs(known, replays);
  ASSERT_EQ(at.size(), 3u);
  EXPECT_THAT(at[0].median, DoubleEq(0.3)) << "0.2, 0.3, and 0.4 before the third one's first step";
  EXPECT_THAT(at[0].low, DoubleEq(0.25));
  EXPECT_THAT(at[1].median, DoubleEq(0.2)) << "0, 0.2, 0.3";
  EXPECT_THAT(at[2].median, DoubleEq(0.1)) << "0, 0.1, 0.2";
  EXPECT_THAT(at[2].high, DoubleEq(0.15));
}

}  // namespace
}  // namespace crossfade::runner
