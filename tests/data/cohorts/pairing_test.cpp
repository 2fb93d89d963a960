#include "data/cohorts/pairing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "data/volumes/background.hpp"

namespace crossfade::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::array<int, 3> kSize{20, 24, 16};

Geometry grid(std::array<int, 3> size = kSize) {
  return {size, {{{1, 0, 0, -10}, {0, 1, 0, -12}, {0, 0, 1, -8}}}};
}

/// Black but for a box of 100 to 110 from voxel 5 to 14 on each axis.
Volume<float> head() {
  Volume<float> image{grid(), std::vector<float>(grid().voxels(), 0.0F)};
  for (int k = 5; k < 15; ++k)
    for (int j = 5; j < 15; ++j)
      for (int i = 5; i < 15; ++i) image.at(i, j, k) = static_cast<float>(100 + i - 5);
  return image;
}

/// White matter (2) in a box of 4 x 4 x 4 from voxel `first` on, and an id that no table names beside it.
Volume<std::int32_t> labels_at(std::array<int, 3> first, const Geometry& of = grid()) {
  Volume<std::int32_t> labels{of, std::vector<std::int32_t>(of.voxels(), 0)};
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < 4; ++i) labels.at(first[0] + i, first[1] + j, first[2] + k) = 2;
  labels.at(0, 0, 0) = 9999;
  return labels;
}

LabelPlacement placed(const Volume<std::int32_t>& labels, const Volume<float>& image = head()) {
  return place_labels(labels, label_table("freesurfer"), image);
}

TEST(GeometryOfLabels, RefusesAMirroredHeadOfTheImagesSize) {
  // An affine that was lost: nibabel's base affine runs to the left where the image runs to the right.
  const Geometry image = grid();
  Geometry lost = image;
  lost.affine = {{{-1, 0, 0, 9.5}, {0, 1, 0, -11.5}, {0, 0, 1, -7.5}}};
  const auto place = [&](const std::string& geometry) {
    return geometry_of_labels({.grid = lost, .file = "l/s1.nii"}, {.grid = image, .file = "i/s1.nii"}, geometry);
  };
  EXPECT_THAT([&] { place("checked"); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("l/s1.nii"), HasSubstr("i/s1.nii"),
                                                      HasSubstr("[-1 0 0 9.5]"), HasSubstr("[1 0 0 -10]"),
                                                      HasSubstr("20 x 24 x 16"), HasSubstr("geometry: image"))));
  EXPECT_EQ(place("image"), image);
  EXPECT_EQ(place("files"), lost);
}

TEST(GeometryOfLabels, OfPicturesHaveTheirSize) {
  const GridOfFile image{.grid = grid({60, 48, 1}), .file = "i/p1.png"};
  for (const char* geometry : {"checked", "files"})
    EXPECT_THAT(
        [&] {
          geometry_of_labels({.grid = grid({30, 24, 1}), .file = "l/p1.tif"}, image, geometry);
        },
        ThrowsMessage<std::runtime_error>("l/p1.tif: has 30 x 24 x 1 pixels and its image i/p1.png 60 x 48 x 1, "
                                          "expected the same, as pictures don't say where they lie"));
  EXPECT_EQ(geometry_of_labels({.grid = image.grid, .file = "l/p1.png"}, image, "checked"), image.grid);
}

TEST(GeometryOfLabels, AllowsATenthOfAMillimetreAndGridsOfOtherSizes) {
  const Geometry image = grid();
  const auto place = [&](const Geometry& labels, const std::string& geometry) {
    return geometry_of_labels({.grid = labels, .file = "l"}, {.grid = image, .file = "i"}, geometry);
  };
  Geometry near = image;
  near.affine[0][3] += 0.09;
  EXPECT_EQ(place(near, "checked"), near);
  near.affine[0][3] += 0.02;
  EXPECT_THROW(place(near, "checked"), std::runtime_error);
  // Turned by 0.01: corners up to 16 mm from the origin move by up to 0.16 mm, though the origin stays.
  Geometry turned = image;
  turned.affine[0][1] = -0.01;
  turned.affine[1][0] = 0.01;
  EXPECT_THROW(place(turned, "checked"), std::runtime_error);
  const Geometry other = {{10, 12, 8}, {{{-2, 0, 0, 30}, {0, 2, 0, 0}, {0, 0, 2, 0}}}};
  EXPECT_EQ(place(other, "checked"), other);
  EXPECT_THAT([&] { place(other, "image"); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("10 x 12 x 8"), HasSubstr("20 x 24 x 16"))));
}

