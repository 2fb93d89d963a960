#include "model/atlas/fusion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "tests/temporary_folder.hpp"

namespace crossfade::model {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;
namespace fs = std::filesystem;
using Voxels = std::vector<std::uint8_t>;

WarpedAtlas labelled(Voxels labels) {
  Voxels image(labels.size());
  return {std::move(image), std::move(labels)};
}

TEST(MajorityVote, TakesTheClassOfMostAndTheSmallerAmongEquals) {
  EXPECT_THAT(majority_vote({labelled({1, 5, 7}), labelled({1, 3, 2}), labelled({0, 3, 4})}), ElementsAre(1, 3, 2));
}

TEST(LabelFusion, RefusesNoAtlasesAndAtlasesOfDifferentSizes) {
  EXPECT_THROW(majority_vote({}), std::invalid_argument);
  EXPECT_THROW(majority_vote({labelled({1, 2}), labelled({1})}), std::invalid_argument);
  EXPECT_THROW(staple({}, {1, 1, 1}), std::invalid_argument);
  EXPECT_THROW(joint_fusion({0}, {}, {1, 1, 1}, {}), std::invalid_argument);
  EXPECT_THROW(joint_fusion({0, 0}, {labelled({1})}, {1, 1, 1}, {}), std::invalid_argument);
}

Voxels replaced(Voxels labels, std::uint8_t old, std::uint8_t by) {
  std::ranges::replace(labels, old, by);
  return labels;
}

TEST(MajorityVote, AnAtlasAbstainsWhereNobodyHasJudged) {
  EXPECT_THAT(majority_vote({labelled({255, 1, 255}), labelled({255, 1, 255}), labelled({2, 255, 255})}),
              ElementsAre(2, 1, 0));
}

// By hand: M = ((1, 0), (0, 16)), as <d, d>^2 is 1 and 4^2; then w ~ (1 / (1 + alpha), 1 / (16 + alpha)).
TEST(JointWeights, AreThoseOfACaseWorkedByHand) {
  const std::vector<std::vector<float>> differences = {{1, 0}, {0, 2}};
  const auto close = [](double a, double b) {
    return ElementsAre(testing::DoubleNear(a, 1e-12), testing::DoubleNear(b, 1e-12));
  };
  EXPECT_THAT(joint_weights(differences, 0, 2), close(16.0 / 17, 1.0 / 17));
  EXPECT_THAT(joint_weights(differences, 1, 2), close(17.0 / 19, 2.0 / 19));
  EXPECT_THAT(joint_weights(differences, 0, 1), close(4.0 / 5, 1.0 / 5));
}

// By hand, alpha 1 and beta 1: M + I = ((2, 3), (3, 10)), whose inverse times 1 is (7, -1) / 11; and with beta 2
// M + I = ((2, 1), (1, 5)), as <d, d'>^2 is 1 and 4, which gives (4, 1) / 9.
TEST(JointWeights, OfAtlasesThatErrTogetherMayBeBelowZero) {
  const auto close = [](double a, double b) {
    return ElementsAre(testing::DoubleNear(a, 1e-12), testing::DoubleNear(b, 1e-12));
  };
  EXPECT_THAT(joint_weights({{1, 0}, {3, 0}}, 1, 1), close(7.0 / 6, -1.0 / 6));
  EXPECT_THAT(joint_weights({{1, 0}, {1, 1}}, 1, 2), close(4.0 / 5, 1.0 / 5));
}

TEST(JointWeights, OfEqualAtlasesAreEqual) {
  for (const double alpha : {1e-3, 0.1, 10.0})
    EXPECT_THAT(joint_weights({5, {0.3F, 0.1F, 0.2F}}, alpha, 2), Each(testing::DoubleNear(0.2, 1e-9)));
  EXPECT_THAT(joint_weights({5, {0, 0, 0}}, 0.1, 2), Each(testing::DoubleNear(0.2, 1e-12)));
}

// By hand, with x of either twin and y of the third: 8x + alpha x + 2y = 4x + 4y + alpha y, so y/x =
// (4+alpha)/(2+alpha).
TEST(JointWeights, GiveTwoAtlasesOfTheSameErrorsTogetherTheWeightOfOne) {
  const std::vector<std::vector<float>> differences = {{1, 1}, {1, 1}, {std::sqrt(2.0F), 0}};
  for (const double alpha : {0.5, 1e-6}) {
    const auto weights = joint_weights(differences, alpha, 2);
    EXPECT_NEAR(weights[0], weights[1], 1e-7);
    EXPECT_NEAR(weights[2] / weights[0], (4 + alpha) / (2 + alpha), 1e-5);  // float patches, divided by alpha
  }
}

/// Smooth blocks of labels in noise, no two atlases alike.
struct Case {
  std::array<int, 3> size = {9, 8, 7};
  Voxels target;
  std::vector<WarpedAtlas> atlases;
};

Case random_case(unsigned seed, int atlases) {
  Case made;
  std::mt19937 random(seed);
  const std::size_t voxels = 9 * 8 * 7;
  for (std::size_t v = 0; v < voxels; ++v) made.target.push_back(static_cast<std::uint8_t>(random() % 256));
  for (int a = 0; a < atlases; ++a) {
    WarpedAtlas atlas;
    for (std::size_t v = 0; v < voxels; ++v) {
      atlas.image.push_back(static_cast<std::uint8_t>((made.target[v] + random() % 128) / 2));
      const auto block = static_cast<std::uint8_t>(v % 9 / 3);
      atlas.labels.push_back(random() % 4 == 0 ? static_cast<std::uint8_t>(random() % 4) : block);
    }
    made.atlases.push_back(std::move(atlas));
  }
  return made;
}

TEST(JointFusion, OfOneAtlasThatIsTheTargetIsItsLabels) {
  Case one = random_case(1, 1);
  one.atlases.front().image = one.target;
  EXPECT_EQ(joint_fusion(one.target, one.atlases, one.size, {.patch_radius = 1, .search_radius = 1}),
            one.atlases.front().labels);
}

TEST(JointFusion, SearchesWhereTheAtlasIsAVoxelOff) {
  Case one = random_case(2, 1);
  WarpedAtlas& atlas = one.atlases.front();
  const Voxels truth = atlas.labels;
  // The atlas says at i what target and truth have at i - 1.
  for (std::size_t v = one.target.size(); v-- > 0;) {
    const std::size_t from = v % 9 == 0 ? v : v - 1;
    atlas.image[v] = one.target[from];
    atlas.labels[v] = truth[from];
  }
  const Voxels fused = joint_fusion(one.target, one.atlases, one.size, {.patch_radius = 1, .search_radius = 1}).value();
  for (std::size_t v = 0; v < fused.size(); ++v) {
    if (v % 9 == 0 || v % 9 >= 7) continue;  // patches that are not whole in both
    EXPECT_EQ(fused[v], truth[v]) << v;
  }
}

TEST(JointFusion, OfEqualAtlasesIsTheirLabelsAndThreadsChangeNothing) {
  Case alike = random_case(3, 1);
  alike.atlases.front().image = alike.target;
  alike.atlases.resize(4, alike.atlases.front());
  EXPECT_EQ(joint_fusion(alike.target, alike.atlases, alike.size, {.patch_radius = 1, .search_radius = 0}),
            alike.atlases.front().labels);
  const Case other = random_case(4, 3);
  const JointFusionOptions options{.patch_radius = 1, .search_radius = 1};
  EXPECT_EQ(joint_fusion(other.target, other.atlases, other.size, options, 1),
            joint_fusion(other.target, other.atlases, other.size, options, 5));
}

/// What the plain NumPy of fusion_reference.py makes of the case.
Voxels reference(const std::string& method, const Case& of, const JointFusionOptions& options = {}) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const Voxels& voxels) {
    std::ofstream out(folder / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(voxels.data()), static_cast<std::streamsize>(voxels.size()));
  };
  write("target", of.target);
  for (std::size_t a = 0; a < of.atlases.size(); ++a) {
    write("image" + std::to_string(a), of.atlases[a].image);
    write("labels" + std::to_string(a), of.atlases[a].labels);
  }
  const std::string command =
      std::string(CROSSFADE_PYTHON) + " " + FUSION_REFERENCE + " " + method + " " + folder.path.string() + " " +
      std::to_string(of.atlases.size()) + " " + std::to_string(of.size[2]) + " " + std::to_string(of.size[1]) + " " +
      std::to_string(of.size[0]) + " " + std::to_string(options.patch_radius) + " " +
      std::to_string(options.search_radius) + " " + std::to_string(options.alpha) + " " + std::to_string(options.beta);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  Voxels fused(of.target.size());
  std::ifstream(folder / "fused", std::ios::binary)
      .read(reinterpret_cast<char*>(fused.data()), static_cast<std::streamsize>(fused.size()));
  return fused;
}

