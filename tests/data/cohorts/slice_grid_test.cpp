#include "data/cohorts/slice_grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace crossfade::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Canonical axes.
Geometry grid_of(std::array<int, 3> size, std::array<double, 3> mm) {
  return {size, {{{mm[0], 0, 0, 0}, {0, mm[1], 0, 0}, {0, 0, mm[2], 0}}}};
}

CohortSpec own_spec(GridSpec grid = {}) {
  CohortSpec spec;
  spec.source = "scans";
  spec.classes = R"({"A": 1})";
  spec.grid = std::move(grid);
  return spec;
}

TEST(SliceGrid, IsDerivedFromTheMedianSpacingAndTheLargestSubject) {
  const std::vector<Geometry> images = {grid_of({40, 50, 30}, {1, 1, 1}), grid_of({33, 60, 20}, {1, 1, 1}),
                                        grid_of({35, 49, 25}, {2, 1, 1})};
  const SliceGrid grid = slice_grid(own_spec(), images);
  EXPECT_EQ(grid.plane, "axial") << "a tie";
  EXPECT_THAT(grid.mm, ElementsAre(1, 1));
  EXPECT_EQ(grid.width, 80) << "70 mm of the third, at 1 mm";
  EXPECT_EQ(grid.height, 64);
  EXPECT_EQ(grid.slice_mm, 0) << "native";
  EXPECT_FALSE(grid.own_spacing()) << "slices are 1 mm apart in all";
  const CohortSpec said = stated(own_spec(), grid);
  EXPECT_EQ(said.axis, "axial");
  EXPECT_EQ(said.grid, (GridSpec{.width = 80, .height = 64, .mm = "1", .slice_mm = "native"}));
  const SliceGrid again = slice_grid(said, {images[0]});
  EXPECT_EQ(again.width, 80) << "what is said is not derived again";
}

TEST(SliceGrid, CutsAcrossTheThickestVoxels) {
  EXPECT_EQ(slice_grid(own_spec(), {grid_of({64, 24, 64}, {0.9, 3, 0.8})}).plane, "coronal");
  EXPECT_EQ(slice_grid(own_spec(), {grid_of({24, 64, 64}, {3, 1, 1})}).plane, "sagittal");
  EXPECT_EQ(slice_grid(own_spec(), {grid_of({24, 64, 64}, {1.005, 1, 1})}).plane, "axial") << "rounding";
  EXPECT_EQ(slice_grid(own_spec(), {grid_of({512, 512, 400}, {0.8, 0.8, 0.5})}).plane, "axial") << "thin slices of CT";
  EXPECT_EQ(slice_grid(own_spec(), {grid_of({20, 20, 1}, {1.5, 1.5, 1})}).plane, "axial") << "a single slice";
  const SliceGrid coronal = slice_grid(own_spec(), {grid_of({64, 24, 50}, {0.9, 3, 0.8})});
  EXPECT_THAT(coronal.mm, ElementsAre(0.9, 0.8)) << "right by superior";
  EXPECT_EQ(coronal.height, 64);
  CohortSpec axial = own_spec();
  axial.axis = "axial";
  EXPECT_EQ(slice_grid(axial, {grid_of({64, 24, 64}, {0.9, 3, 0.8})}).plane, "axial");
}

TEST(SliceGrid, OfASmallSpacingIsThatSpacingStill) {
  // As headers have it: in single precision. Rounded to 1e-5 mm these would be 0.00387 and 0.00033 mm.
  for (const auto& [stored, mm] : {std::pair(0.00387167F, 0.00387167), std::pair(0.000325F, 0.000325)}) {
    const double own = static_cast<double>(stored);
    const Geometry image = grid_of({2048, 2000, 16}, {own, own, own});
    const SliceGrid grid = slice_grid(own_spec(), {image});
    EXPECT_THAT(grid.mm, ElementsAre(mm, mm));
    EXPECT_THAT(grid.spacing, ElementsAre(mm, mm, mm)) << "between slices too";
    EXPECT_EQ(grid.width, 2048);
    EXPECT_EQ(grid.height, 2000) << "a multiple of 16";
    EXPECT_EQ(stated(own_spec(), grid).grid.mm, mm < 0.001 ? "0.000325" : "0.00387167");
    const Geometry slices = slices_of(grid, image);
    EXPECT_EQ(slices.affine, image.affine) << "voxels meet voxels";
    EXPECT_EQ(slices.size, image.size);
  }
}