TEST(BackgroundOf, IsTheValueOfHalfOfTheBorderOrNothing) {
  EXPECT_EQ(background_of(head()), 0.0F);
  Volume<float> ramp = head();
  for (std::size_t v = 0; v < ramp.voxels.size(); ++v) ramp.voxels[v] = static_cast<float>(v);
  EXPECT_EQ(background_of(ramp), std::nullopt);
  const Volume<float> standardised{grid(), std::vector<float>(grid().voxels(), -1.5F)};
  EXPECT_EQ(background_of(standardised), -1.5F);
  const Volume<float> row{{{3, 1, 1}, grid().affine}, {7, 7, 1}};
  EXPECT_EQ(background_of(row), 7.0F);
  const Volume<float> picture{{{4, 4, 1}, grid().affine}, {0, 0, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 0}};
  EXPECT_EQ(background_of(picture), 0.0F);
  Volume<float> saturated = picture;
  for (float& value : saturated.voxels) value = value > 0 ? 255 : 3;
  for (const std::size_t p : {1U, 2U, 13U, 14U, 4U}) saturated.voxels[p] = static_cast<float>(p);
  EXPECT_EQ(background_of(saturated), 3.0F) << "of its border, not of its area";
  for (const std::array<int, 3> size : {std::array{4, 1, 4}, std::array{1, 4, 4}}) {
    const Volume<float> turned{{size, grid().affine}, saturated.voxels};
    EXPECT_EQ(background_of(turned), 3.0F) << "a slice whose normal is another axis, " << size[0] << " voxels wide";
  }
}

TEST(PlaceLabels, CountsWhatLiesInsideOnBackgroundAndOutside) {
  EXPECT_EQ(placed(labels_at({6, 6, 6})).labelled, 64U);
  EXPECT_EQ(misplaced_share(placed(labels_at({6, 6, 6}))), 0);
  // Voxels 3 and 4 of the first axis are black, 5 and 6 are not.
  EXPECT_EQ(placed(labels_at({3, 6, 6})).on_background, 32U);
  // The labels' grid lies 2 mm lower: of 4 layers from voxel 0 on, two lie below the image, two on its background.
  Geometry lower = grid({20, 24, 12});
  lower.affine[2][3] -= 2;
  const LabelPlacement below = placed(labels_at({6, 6, 0}, lower));
  EXPECT_EQ(below.outside, 32U);
  EXPECT_EQ(below.on_background, 32U);
  EXPECT_EQ(misplaced_share(below), 1);
}

TEST(PlaceLabels, OfAnImageWithoutABackgroundCountsOutsideAlone) {
  Volume<float> image = head();
  for (std::size_t v = 0; v < image.voxels.size(); ++v) image.voxels[v] = static_cast<float>(v) - 1000;
  const LabelPlacement placement = placed(labels_at({0, 0, 0}), image);
  EXPECT_EQ(placement.on_background, 0U);
  EXPECT_EQ(placement.negative, 39U) << "i + 20 j + 480 k is below 1000 in 40 of 64, of which one has another id";
}

TEST(RequireOnImage, RefusesFromMoreThanHalfOnByName) {
  const auto require = [](const LabelPlacement& placement) { require_on_image(placement, "l/s1.nii", "i/s1.nii"); };
  EXPECT_NO_THROW(require({.labelled = 64, .outside = 0, .on_background = 32, .negative = 0}));
  EXPECT_THAT([&] { require({.labelled = 200, .outside = 50, .on_background = 51, .negative = 0}); },
              ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("l/s1.nii"), HasSubstr("i/s1.nii"),
                                                      HasSubstr("200 labelled voxels 25 % lie outside"),
                                                      HasSubstr("25.5 % on its background"))));
  EXPECT_NO_THROW(require({}));
}

TEST(RequireContents, RefusesImagesThatWouldBeBlack) {
  const auto require = [](std::vector<float> voxels, const std::string& intensity = "t1") {
    require_contents({{{static_cast<int>(voxels.size()), 1, 1}, grid().affine}, std::move(voxels)}, intensity,
                     "i/s1.nii");
  };
  EXPECT_NO_THROW(require({-2, -1}, "ct"));
  EXPECT_THROW(require({-2, -2}, "none"), std::runtime_error);
  EXPECT_NO_THROW(require({-2, 0, 1}));
  EXPECT_THAT(
      [&] {
        require({0, 0, 0});
      },
      ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("i/s1.nii: is empty"), HasSubstr("every voxel is 0"))));
  EXPECT_THAT(
      [&] {
        require({-3, -1, 0});
      },
      ThrowsMessage<std::runtime_error>(AllOf(HasSubstr("i/s1.nii: has no voxel above 0"), HasSubstr("-3"))));
}

}  // namespace
}  // namespace crossfade::data
