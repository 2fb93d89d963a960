#include "data/anatomy/label_bias.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "data/anatomy/synthesis.hpp"
#include "data/labels/label_table.hpp"
#include "data/labels/structures.hpp"

namespace crossfade::data {
namespace {

constexpr std::uint8_t kWhite = 1, kCortex = 2, kLeftVentricle = 5, kPallidum = 11, kAmygdala = 16,
                       kRightVentricle = 18;

Volume<std::uint8_t> volume_of(std::array<int, 3> size, std::array<double, 3> mm) {
  Volume<std::uint8_t> volume{{size, {{{mm[0], 0, 0, 0}, {0, mm[1], 0, 0}, {0, 0, mm[2], 0}}}}, {}};
  volume.voxels.resize(volume.geometry.voxels());
  return volume;
}

/// Calls visit(i, j, k) for all voxels.
template <class Visit>
void for_each(const Geometry& grid, Visit visit) {
  for (int k = 0; k < grid.size[2]; ++k)
    for (int j = 0; j < grid.size[1]; ++j)
      for (int i = 0; i < grid.size[0]; ++i) visit(i, j, k);
}

/// A ball off the centres of voxels in a cube of 1 mm.
struct Ball {
  int cube;
  double radius;
  double distance(int i, int j, int k) const {
    const double c = cube / 2.0;
    return std::sqrt(std::pow(i - c - 0.21, 2) + std::pow(j - c + 0.13, 2) + std::pow(k - c - 0.37, 2)) - radius;
  }
};

/// The ball as `label`, around it blocks of 5 voxels of all classes that are never shifted.
Volume<std::uint8_t> in_mosaic(const Ball& ball, std::uint8_t label) {
  constexpr std::array<std::uint8_t, 7> kOthers{0, 1, 2, 8, 9, 10, 15};
  Volume<std::uint8_t> volume = volume_of({ball.cube, ball.cube, ball.cube}, {1, 1, 1});
  for_each(volume.geometry, [&](int i, int j, int k) {
    const auto block = static_cast<std::size_t>(i / 5 + 2 * (j / 5) + 3 * (k / 5));
    volume.at(i, j, k) = ball.distance(i, j, k) < 0 ? label : kOthers[block % kOthers.size()];
  });
  return volume;
}

/// Bands across i, whole in j and k.
Volume<std::uint8_t> bands(const std::vector<std::uint8_t>& labels, double mm = 1) {
  Volume<std::uint8_t> volume = volume_of({static_cast<int>(labels.size()), 7, 6}, {mm, 1, 2});
  for_each(volume.geometry, [&](int i, int j, int k) { volume.at(i, j, k) = labels[static_cast<std::size_t>(i)]; });
  return volume;
}

/// Runs of (label, length), one after the other.
std::vector<std::uint8_t> runs(const std::vector<std::pair<std::uint8_t, int>>& parts) {
  std::vector<std::uint8_t> labels;
  for (const auto& [label, count] : parts) labels.insert(labels.end(), static_cast<std::size_t>(count), label);
  return labels;
}

double count_of(const Volume<std::uint8_t>& volume, std::uint8_t label) {
  return static_cast<double>(std::count(volume.voxels.begin(), volume.voxels.end(), label));
}

/// Shifts of pallidum, amygdala and ventricles without noise, which is all that is random.
Volume<std::uint8_t> shifted(const Volume<std::uint8_t>& classes, double pallidum, double amygdala = 0,
                             double ventricles = 0) {
  const LabelBiasOptions options{.pallidum_mm = pallidum, .amygdala_mm = amygdala, .ventricles_mm = ventricles};
  return bias_labels(classes, brain_classes(), options, Random(1, Purpose::kDeformation));
}

TEST(BiasLabels, WithoutShiftAndNoiseAreTheTrueOnes) {
  const Volume<std::uint8_t> truth = in_mosaic({32, 9}, kPallidum);
  const Volume<std::uint8_t> same = shifted(truth, 0);
  EXPECT_EQ(same.voxels, truth.voxels);
  EXPECT_EQ(same.geometry, truth.geometry);
}

TEST(BiasLabels, MoveFlatFacesByWholeVoxelsToEitherSide) {
  // Boundaries at the faces of voxels: 2 mm outward are two voxels of 1 mm, one of 2 or 3 mm, four of 0.5 mm on each
  // side.
  const auto truth = runs({{kWhite, 9}, {kPallidum, 10}, {kCortex, 11}});
  EXPECT_EQ(shifted(bands(truth), 2).voxels, bands(runs({{kWhite, 7}, {kPallidum, 14}, {kCortex, 9}})).voxels);
  EXPECT_EQ(shifted(bands(truth, 2), 2).voxels, bands(runs({{kWhite, 8}, {kPallidum, 12}, {kCortex, 10}})).voxels);
  EXPECT_EQ(shifted(bands(truth, 3), 2).voxels, bands(runs({{kWhite, 8}, {kPallidum, 12}, {kCortex, 10}})).voxels);
  EXPECT_EQ(shifted(bands(truth, 0.5), 2).voxels, bands(runs({{kWhite, 5}, {kPallidum, 18}, {kCortex, 7}})).voxels);
  // Inward, each side goes to the class that it borders on.
  EXPECT_EQ(shifted(bands(truth), -2).voxels, bands(runs({{kWhite, 11}, {kPallidum, 6}, {kCortex, 13}})).voxels);
  EXPECT_EQ(shifted(bands(truth, 2), -2).voxels, bands(runs({{kWhite, 10}, {kPallidum, 8}, {kCortex, 12}})).voxels);
  // 5 mm on each side of 10 leave nothing.
  EXPECT_EQ(shifted(bands(truth), -5).voxels, bands(runs({{kWhite, 14}, {kCortex, 16}})).voxels);
}

TEST(BiasLabels, OfTwoShiftedNeighboursTheStrongerClaimWins) {
  const auto ventricles = runs({{0, 9}, {kLeftVentricle, 6}, {kRightVentricle, 8}, {0, 7}});
  EXPECT_EQ(shifted(bands(ventricles), 0, 0, 2).voxels,
            bands(runs({{0, 7}, {kLeftVentricle, 8}, {kRightVentricle, 10}, {0, 5}})).voxels);
  // The amygdala retreats by 1 on both sides, the ventricle advances by 1: their boundary moves once.
  const auto touching = runs({{kWhite, 9}, {kAmygdala, 8}, {kLeftVentricle, 8}, {kCortex, 5}});
  EXPECT_EQ(shifted(bands(touching), 0, -1, 1).voxels,
            bands(runs({{kWhite, 10}, {kAmygdala, 6}, {kLeftVentricle, 10}, {kCortex, 4}})).voxels);
  // Both retreat: what lies between goes to the nearest class that doesn't, and is not exchanged.
  const auto retreating = runs({{kWhite, 9}, {kAmygdala, 5}, {kPallidum, 5}, {kCortex, 11}});
  EXPECT_EQ(
      shifted(bands(retreating), -1, -1).voxels,
      bands(runs({{kWhite, 10}, {kAmygdala, 3}, {kWhite, 1}, {kCortex, 1}, {kPallidum, 3}, {kCortex, 12}})).voxels);
}

TEST(BiasLabels, ABallOfRadiusRBecomesOneOfRadiusRPlusShift) {
  // A surface of voxels says where it is to some tenth of a voxel, and of a small ball that shrinks only a few are
  // left. Distances of voxel centres less half a voxel, without more ado, are 0.28 mm off at 1 mm.
  for (const double radius : {7.0, 12.0}) {
    const Volume<std::uint8_t> truth = in_mosaic({48, radius}, kPallidum);
    for (const double shift : {-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0}) {
      const double volume = count_of(shifted(truth, shift), kPallidum);
      const double became = std::cbrt(volume * 3 / (4 * std::numbers::pi));
      EXPECT_NEAR(became, radius + shift, shift > -1.5 ? 0.15 : 0.35) << radius << ' ' << shift;
    }
  }
}

TEST(BiasLabels, GrowthTakesWhatIsNearAndLeavesTheRest) {
  const Ball ball{48, 10};
  const Volume<std::uint8_t> truth = in_mosaic(ball, kPallidum);
  for (const double shift : {1.0, 2.0, 4.0}) {
    const Volume<std::uint8_t> grown = shifted(truth, shift);
    for_each(truth.geometry, [&](int i, int j, int k) {
      // Up to half a voxel's diagonal (0.87 mm) off, as the surface is that of voxels.
      if (ball.distance(i, j, k) < std::max(0.0, shift - 0.87)) {
        ASSERT_EQ(grown.at(i, j, k), kPallidum);
      } else if (ball.distance(i, j, k) > shift + 0.87 || grown.at(i, j, k) != kPallidum) {
        ASSERT_EQ(grown.at(i, j, k), truth.at(i, j, k));
      }
    });
  }
}

TEST(BiasLabels, ShrinkingGivesVoxelsToTheNearestOtherClass) {
  const Ball ball{32, 9};
  const Volume<std::uint8_t> truth = in_mosaic(ball, kAmygdala), shrunk = shifted(truth, 0, -3);
  int given = 0;
  for_each(truth.geometry, [&](int i, int j, int k) {
    if (truth.at(i, j, k) == shrunk.at(i, j, k)) return;
    ASSERT_EQ(truth.at(i, j, k), kAmygdala);
    ASSERT_GT(ball.distance(i, j, k), -3.87);
    ++given;
    // Squared distances to the nearest voxel of another class, and to the nearest of the class that it became.
    int other = std::numeric_limits<int>::max(), became = other;
    for (int z = k - 6; z <= k + 6; ++z)
      for (int y = j - 6; y <= j + 6; ++y)
        for (int x = i - 6; x <= i + 6; ++x) {
          const int squared = (x - i) * (x - i) + (y - j) * (y - j) + (z - k) * (z - k);
          if (truth.at(x, y, z) != kAmygdala) other = std::min(other, squared);
          if (truth.at(x, y, z) == shrunk.at(i, j, k)) became = std::min(became, squared);
        }
    ASSERT_EQ(became, other);
  });
  EXPECT_GT(given, 1000);  // of 3000
}

TEST(BiasLabels, AreAFunctionOfTheirKey) {
  const Volume<std::uint8_t> truth = in_mosaic({32, 8}, kPallidum);
  const auto biased = [&](std::uint32_t subject) {
    return bias_labels(truth, brain_classes(), {1, -1, 1, 0.5}, Random(3, Purpose::kDeformation, subject)).voxels;
  };
  EXPECT_EQ(biased(1), biased(1));
  EXPECT_NE(biased(1), biased(2));
}

TEST(BiasLabels, NoiseMovesBoundariesByTheStatedDistanceAndNoFurtherOnAverage) {
  // A large ball of a class that is not shifted: how far out its surface lies along 2000 rays.
  const Ball ball{112, 44};
  Volume<std::uint8_t> truth = volume_of({112, 112, 112}, {1, 1, 1});
  for_each(truth.geometry, [&](int i, int j, int k) { truth.at(i, j, k) = ball.distance(i, j, k) < 0 ? kCortex : 0; });
  for (const double noise : {0.5, 1.5}) {
    const Volume<std::uint8_t> moved =
        bias_labels(truth, brain_classes(), {1, 1, 1, noise}, Random(5, Purpose::kDeformation));
    double sum = 0, squares = 0;
    constexpr int kRays = 2000;
    for (int ray = 0; ray < kRays; ++ray) {
      const double z = (2 * ray + 1.0) / kRays - 1, turn = 2.399963 * ray, r = std::sqrt(1 - z * z);
      double inside = 0;
      for (double t = 30; t < 54; t += 0.05) {
        const auto at = [&](double centre, double along) { return static_cast<int>(std::lround(centre + t * along)); };
        inside += moved.at(at(56.21, r * std::cos(turn)), at(55.87, r * std::sin(turn)), at(56.37, z)) == kCortex;
      }
      const double displacement = 30 + 0.05 * inside - ball.radius;
      sum += displacement;
      squares += displacement * displacement;
    }
    const double mean = sum / kRays, sd = std::sqrt(squares / kRays - mean * mean);
    // Some 250 patches of 10 mm move on their own: standard errors of 0.06 and 0.045 of the noise, and 3.5 of these.
    // The ball's voxels and the nearest voxel's choice add a uniform error each, of variance up to 1/12.
    EXPECT_NEAR(mean, 0, 0.22 * noise) << noise;
    EXPECT_GT(sd, noise * (1 - 0.16)) << noise;
    EXPECT_LT(sd, std::hypot(noise * (1 + 0.16), std::sqrt(2 / 12.0))) << noise;
  }
}

TEST(BiasLabels, OfAHeadHaveTheStatedSignAndLeaveOtherStructuresAsTheyWere) {
  const Volume<std::uint8_t> truth = map_labels(phantom_head(1, 1), label_table("freesurfer")).classes;
  const Volume<std::uint8_t> moved = shifted(truth, 1, -1, 1);
  const Volume<std::uint8_t> biased =
      bias_labels(truth, brain_classes(), {1, -1, 1, 0.5}, Random(1, Purpose::kDeformation));
  std::array<std::array<double, kClasses>, 3> volume{};
  for (std::size_t n = 0; n < truth.voxels.size(); ++n) {
    ++volume[0].at(truth.voxels[n]);
    ++volume[1].at(moved.voxels[n]);
    ++volume[2].at(biased.voxels[n]);
  }
  for (std::size_t c = 0; c < kClasses; ++c) {
    const double by_shift = volume[1][c] / volume[0][c], with_noise = volume[2][c] / volume[0][c];
    const std::string_view name = kStructures[c];
    const auto is = [name](std::string_view end) { return name.ends_with(end); };
    if (is("-Pallidum") || is("-Lateral-Ventricle")) {
      EXPECT_GT(by_shift, 1.3) << name;
      EXPECT_GT(with_noise, 1.2) << name;
    } else if (is("-Amygdala")) {
      EXPECT_LT(by_shift, 0.75) << name;
      EXPECT_LT(with_noise, 0.8) << name;
    } else if (is("-Caudate") || is("-Putamen") || is("-Thalamus") || is("-Hippocampus") || is("-VentralDC")) {
      // Small, and next to one that grows by 1 mm: it loses a part of its surface, some 20 % of its volume a mm.
      EXPECT_NEAR(by_shift, 1, 0.15) << name;
      EXPECT_NEAR(with_noise, 1, 0.3) << name;
    } else {
      EXPECT_NEAR(by_shift, 1, 0.02) << name;
      EXPECT_NEAR(with_noise, 1, 0.2) << name;
    }
  }
}

TEST(BiasLabels, MoveAnyStructureThatIsNamedInPlaceOfItsGroup) {
  const auto truth = runs({{kWhite, 9}, {kPallidum, 8}, {kCortex, 9}, {kRightVentricle, 6}, {0, 5}});
  const LabelBiasOptions options{
      .pallidum_mm = 2, .ventricles_mm = 1, .structures_mm = "Left-Pallidum -1 Left-Cerebral-Cortex 1"};
  EXPECT_EQ(label_bias_fault(options), "");
  // White matter and cortex take a voxel of the pallidum each; cortex and ventricle grow alike and keep their boundary.
  EXPECT_EQ(bias_labels(bands(truth), brain_classes(), options, Random(1, Purpose::kDeformation)).voxels,
            bands(runs({{kWhite, 10}, {kPallidum, 6}, {kCortex, 10}, {kRightVentricle, 7}, {0, 4}})).voxels);
}

TEST(BiasLabels, RefuseShiftsThatAreNone) {
  const auto fault = [](const std::string& text) { return label_bias_fault({.structures_mm = text}); };
  EXPECT_EQ(fault("Left-Amigdala 1"),
            "structures_mm: 'Left-Amigdala' is no structure, expected a name such as Left-Amygdala");
  const std::string wrong = "structures_mm: expected a number of mm from -5 to 5 after Left-Amygdala, not ";
  EXPECT_EQ(fault("Right-Amygdala 1 Left-Amygdala"), wrong + "''");
  EXPECT_EQ(fault("Left-Amygdala 6"), wrong + "'6'");
  EXPECT_EQ(fault("Left-Amygdala 1mm"), wrong + "'1mm'");
  EXPECT_EQ(fault("Left-Amygdala nan"), wrong + "'nan'");
  EXPECT_THROW(
      bias_labels(bands({1, 1}), brain_classes(), {.structures_mm = "Left-Amygdala"}, Random(1, Purpose::kDeformation)),
      std::invalid_argument);
}

TEST(BiasLabels, RefuseALabelThatIsNoClass) {
  Volume<std::uint8_t> truth = bands(runs({{kPallidum, 5}}));
  EXPECT_EQ(shifted(truth, -2).voxels, truth.voxels);  // nothing else is there that could take it
  truth.at(2, 3, 4) = 28;
  EXPECT_THROW(shifted(truth, 1), std::invalid_argument);
}

}  // namespace
}  // namespace crossfade::data
