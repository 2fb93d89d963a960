#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "data/anatomy/phantom_shapes.hpp"
#include "data/anatomy/synthesis.hpp"
#include "data/labels/label_table.hpp"
#include "data/labels/structures.hpp"
#include "data/random.hpp"

namespace crossfade::data {
namespace {

constexpr int kSubjects = 3;

/// The heads of a few subjects, as classes and ids; drawn once.
struct Heads {
  std::vector<Volume<std::int32_t>> ids;
  std::vector<Volume<std::uint8_t>> classes;
  std::vector<std::array<double, kClasses>> voxels;
};

const Heads& heads() {
  static const Heads result = [] {
    Heads h;
    for (std::uint32_t subject = 0; subject < kSubjects; ++subject) {
      h.ids.push_back(phantom_head(1, subject));
      h.classes.push_back(map_labels(h.ids.back(), label_table("freesurfer")).classes);
      h.voxels.emplace_back();
      for (const std::uint8_t c : h.classes.back().voxels) {
        ++h.voxels.back().at(c);
      }
    }
    return h;
  }();
  return result;
}

std::size_t named(std::string_view name) {
  return static_cast<std::size_t>(std::find(kStructures.begin(), kStructures.end(), name) - kStructures.begin());
}

TEST(Phantom, IsOneCanonicalCubeOf256Millimetres) {
  const Geometry& grid = heads().ids[0].geometry;
  EXPECT_EQ(grid.size, (std::array<int, 3>{256, 256, 256}));
  EXPECT_EQ(grid.spacing(), (std::array<double, 3>{1, 1, 1}));
  const Reorientation turn = to_canonical(grid);
  EXPECT_EQ(turn.source, (std::array<int, 3>{0, 1, 2}));
  EXPECT_EQ(turn.flip, (std::array<bool, 3>{false, false, false}));
}

TEST(Phantom, HasAll27StructuresInSizesOfARealBrain) {
  // Smallest and largest volume (mm^3) of each class over the 16 label maps published with SynthSeg, left and right
  // pooled; a subject's may lie beyond by half.
  const std::array<std::array<double, 2>, kClasses> real = {
      {{0, 0},         {150559, 273245}, {151688, 305652}, {150559, 273245}, {151688, 305652}, {3246, 50557},
       {11476, 20123}, {42188, 70157},   {5503, 10526},    {2412, 4776},     {3277, 6749},     {993, 2035},
       {477, 3600},    {785, 2635},      {15553, 25333},   {1438, 5267},     {740, 2095},      {2736, 5221},
       {3246, 50557},  {11476, 20123},   {42188, 70157},   {5503, 10526},    {2412, 4776},     {3277, 6749},
       {993, 2035},    {1438, 5267},     {740, 2095},      {2736, 5221}}};
  for (const auto& voxels : heads().voxels) {
    for (std::size_t c = 1; c < kClasses; ++c) {
      EXPECT_GT(voxels[c], real[c][0] / 1.5) << kStructures[c];
      EXPECT_LT(voxels[c], real[c][1] * 1.5) << kStructures[c];
    }
    // The imbalance that the paper is about.
    EXPECT_GT(voxels[named("Left-Cerebral-White-Matter")], 100 * voxels[named("Left-Amygdala")]);
    EXPECT_GT(voxels[named("Right-Cerebral-White-Matter")], 100 * voxels[named("Right-Pallidum")]);
  }
}

TEST(Phantom, HasTheTissuesOfAHead) {
  for (const Volume<std::int32_t>& ids : heads().ids) {
    const std::set<std::int32_t> found(ids.voxels.begin(), ids.voxels.end());
    for (const int id : {24, 502, 506, 507, 509, 511, 512, 515, 516}) {
      EXPECT_TRUE(found.contains(id)) << id;
    }
    // Air, skin on the outside of it: no brain at the border but the neck's end.
    EXPECT_EQ(ids.at(0, 0, 255), 0);
  }
}

TEST(Phantom, StructuresTouchAsInABrain) {
  const std::pair<const char*, const char*> neighbours[] = {
      {"Left-Pallidum", "Left-Putamen"},
      {"Right-Pallidum", "Right-Putamen"},
      {"Left-Hippocampus", "Left-Amygdala"},
      {"Right-Hippocampus", "Right-Amygdala"},
      {"Left-Caudate", "Left-Lateral-Ventricle"},
      {"Right-Caudate", "Right-Lateral-Ventricle"},
      {"Left-Thalamus", "3rd-Ventricle"},
      {"Right-Thalamus", "3rd-Ventricle"},
      {"Left-Thalamus", "Left-VentralDC"},
      {"Right-Thalamus", "Right-VentralDC"},
      {"Left-VentralDC", "Brain-Stem"},
      {"Brain-Stem", "4th-Ventricle"},
      {"Left-Cerebral-White-Matter", "Left-Cerebral-Cortex"},
      {"Left-Cerebellum-White-Matter", "Left-Cerebellum-Cortex"},
      {"Left-Cerebral-White-Matter", "Right-Cerebral-White-Matter"},  // through the corpus callosum
  };
  for (const Volume<std::uint8_t>& classes : heads().classes) {
    std::set<std::pair<std::size_t, std::size_t>> touching;
    const std::array<int, 3>& size = classes.geometry.size;
    for (int k = 0; k + 1 < size[2]; ++k) {
      for (int j = 0; j + 1 < size[1]; ++j) {
        for (int i = 0; i + 1 < size[0]; ++i) {
          const std::size_t c = classes.at(i, j, k);
          for (const std::size_t d : {classes.at(i + 1, j, k), classes.at(i, j + 1, k), classes.at(i, j, k + 1)}) {
            if (c != d) {
              touching.emplace(std::min(c, d), std::max(c, d));
            }
          }
        }
      }
    }
    for (const auto& [a, b] : neighbours) {
      EXPECT_TRUE(touching.contains(std::minmax(named(a), named(b)))) << a << ", " << b;
    }
  }
}

TEST(Phantom, SidesLieOnTheirSideAndAreAlike) {
  for (std::size_t subject = 0; subject < kSubjects; ++subject) {
    const Volume<std::uint8_t>& classes = heads().classes[subject];
    std::array<double, kClasses> x{};
    std::size_t voxel = 0;
    for (int row = 0; row < 256 * 256; ++row) {
      for (int i = 0; i < 256; ++i) {
        x[classes.voxels[voxel++]] += i;
      }
    }
    const auto& voxels = heads().voxels[subject];
    const double middle = x[named("Brain-Stem")] / voxels[named("Brain-Stem")];
    for (std::size_t c = 1; c < kClasses; ++c) {
      if (!kStructures[c].starts_with("Left-")) {
        continue;
      }
      const std::size_t right = named("Right-" + std::string(kStructures[c].substr(5)));
      const double to_left = middle - x[c] / voxels[c], to_right = x[right] / voxels[right] - middle;
      EXPECT_GT(to_left, 3) << kStructures[c];  // i runs to the right
      EXPECT_GT(to_right, 3) << kStructures[c];
      // A head rolled by 4 degrees shifts what is 50 mm above the brain stem by 3.5 mm, the warp by up to 4 mm more;
      // both count twice in the difference.
      EXPECT_NEAR(to_left, to_right, 15) << kStructures[c];
      EXPECT_NEAR(std::log(voxels[c] / voxels[right]), 0, std::log(1.6)) << kStructures[c];
    }
  }
}

TEST(Ellipsoid, ContainsThePointsOfNegativeDistance) {
  Random random(2, Purpose::kSubject);
  const Ellipsoid shape{{1, -2, 3}, {4.6, 9.2, 7}, -0.35, 0.1};
  int inside = 0;
  for (int n = 0; n < 100000; ++n) {
    const Point p{random.uniform(-6, 8), random.uniform(-12, 8), random.uniform(-6, 12)};
    ASSERT_EQ(shape.contains(p), shape.distance(p) < 0);
    inside += shape.contains(p) ? 1 : 0;
  }
  EXPECT_NEAR(inside / 1e5, 4.6 * 9.2 * 7 * 4 / 3 * std::acos(-1.0) / (14 * 20 * 18), 0.01);
  EXPECT_TRUE(shape.contains(shape.centre));
}

TEST(Ellipsoid, IsNeverNearerThanItIsBeyond) {
  Random random(3, Purpose::kSubject);
  const Ellipsoid shape{{1, -2, 3}, {4.6, 9.2, 7}, -0.35, 0.1};
  int said = 0, so = 0;
  for (int n = 0; n < 100000; ++n) {
    const Point p{random.uniform(-40, 40), random.uniform(-40, 40), random.uniform(-40, 40)};
    const double mm = random.uniform(-5, 20);
    if (shape.is_beyond(p, mm)) {
      ASSERT_GE(shape.distance(p), mm);
    }
    said += shape.is_beyond(p, mm) ? 1 : 0;
    so += shape.distance(p) >= mm ? 1 : 0;
  }
  EXPECT_FALSE(shape.is_beyond(shape.centre, 0));
  EXPECT_GT(said, 0.3 * so);  // of use: not said of few
}

TEST(Tube, ContainsThePointsOfNegativeDistance) {
  Random random(2, Purpose::kSubject);
  const Tube shape{{{{-7, 28, 12}, 3.5}, {{-9, 16, 18}, 5.5}, {{-27, -42, 12}, 6.5}}};
  int inside = 0;
  for (int n = 0; n < 100000; ++n) {
    const Point p{random.uniform(-36, 0), random.uniform(-52, 34), random.uniform(4, 26)};
    ASSERT_EQ(shape.contains(p), shape.distance(p) < 0);
    inside += shape.contains(p) ? 1 : 0;
  }
  EXPECT_GT(inside, 5000);
}

TEST(Phantom, SubjectsDifferAndCallsDoNot) {
  EXPECT_EQ(phantom_head(1, 0).voxels, heads().ids[0].voxels);
  // Position alone must not give the answer away: two subjects overlap by far less than a good segmentation.
  double overlap = 0;
  for (std::size_t c = 1; c < kClasses; ++c) {
    double both = 0;
    for (std::size_t v = 0; v < heads().classes[0].voxels.size(); ++v) {
      both += heads().classes[0].voxels[v] == c && heads().classes[1].voxels[v] == c ? 1 : 0;
    }
    overlap += 2 * both / (heads().voxels[0][c] + heads().voxels[1][c]) / (kClasses - 1);
  }
  EXPECT_LT(overlap, 0.75);
  EXPECT_GT(overlap, 0.2);  // but they are heads, in about the same place
  const Volume<std::int32_t> other_cohort = phantom_head(2, 0);
  EXPECT_NE(other_cohort.voxels, heads().ids[0].voxels);
}

}  // namespace
}  // namespace crossfade::data
