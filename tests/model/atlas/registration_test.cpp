#include "model/atlas/registration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "tests/temporary_folder.hpp"

namespace crossfade::model {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
namespace fs = std::filesystem;
using Volume = data::Volume<std::int32_t>;

constexpr int kSide = 40;
constexpr double kVoxelMm = 4;

const RegistrationOptions kQuick{.affine_iterations = 100,
                                 .affine_levels = 2,
                                 .deformable_iterations = 50,
                                 .deformable_levels = 2,
                                 .control_spacing_mm = 40,
                                 .samples = 2000};

Volume empty() {
  const double corner = -kVoxelMm * kSide / 2;
  return {{{kSide, kSide, kSide}, {{{kVoxelMm, 0, 0, corner}, {0, kVoxelMm, 0, corner}, {0, 0, kVoxelMm, corner}}}},
          std::vector<std::int32_t>(kSide * kSide * kSide)};
}

/// A head of two ellipsoids, the inner one labelled, `shift` voxels along x and `scale` times as large.
Atlas head(double shift, double scale) {
  Atlas made{empty(), {empty()}};
  for (int k = 0; k < kSide; ++k)
    for (int j = 0; j < kSide; ++j)
      for (int i = 0; i < kSide; ++i) {
        const double x = (i - 19.5 - shift) / scale, y = (j - 19.5) / scale, z = (k - 19.5) / scale;
        const double outer = x * x / 144 + y * y / 225 + z * z / 169,
                     inner = x * x / 36 + y * y / 81 + (z - 2) * (z - 2) / 25;
        made.image.at(i, j, k) = inner < 1 ? 200 : outer < 1 ? 100 : 0;
        made.labels.front().at(i, j, k) = inner < 1 ? 3 : 0;
      }
  return made;
}

double dice(const Volume& a, const Volume& b) {
  double both = 0, sum = 0;
  for (std::size_t v = 0; v < a.voxels.size(); ++v) {
    both += a.voxels[v] == 3 && b.voxels[v] == 3;
    sum += (a.voxels[v] == 3) + (b.voxels[v] == 3);
  }
  return 2 * both / sum;
}

class Registration : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::optional<Atlas> registered(
      const Atlas& target, const Atlas& atlas, const std::function<bool()>& stop = [] { return false; }) {
    SetUp();
    return register_atlas(target.image, atlas, kQuick, 1, folder_, stop);
  }
  const TemporaryFolder temporary_;
  const fs::path folder_ = temporary_ / "with a space";
};

TEST_F(Registration, BringsAnAtlasOntoTheTarget) {
  const Atlas target = head(0, 1), atlas = head(4, 1.15);
  const auto warped = registered(target, atlas);
  ASSERT_TRUE(warped);
  EXPECT_EQ(warped->image.geometry, target.image.geometry);
  ASSERT_EQ(warped->labels.size(), 1U);
  EXPECT_LT(dice(target.labels[0], atlas.labels[0]), 0.7);
  EXPECT_GT(dice(target.labels[0], warped->labels[0]), 0.9);  // of ellipsoids a few voxels across
  for (const std::int32_t label : warped->labels[0].voxels) EXPECT_TRUE(label == 0 || label == 3);
}

TEST_F(Registration, IsNotMisledByWhatLiesFarFromTheLabels) {
  Atlas target = head(0, 1);
  const Atlas atlas = head(4, 1.15);
  for (int k = 0; k < 8; ++k)  // a neck, that the atlas does not have
    for (int j = 10; j < 30; ++j)
      for (int i = 12; i < 28; ++i) target.image.at(i, j, k) = 100;
  const auto warped = registered(target, atlas);
  ASSERT_TRUE(warped);
  EXPECT_GT(dice(target.labels[0], warped->labels[0]), 0.9);
}

TEST_F(Registration, GivesTheSameAgain) {
  const Atlas target = head(0, 1), atlas = head(2, 1.1);
  const auto first = registered(target, atlas), second = registered(target, atlas);
  EXPECT_EQ(first->image.voxels, second->image.voxels);
  EXPECT_EQ(first->labels[0].voxels, second->labels[0].voxels);
}

TEST_F(Registration, SaysWhatElastixSaysWhereItFails) {
  Atlas unlabelled = head(0, 1);  // hence an empty mask
  std::ranges::fill(unlabelled.labels.front().voxels, 0);
  EXPECT_THAT([&] { registered(head(0, 1), unlabelled); },
              ThrowsMessage<std::runtime_error>(HasSubstr("elastix failed")));
}

TEST_F(Registration, EndsElastixWhenAskedToStop) {
  EXPECT_FALSE(registered(head(0, 1), head(4, 1.15), [] { return true; }));
}

TEST_F(Registration, KnowsElastixVersion) {
  EXPECT_THAT(elastix_version(), testing::ContainsRegex("elastix version: [0-9.]+"));
}

TEST_F(Registration, NamesThePackageWhereElastixIsMissing) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  EXPECT_THAT([&] { registered(head(0, 1), head(0, 1)); },
              ThrowsMessage<std::runtime_error>(HasSubstr("can't run elastix")));
  setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace crossfade::model
