#include "runner/study/forest.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "data/hash.hpp"

namespace crossfade::runner {
namespace {

using schedules::ScheduledTerm;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

schedules::Curve step(double at, double before, double after) {
  return {.shape = "step", .points = {{0.0, before}, {at, after}}};
}

/// w-CE, from `first` on with w-Dice, from `second` on w-Dice alone.
std::vector<ScheduledTerm> scheduled(double first, double second) {
  return {{"wce", step(second, 1, 0)}, {"wdice", step(first, 0, 1)}};
}

Path path(const std::string& hash, std::vector<ScheduledTerm> loss, std::int64_t steps = 100) {
  return {.beginning = "one", .hash = hash, .loss = std::move(loss), .steps = steps};
}

std::vector<std::int64_t> steps_of(const SharedStage& stage) {
  std::vector<std::int64_t> steps;
  for (const Branch& branch : stage.branches) steps.push_back(branch.step);
  return steps;
}

TEST(Forest, OfASweepTrainsCommonBeginningsOnce) {
  std::vector<Path> paths;
  for (const double first : {0.2, 0.3, 0.4, 0.5})
    for (const double second : {0.6, 0.7, 0.8})
      paths.push_back(path(std::to_string(paths.size()), scheduled(first, second), 20 * 10));
  const Forest forest = plan_forest(paths);
  EXPECT_EQ(forest.alone, 12 * 200);
  // To the first switches 0.2 + 3 * 0.1; from each to 0.6 0.4 + 0.3 + 0.2 + 0.1; then 4 times 0.4 + 0.1 + 0.3 + 0.3.
  EXPECT_EQ(forest.shared, 1180) << "5.9 of 12 trainings";
  EXPECT_THAT(steps_of(forest.stages[0]), ElementsAre(40, 120)) << "switches at 0.2 and 0.6";
  EXPECT_THAT(steps_of(forest.stages[11]), ElementsAre(40, 60, 80, 120, 140)) << "switches at 0.5 and 0.8";
  EXPECT_EQ(forest.stages[0].branches[0].key, forest.stages[11].branches[0].key);
  EXPECT_EQ(forest.stages[9].branches.back().key, forest.stages[11].branches[3].key) << "0.5 and 0.6, 0.5 and 0.8";
  EXPECT_NE(forest.stages[0].branches[1].key, forest.stages[11].branches[3].key) << "other nets at the same step";

  std::int64_t sum = 0;
  for (const ForestNode& node : forest.nodes) {
    sum += node.end - node.begin;
    if (node.parent < 0) continue;
    const ForestNode& parent = forest.nodes.at(static_cast<std::size_t>(node.parent));
    EXPECT_EQ(parent.end, node.begin);
    EXPECT_THAT(parent.paths, testing::IsSupersetOf(node.paths));
  }
  EXPECT_EQ(sum, forest.shared);
}

TEST(Forest, PartsAtTheStepWhereAWeightDiffers) {
  // Of 7 steps the fourth is the first at progress 0.5 or more (4 / 7): three are at 0, 1 / 7, 2 / 7, 3 / 7.
  const Forest switched = plan_forest({path("a", scheduled(0.5, 0.9), 7), path("b", scheduled(0.95, 0.99), 7)});
  EXPECT_THAT(steps_of(switched.stages[0]), ElementsAre(4));
  const schedules::Curve ramp{.shape = "linear", .points = {{0.3, 0.5}, {0.8, 1.0}}};
  const Forest ramped = plan_forest({path("a", {{"wce", ramp}}), path("b", {{"wce", schedules::constant(0.5)}})});
  EXPECT_THAT(steps_of(ramped.stages[0]), ElementsAre(31)) << "at 0.3 itself it is 0.5 still";
}

TEST(Forest, SharesNothingFromTheFirstStepOnWhereTermsWeightsOrderOrBeginningDiffer) {
  const ScheduledTerm wce{"wce", schedules::constant(1)}, wdice{"wdice", schedules::constant(1)};
  Path elsewhere = path("b", {wce});
  elsewhere.beginning = "another";
  for (const Path& other : {path("b", {wdice}), path("b", {{"wce", schedules::constant(2)}}), elsewhere}) {
    const Forest forest = plan_forest({path("a", {wce}), other});
    EXPECT_EQ(forest.shared, forest.alone);
    EXPECT_THAT(forest.stages[0].branches, IsEmpty());
    EXPECT_THAT(forest.stages[0].terms, IsEmpty());
  }
  const Forest order = plan_forest({path("a", {wce, wdice}), path("b", {wdice, wce})});
  EXPECT_EQ(order.shared, order.alone) << "sums of floating-point numbers depend on it";
}

TEST(Forest, ATermOfWeightZeroIsInNobodysWay) {
  const ScheduledTerm wce{"wce", schedules::constant(1)}, late{"wdice", step(0.5, 0, 1)};
  const Forest forest = plan_forest({path("a", {wce}), path("b", {late, wce})});
  EXPECT_EQ(forest.shared, 150);
  EXPECT_THAT(forest.stages[0].terms, ElementsAre("wdice")) << "evaluated for the other's record";
  EXPECT_THAT(forest.stages[1].terms, IsEmpty());
}

TEST(Forest, TrainsTheSameStageOnceAndLeavesNothingWithinIt) {
  const Forest forest = plan_forest({path("same", scheduled(0.4, 0.7)), path("same", scheduled(0.4, 0.7))});
  EXPECT_EQ(forest.shared, 100);
  EXPECT_THAT(forest.stages[0].branches, IsEmpty()) << "its end is where a trial looks anyway";
}

TEST(Forest, LeavesTheEndWhereTheSameWeightsAreWrittenOtherwise) {
  const Forest forest =
      plan_forest({path("a", {{"wce", schedules::constant(1)}}), path("b", {{"wce", step(0.5, 1, 1)}})});
  EXPECT_EQ(forest.shared, 100);
  EXPECT_THAT(steps_of(forest.stages[0]), ElementsAre(100));
  EXPECT_EQ(forest.stages[0].branches[0].key, forest.stages[1].branches[0].key);
}

TEST(Forest, LeavesABranchForThoseThatAreNotFinished) {
  std::vector<Path> paths = {path("a", scheduled(0.2, 0.9)), path("b", scheduled(0.4, 0.9)),
                             path("c", scheduled(0.6, 0.9))};
  paths[0].open = false;
  const Forest forest = plan_forest(paths);
  ASSERT_THAT(steps_of(forest.stages[1]), ElementsAre(20, 40));
  EXPECT_FALSE(forest.stages[1].branches[0].leave) << "only a goes another way there";
  EXPECT_TRUE(forest.stages[1].branches[1].leave);
  EXPECT_TRUE(forest.stages[0].branches[0].leave) << "for b and c, were a trained again";
}

/// A step curve, a ramp or one value, with points at hundredths.
schedules::Curve made_up_curve(std::mt19937& random) {
  const auto up_to = [&](unsigned most) { return static_cast<double>(random() % (most + 1)); };
  const double from = up_to(60) / 100, to = from + (1 + up_to(39)) / 100;
  const double weights[] = {up_to(2) / 2, up_to(2) / 2};
  switch (random() % 4) {
    case 0:
      return schedules::constant(weights[0]);
    case 1:
      return step(to, weights[0], weights[1]);
    case 2:
      return {.shape = "cosine", .points = {{from, weights[0]}, {to, weights[1]}}};
    default:
      return {.shape = "linear", .points = {{from, weights[0]}, {to, weights[1]}, {1, weights[1]}}};
  }
}

TEST(Forest, PartsWhereGoingOnStepByStepSaysSo) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const std::int64_t steps = 1 + random() % 300;
    std::vector<schedules::Curve> curves;
    for (int c = 0; c < 3; ++c) curves.push_back(made_up_curve(random));
    std::vector<Path> paths;
    for (int p = 0; p < 5; ++p)
      paths.push_back(path(std::to_string(p), {{"wce", curves[random() % 3]}, {"wdice", curves[random() % 3]}}, steps));
    // The histories that there are: step by step, all weights so far.
    std::set<std::vector<std::vector<std::pair<std::string, double>>>> nodes;
    std::vector<std::vector<std::vector<std::pair<std::string, double>>>> ways(paths.size());
    std::vector<std::set<std::int64_t>> parted(paths.size());
    for (std::int64_t s = 0; s < steps; ++s) {
      for (std::size_t p = 0; p < paths.size(); ++p) {
        ways[p].push_back(schedules::active_terms(paths[p].loss, static_cast<double>(s) / static_cast<double>(steps)));
        nodes.insert(ways[p]);
      }
      for (std::size_t p = 0; p < paths.size(); ++p)
        for (std::size_t q = 0; q < paths.size(); ++q)
          if (s > 0 && ways[p] != ways[q] && std::equal(ways[p].begin(), ways[p].end() - 1, ways[q].begin()))
            parted[p].insert(s);
    }
    for (std::size_t p = 0; p < paths.size(); ++p)
      for (std::size_t q = 0; q < paths.size(); ++q)
        if (p != q && ways[p] == ways[q]) parted[p].insert(steps);  // written otherwise, as the hashes say
    const Forest forest = plan_forest(paths);
    EXPECT_EQ(forest.shared, static_cast<std::int64_t>(nodes.size())) << "round " << round;
    for (std::size_t p = 0; p < paths.size(); ++p)
      EXPECT_THAT(steps_of(forest.stages[p]), testing::ElementsAreArray(parted[p])) << "round " << round << ", " << p;
  }
}

TEST(Forest, NamesABranchByADigestOfItsHistory) {
  const Forest forest = plan_forest(
      {path("a", scheduled(0.3, 0.6)), path("b", scheduled(0.3, 0.8)), path("c", {{"wce", schedules::constant(1)}})});
  const std::vector<Branch>& branches = forest.stages[0].branches;
  ASSERT_EQ(branches.size(), 2U);
  EXPECT_EQ(branches[0].key, data::sha256_hex("one\n0:wce=0x1p+0;\n30"));
  EXPECT_EQ(branches[1].key, data::sha256_hex("one\n0:wce=0x1p+0;\n30:wce=0x1p+0;wdice=0x1p+0;\n60"));
}

TEST(Forest, NamesABranchByWhatMadeItWhoeverElseIsThere) {
  const Path a = path("a", scheduled(0.3, 0.6)), b = path("b", scheduled(0.3, 0.8)), c = path("c", scheduled(0.1, 0.6));
  const Forest two = plan_forest({a, b}), three = plan_forest({a, b, c});
  EXPECT_EQ(two.stages[0].branches.back().key, three.stages[0].branches.back().key);
  EXPECT_THAT(two.stages[0].branches, Not(IsEmpty()));
}

}  // namespace
}  // namespace crossfade::runner