TEST(SliceGrid, OfACommonSpacingIsRoundedAsItWas) {
  // Single precision has 0.699999988 for 0.7; 0.390625 is 200 mm / 512, of which 1e-5 mm is still the same spacing.
  const auto mm = [](float stored) {
    const double own = static_cast<double>(stored);
    return slice_grid(own_spec(), {grid_of({512, 512, 9}, {own, own, 3})}).mm[0];
  };
  EXPECT_EQ(mm(0.7F), 0.7);
  EXPECT_EQ(mm(0.390625F), 0.39063);
  EXPECT_EQ(mm(0.9765625F), 0.97656);
}

TEST(SliceGrid, OfTheCubeIsWhatItWas) {
  CohortSpec spec;
  spec.size = 128;
  EXPECT_EQ(slice_grid(spec, {}).cube, 128);
  EXPECT_EQ(cube_size(CohortSpec{}), 256);
  EXPECT_EQ(cube_size(own_spec()), std::nullopt);
  const Geometry image = grid_of({100, 120, 90}, {1, 1, 1});
  EXPECT_EQ(slices_of(slice_grid(spec, {}), image).size, (std::array<int, 3>{128, 128, 128}));
}

TEST(SliceGrid, SaysWhereSpacingsVaryByMoreThanATwentieth) {
  const std::vector<Geometry> images = {grid_of({16, 16, 9}, {1, 1, 3}), grid_of({16, 16, 9}, {1, 1, 3.6})};
  const SliceGrid grid = slice_grid(own_spec(), images);
  EXPECT_TRUE(grid.own_spacing());
  const std::vector<Remark> remarks = remarks_on_spacing(grid, images, {"a", "b"});
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_EQ(remarks[0].text, "spacing between slices varies from 3 mm (a) to 3.6 mm (b)");
  const std::vector<Geometry> near = {images[0], grid_of({16, 16, 9}, {1, 1, 3.1})};
  EXPECT_TRUE(remarks_on_spacing(slice_grid(own_spec(), near), near, {"a", "b"}).empty());
  EXPECT_TRUE(slice_grid(own_spec(), near).own_spacing());
}

TEST(SliceGrid, KeepsVoxelsWhereSpacingsAgree) {
  Volume<float> image{grid_of({5, 4, 3}, {2, 2, 5}), {}};
  for (int v = 0; v < 60; ++v) image.voxels.push_back(static_cast<float>(v) + 0.5F);
  const SliceGrid grid = slice_grid(own_spec({.width = 16, .height = 2, .mm = "2", .slice_mm = ""}), {image.geometry});
  const Geometry target = slices_of(grid, image.geometry);
  EXPECT_EQ(target.size, (std::array<int, 3>{16, 2, 3}));
  const std::vector<float> values = on_slices(image, target, -9);
  // Voxel (5 - 1) / 2 of the image lies on voxel (16 - 1) / 2 of the slices, (4 - 1) / 2 on (2 - 1) / 2.
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 2; ++j)
      for (int i = 0; i < 16; ++i) {
        const int x = i - 5, y = j + 1;
        const float expected = x >= 0 && x < 5 ? image.at(x, y, k) : -9;
        ASSERT_EQ(values[static_cast<std::size_t>(i + 16 * (j + 2 * k))], expected) << i << ' ' << j << ' ' << k;
      }
  Volume<std::uint8_t> classes{image.geometry, std::vector<std::uint8_t>(60, kIgnored)};
  classes.at(2, 1, 0) = 7;
  const std::vector<std::uint8_t> labels = on_slices(classes, target);
  EXPECT_EQ(labels[7], 7);
  EXPECT_EQ(labels[6], kIgnored);
  EXPECT_EQ(labels[0], 0) << "outside";
}