TEST(JointFusion, IsNothingWhereItIsStopped) {
  const Case some = random_case(7, 2);
  for (const int threads : {1, 3})
    EXPECT_FALSE(joint_fusion(some.target, some.atlases, some.size, {}, threads, [] { return true; }));
}

TEST(JointFusion, IsWhatPlainNumPyMakesOfTheFormula) {
  for (const JointFusionOptions& options : {JointFusionOptions{1, 1, 0.1, 2}, JointFusionOptions{2, 1, 0.01, 1}}) {
    const Case some = random_case(5, 4);
    EXPECT_EQ(joint_fusion(some.target, some.atlases, some.size, options), reference("joint", some, options));
  }
}

// Labels in a part of the grid, off its middle: what is fused is the box around them, and patches reach beyond it.
TEST(JointFusion, OfLabelsInAPartOfTheGridIsThatOfTheWhole) {
  Case some = random_case(8, 4);
  for (WarpedAtlas& atlas : some.atlases)
    for (std::size_t v = 0; v < atlas.labels.size(); ++v) {
      const std::size_t i = v % 9, j = v / 9 % 8, k = v / 72;
      if (i < 3 || i > 6 || j < 2 || j > 4 || k < 3 || k > 5) atlas.labels[v] = 0;
    }
  const JointFusionOptions options{1, 1, 0.1, 2};
  EXPECT_EQ(joint_fusion(some.target, some.atlases, some.size, options), reference("joint", some, options));
}