// A ramp stays a ramp under a symmetric filter and linear interpolation, away from the edges.
TEST(SliceGrid, ResamplesARampAsARampAndRoundsWhatWereIntegers) {
  Volume<float> image{grid_of({64, 8, 2}, {1, 1, 4}), {}};
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 8; ++j)
      for (int i = 0; i < 64; ++i) image.voxels.push_back(static_cast<float>(10 * i) - 300.25F);
  const SliceGrid grid =
      slice_grid(own_spec({.width = 32, .height = 8, .mm = "2 1", .slice_mm = ""}), {image.geometry});
  const Geometry target = slices_of(grid, image.geometry);
  EXPECT_EQ(target.spacing(), (std::array<double, 3>{2, 1, 4}));
  const std::vector<float> values = on_slices(image, target, -300.25F);
  for (int i = 6; i < 26; ++i) {
    // Voxel i of 2 mm, 32 of them around the middle of 64 of 1 mm, has its centre at 2 i + 0.5.
    EXPECT_NEAR(values[static_cast<std::size_t>(i)], 10 * (2 * i + 0.5) - 300.25, 1e-3) << i;
  }
  for (float& value : image.voxels) value -= 0.75F;  // integers now
  for (const float value : on_slices(image, target, -301)) ASSERT_EQ(value, std::round(value));
}

TEST(SliceGrid, DoesNotFadeAtTheEndsOfAnImage) {
  const Volume<float> image{grid_of({16, 16, 10}, {1, 1, 1}), std::vector<float>(2560, 1005)};
  const SliceGrid grid =
      slice_grid(own_spec({.width = 16, .height = 16, .mm = "1", .slice_mm = " 5 "}), {image.geometry});
  EXPECT_EQ(grid.slice_mm, 5);
  for (const float value : on_slices(image, slices_of(grid, image.geometry), -1000)) ASSERT_NEAR(value, 1005, 1e-2);
  EXPECT_EQ(
      slice_grid(own_spec({.width = 16, .height = 16, .mm = "1", .slice_mm = " native "}), {image.geometry}).slice_mm,
      0);
}

TEST(SliceGrid, RefusesPixelsThatNoNetCouldTake) {
  EXPECT_THROW(
      slice_grid(own_spec({.width = 0, .height = 0, .mm = "0.001", .slice_mm = ""}), {grid_of({20, 20, 5}, {1, 1, 1})}),
      std::runtime_error);
}

TEST(SliceGrid, KeepsItsPlaceInSpaceWhateverTheOrientation) {
  // i to posterior, j to superior, k to the left: 3 mm slices are sagittal.
  const Geometry image = {{20, 30, 10}, {{{0, 0, -3, 40}, {-1, 0, 0, 20}, {0, 1, 0, -10}}}};
  const SliceGrid grid = slice_grid(own_spec(), {reorient(image, to_canonical(image))});
  EXPECT_EQ(grid.plane, "sagittal");
  EXPECT_EQ(grid.width, 32);
  EXPECT_EQ(grid.height, 32);
  const Geometry slices = slices_of(grid, turned_to(image, grid.plane));
  EXPECT_EQ(slices.size, (std::array<int, 3>{32, 32, 10}));
  EXPECT_NEAR(slices.spacing()[2], 3, 1e-12);
  // The first slice is the one furthest to the left: k = 9 of the image, x = 40 - 27.
  EXPECT_NEAR(slices.affine[0][3], 13, 1e-12);
  EXPECT_NEAR(slices.affine[0][2], 3, 1e-12);
}

}  // namespace
}  // namespace crossfade::data