TEST(Staple, IsWhatPlainNumPyMakesOfTheFormula) {
  Case some = random_case(6, 5);
  // One atlas calls 1 what the others call 2: its confusion matrix must learn that.
  for (std::uint8_t& label : some.atlases.back().labels) label = label == 2 ? 1 : label;
  EXPECT_EQ(staple(some.atlases, some.size), reference("staple", some));
}

TEST(JointFusion, OfAnAtlasThatNobodyHasJudgedIsThatOfTheOthers) {
  Case alike = random_case(3, 1);
  alike.atlases.front().image = alike.target;
  alike.atlases.resize(3, alike.atlases.front());
  const Voxels labels = alike.atlases.front().labels;
  std::ranges::fill(alike.atlases[0].labels, 255);
  std::ranges::fill(alike.atlases[1].labels, 255);
  const JointFusionOptions options{.patch_radius = 1, .search_radius = 0};
  EXPECT_EQ(joint_fusion(alike.target, alike.atlases, alike.size, options), labels);
  std::ranges::fill(alike.atlases[2].labels, 255);
  EXPECT_EQ(joint_fusion(alike.target, alike.atlases, alike.size, options), Voxels(labels.size()));
}

// Of unsigned bytes ITK's filter would count for ever.
TEST(Staple, EndsWithTheLargestClassIdsAndWhereNobodyHasJudged) {
  Case some = random_case(6, 5), renamed = some;
  const Voxels fused = staple(some.atlases, some.size).value();
  for (WarpedAtlas& atlas : renamed.atlases) atlas.labels = replaced(atlas.labels, 3, 254);
  EXPECT_EQ(staple(renamed.atlases, renamed.size), replaced(fused, 3, 254));

  Case judged = some;
  for (std::size_t v = 0; v < some.target.size(); v += 3) some.atlases[v % 5].labels[v] = 255;
  const Voxels majority = majority_vote(some.atlases);
  for (std::size_t v = 0; v < some.target.size(); v += 3) judged.atlases[v % 5].labels[v] = majority[v];
  EXPECT_EQ(staple(some.atlases, some.size), staple(judged.atlases, judged.size));
}

TEST(Staple, LooksAtTheBoxAroundAllLabels) {
  const Case some = random_case(6, 5);
  const std::array<int, 3> wider = {14, 10, 12};
  const auto in_wider = [&](const Voxels& labels) {
    Voxels all(14 * 10 * 12);
    for (std::size_t v = 0; v < labels.size(); ++v)
      all[v % 9 + 3 + 14 * (v / 9 % 8 + 1 + 10 * (v / 72 + 2))] = labels[v];
    return all;
  };
  std::vector<WarpedAtlas> atlases;
  for (const WarpedAtlas& atlas : some.atlases) atlases.push_back(labelled(in_wider(atlas.labels)));
  EXPECT_EQ(staple(atlases, wider).value(), in_wider(staple(some.atlases, some.size).value()));
}

TEST(Staple, OfNothingLabelledIsNothing) {
  EXPECT_THAT(staple({labelled({0, 0}), labelled({0, 0})}, {2, 1, 1}).value(), ElementsAre(0, 0));
}

TEST(Staple, StopsAtTheIterationAtWhichItIsAskedTo) {
  const Case some = random_case(6, 5);
  int asked = 0;
  EXPECT_EQ(staple(some.atlases, some.size, [&] { return ++asked == 2; }), std::nullopt);
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace crossfade::model
