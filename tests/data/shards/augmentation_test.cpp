#include "data/shards/augmentation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "data/labels/classes.hpp"

namespace crossfade::data {
namespace {

struct Slice {
  int height, width;
  std::vector<float> image;
  std::vector<std::uint8_t> labels;
  bool operator==(const Slice&) const = default;
};

/// Intensities 0..255 and labels 0..27 without a pattern.
Slice some_slice(int height, int width) {
  Slice slice{height, width, {}, {}};
  unsigned state = 12345;
  for (int p = 0; p < height * width; ++p) {
    state = state * 1664525U + 1013904223U;
    slice.image.push_back(static_cast<float>(state >> 24));
    slice.labels.push_back(static_cast<std::uint8_t>((state >> 16) % 28));
  }
  return slice;
}

Slice uniform_slice(int height, int width, float intensity, std::uint8_t label = 1) {
  const auto pixels = static_cast<std::size_t>(height * width);
  return {height, width, std::vector<float>(pixels, intensity), std::vector<std::uint8_t>(pixels, label)};
}

Slice augmented(Slice slice, const AugmentationOptions& options, std::uint32_t draw = 0, double pixel_mm = 2,
                double sd = 40) {
  const std::vector channels = {ChannelIntensities{.sd = sd}};
  augment({slice.image, slice.labels, slice.height, slice.width, {pixel_mm, pixel_mm}, channels}, options,
          Random(1, Purpose::kAugmentation, 0, 0, draw));
  return slice;
}

Slice moved(Slice slice, const InPlaneMovement& movement, const std::array<double, 2>& pixel_mm = {1, 1},
            double low = 0) {
  const std::vector channels = {ChannelIntensities{.low = low}};
  move_slice({slice.image, slice.labels, slice.height, slice.width, pixel_mm, channels}, movement);
  return slice;
}

/// Bilinear interpolation at whole pixels is exact but for the rounding of sine and cosine, 1e-16 relative, times
/// intensities up to 255, rounded to float.
constexpr double kRounding = 1e-4;

TEST(Augmentation, TouchesNothingWhereAllOptionsAreZero) {
  const Slice slice = some_slice(8, 6);
  EXPECT_EQ(augmented(slice, {}), slice);
}

TEST(Augmentation, IsTheSameForTheSameKeyAndAnotherForAnother) {
  const AugmentationOptions all{0.1, 0.3, 0.3, 0.1, 10, 0.1, 6};
  const Slice slice = some_slice(16, 12);
  EXPECT_EQ(augmented(slice, all, 7), augmented(slice, all, 7));
  EXPECT_NE(augmented(slice, all, 7).image, augmented(slice, all, 8).image);
}

TEST(Augmentation, TurnsInSpaceWherePixelsAreNoSquares) {
  // Pixels of 2 x 1 mm: a quarter turn takes what lies one pixel (2 mm) to the right to two pixels (2 mm) down.
  const Slice slice{5, 3, {0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0}, std::vector<std::uint8_t>(15, 0)};
  const Slice turned = moved(slice, {.degrees = 90}, {2, 1});
  EXPECT_NEAR(turned.image[4 * 3 + 1], 9, kRounding);
}

TEST(Augmentation, FillsWhatComesFromOutsideWithWhatStandsForNothing) {
  const Slice slice = uniform_slice(4, 4, -500);
  const Slice shifted = moved(slice, {.shift_x = 2}, {1, 1}, -1024);
  EXPECT_EQ(shifted.image[0], -1024);
  EXPECT_EQ(shifted.labels[0], 0);
  EXPECT_EQ(shifted.image[3], -500);
}

TEST(Augmentation, WorksOnWhatAValueIsAboveNothing) {
  // Of CT, where nothing is -1000 and the largest value 1000: gamma, bias and intensity leave nothing as it is, and
  // gamma leaves the largest.
  const std::vector channels = {ChannelIntensities{.sd = 100, .low = -1000, .high = 1000}};
  for (const AugmentationOptions& options :
       {AugmentationOptions{.gamma = 0.5}, AugmentationOptions{.bias = 0.5}, AugmentationOptions{.intensity = 0.3}}) {
    std::vector<float> image = {-1000, 0, 1000, 0};
    std::vector<std::uint8_t> labels(4, 1);
    augment({image, labels, 2, 2, {1, 1}, channels}, options, Random(1, Purpose::kAugmentation, 0, 0, 3));
    EXPECT_EQ(image[0], -1000);
    EXPECT_NE(image[1], 0);
    if (options.gamma > 0) {
      EXPECT_NEAR(image[2], 1000, 1e-3);
    }
  }
}

TEST(Augmentation, MovesAllChannelsAlikeAndDrawsTheRestForEach) {
  const std::vector channels = {ChannelIntensities{}, ChannelIntensities{}};
  std::vector<float> image(2 * 16);
  for (std::size_t p = 0; p < 16; ++p) image[p] = image[16 + p] = static_cast<float>(p * 7 % 11);
  std::vector<float> both = image;
  std::vector<std::uint8_t> labels(16, 1);
  augment({both, labels, 4, 4, {1, 1}, channels}, {.rotation = 40, .translation_mm = 1},
          Random(1, Purpose::kAugmentation, 0, 0, 2));
  EXPECT_NE(both, image);
  EXPECT_TRUE(std::equal(both.begin(), both.begin() + 16, both.begin() + 16));
  const std::vector<float> before = image;
  augment({image, labels, 4, 4, {1, 1}, channels}, {.intensity = 0.3}, Random(1, Purpose::kAugmentation, 0, 0, 2));
  EXPECT_FALSE(std::equal(image.begin(), image.begin() + 16, image.begin() + 16));
  // Noise of the first channel takes nothing from the second's draws.
  std::vector<float> noisy = before;
  augment({noisy, labels, 4, 4, {1, 1}, channels}, {.intensity = 0.3, .noise = 1e-9},
          Random(1, Purpose::kAugmentation, 0, 0, 2));
  for (std::size_t p = 0; p < 32; ++p) EXPECT_NEAR(noisy[p], image[p], 1e-4);
}

TEST(Augmentation, TurnsAQuarterFromXToY) {
  // In a 3 x 3 image, +x = (2, 1) goes to +y = (1, 2), that to -x = (0, 1), and so on around.
  const Slice slice{3, 3, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}};
  const Slice turned = moved(slice, {.degrees = 90});
  const std::vector<float> expected{6, 3, 0, 7, 4, 1, 8, 5, 2};
  for (std::size_t p = 0; p < 9; ++p) {
    EXPECT_NEAR(turned.image[p], expected[p], kRounding) << p;
    EXPECT_EQ(turned.labels[p], static_cast<std::uint8_t>(expected[p])) << p;
  }
}

TEST(Augmentation, ShiftsImageAndLabelsTogether) {
  const Slice slice = some_slice(8, 6);
  const Slice shifted = moved(slice, {.shift_x = 2, .shift_y = -1});
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 6; ++x) {
      const bool inside = x - 2 >= 0 && y + 1 < 8;
      const auto from = static_cast<std::size_t>((y + 1) * 6 + x - 2), to = static_cast<std::size_t>(y * 6 + x);
      EXPECT_NEAR(shifted.image[to], inside ? slice.image[from] : 0.0F, kRounding) << x << ", " << y;
      EXPECT_EQ(shifted.labels[to], inside ? slice.labels[from] : 0) << x << ", " << y;
    }
}

TEST(Augmentation, InterpolatesHalfAPixelAsTheMean) {
  const Slice shifted = moved({1, 4, {10, 20, 40, 80}, {1, 2, 3, 4}}, {.shift_x = 0.5});
  const std::vector<float> expected{5, 15, 30, 60};  // from the left comes 0
  for (std::size_t p = 0; p < 4; ++p) EXPECT_NEAR(shifted.image[p], expected[p], kRounding);
}

TEST(Augmentation, ZoomsAboutTheCentre) {
  // Twice as large: a pixel at distance d from the centre comes from d/2. 5 x 5, centre (2, 2).
  const Slice slice = some_slice(5, 5);
  const Slice zoomed = moved(slice, {.zoom = 2});
  EXPECT_NEAR(zoomed.image[2 * 5 + 2], slice.image[2 * 5 + 2], kRounding);
  EXPECT_NEAR(zoomed.image[0 * 5 + 4], slice.image[1 * 5 + 3], kRounding);
  EXPECT_NEAR(zoomed.image[2 * 5 + 3], (slice.image[2 * 5 + 2] + slice.image[2 * 5 + 3]) / 2, kRounding);
  EXPECT_EQ(zoomed.labels[4 * 5 + 0], slice.labels[3 * 5 + 1]);
}

TEST(Augmentation, KeepsShiftsWithinTheirMillimetres) {
  // 6 mm are 3 pixels of 2 mm: the bright pixel in the middle stays within 3 pixels (and one of interpolation).
  Slice slice = uniform_slice(21, 21, 0, 0);
  slice.image[10 * 21 + 10] = 200;
  double farthest = 0;
  for (std::uint32_t draw = 0; draw < 100; ++draw) {
    const Slice shifted = augmented(slice, {.translation_mm = 6}, draw);
    double mass = 0, x_mean = 0;
    for (int p = 0; p < 21 * 21; ++p) {
      const double value = shifted.image[static_cast<std::size_t>(p)];
      mass += value;
      x_mean += value * (p % 21 - 10);
    }
    EXPECT_NEAR(mass, 200, 1e-2);  // bilinear weights sum to 1
    farthest = std::max(farthest, std::abs(x_mean / mass));
  }
  EXPECT_LE(farthest, 3 + 1e-6);
  EXPECT_GT(farthest, 2.5);  // the greatest of 100 uniform draws is below 2.5 of 3 with probability (5/6)^100 = 1e-8
}

TEST(Augmentation, AddsGaussianNoiseUpToItsStandardDeviation) {
  // The sd of a slice is uniform in [0, 0.5 * 40 = 20]. With n = 10000 pixels an estimate has a relative error of
  // 1/sqrt(2n) = 0.7 %; the mean over 200 slices of sd/20 is 0.5 with a standard error of 0.29/sqrt(200) = 0.02.
  double mean_sd = 0, greatest = 0, kurtosis = 0;
  for (std::uint32_t draw = 0; draw < 200; ++draw) {
    const Slice noisy = augmented(uniform_slice(100, 100, 100), {.noise = 0.5}, draw);
    double sum = 0, squares = 0, fourth = 0;
    for (const float value : noisy.image) {
      const double d = static_cast<double>(value) - 100;
      sum += d;
      squares += d * d;
      fourth += d * d * d * d;
    }
    const double sd = std::sqrt(squares / 1e4);
    EXPECT_NEAR(sum / 1e4, 0, 6 * sd / 100 + 1e-6);  // six standard errors
    mean_sd += sd / 200;
    greatest = std::max(greatest, sd);
    kurtosis += fourth / 1e4 / (sd * sd * sd * sd) / 200;
  }
  EXPECT_NEAR(mean_sd / 20, 0.5, 0.1);  // five standard errors
  EXPECT_LE(greatest, 20 * 1.04);
  EXPECT_NEAR(kurtosis, 3, 0.02);  // of a Gaussian; standard error sqrt(24/1e4/200) = 0.0035
}

TEST(Augmentation, ScalesIntensitiesWithinTheirRange) {
  double low = 2, high = 0;
  for (std::uint32_t draw = 0; draw < 200; ++draw) {
    const Slice scaled = augmented(some_slice(4, 4), {.intensity = 0.2}, draw);
    const double factor = static_cast<double>(scaled.image[0]) / static_cast<double>(some_slice(4, 4).image[0]);
    for (std::size_t p = 0; p < 16; ++p)
      EXPECT_NEAR(scaled.image[p], factor * static_cast<double>(some_slice(4, 4).image[p]), 1e-3);
    low = std::min(low, factor);
    high = std::max(high, factor);
  }
  EXPECT_GE(low, 0.8 - 1e-6);
  EXPECT_LE(high, 1.2 + 1e-6);
  EXPECT_LT(low, 0.83);  // missed by 200 uniform draws with probability (1 - 0.03/0.4)^200 = 2e-7
  EXPECT_GT(high, 1.17);
}

TEST(Augmentation, GammaKeepsBlackAndWhiteAndTheOrderBetween) {
  const Slice ramp{1, 4, {0, 64, 128, 255}, {0, 1, 2, 3}};
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const Slice curved = augmented(ramp, {.gamma = 0.4}, draw);
    EXPECT_EQ(curved.image[0], 0);
    EXPECT_NEAR(curved.image[3], 255, 1e-3);
    EXPECT_TRUE(std::is_sorted(curved.image.begin(), curved.image.end()));
    // Both middle pixels give the same exponent, within its range; 1e-5 is float's precision.
    const double first = std::log(static_cast<double>(curved.image[1]) / 255) / std::log(64.0 / 255);
    const double second = std::log(static_cast<double>(curved.image[2]) / 255) / std::log(128.0 / 255);
    EXPECT_NEAR(first, second, 1e-5);
    EXPECT_LE(std::abs(std::log(first)), 0.4 + 1e-5);
    EXPECT_EQ(curved.labels, ramp.labels);
  }
}

TEST(Augmentation, BiasIsSmoothAndWithinItsPeak) {
  double greatest = 0;
  for (std::uint32_t draw = 0; draw < 100; ++draw) {
    const Slice shaded = augmented(uniform_slice(64, 64, 100), {.bias = 0.5}, draw);
    for (std::size_t p = 0; p + 1 < 64 * 64; ++p) {
      const double field = std::log(static_cast<double>(shaded.image[p]) / 100);
      greatest = std::max(greatest, std::abs(field));
      if (p % 64 == 63) continue;
      // Up to one wave over 64 pixels. By Bernstein's inequality, a trigonometric polynomial in pi x/64 of order 2 with
      // values within 0.5 changes by at most 2 * pi/64 * 0.5 a pixel.
      const double next = std::log(static_cast<double>(shaded.image[p + 1]) / 100);
      EXPECT_LE(std::abs(next - field), 2 * 3.1416 / 64 * 0.5 * 1.05);
    }
  }
  EXPECT_LE(greatest, 0.5 + 1e-5);
  EXPECT_GT(greatest, 0.4);  // the peak is uniform in [0, 0.5]: 100 draws all miss it with probability 0.8^100 = 2e-10
}

TEST(Augmentation, DrawsTheSameForOneOptionWhicheverOthersAreOn) {
  const Slice slice = some_slice(8, 6);
  const Slice alone = augmented(slice, {.intensity = 0.2}, 3);
  const Slice both = augmented(slice, {.intensity = 0.2, .rotation = 30}, 3);
  const double factor = static_cast<double>(alone.image[0]) / static_cast<double>(slice.image[0]);
  const Slice turned = augmented(slice, {.rotation = 30}, 3);
  EXPECT_EQ(both.labels, turned.labels);
  for (std::size_t p = 0; p < slice.image.size(); ++p)
    EXPECT_NEAR(both.image[p], factor * static_cast<double>(turned.image[p]), 1e-3);
}

/// First columns and first rows of many squares in a slice of 10 x 20 whose labelled pixels are [left, right] x
/// [top, bottom].
std::pair<std::set<int>, std::set<int>> places(int left, int right, int top, int bottom, int side) {
  std::vector<std::uint8_t> labels(10 * 20, 0);
  labels.back() = kIgnored;  // which is no label
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x) labels[static_cast<std::size_t>(y * 20 + x)] = 3;
  std::set<int> columns, rows;
  for (std::uint32_t n = 0; n < 500; ++n) {
    const Square square = place_square(labels, 10, 20, side, Random(1, Purpose::kCrop, n));
    EXPECT_EQ(square.side, side);
    columns.insert(square.x);
    rows.insert(square.y);
  }
  return {columns, rows};
}

TEST(PlaceSquare, HoldsTheLabelledPixelsWhereTheyFitAndTakesEveryPlaceThatDoes) {
  // Columns 9 to 11 in a square of 6 columns: it begins at 6 to 9. Rows 1 to 3: at 0 or 1.
  EXPECT_EQ(places(9, 11, 1, 3, 6), (std::pair<std::set<int>, std::set<int>>{{6, 7, 8, 9}, {0, 1}}));
}

TEST(PlaceSquare, LiesAmongTheLabelledPixelsWhereTheyDoNotFit) {
  // Columns 4 to 12, 9 of them, in a square of 6: it begins at 4 to 7. Rows 0 to 9 in 6: at 0 to 4.
  EXPECT_EQ(places(4, 12, 0, 9, 6), (std::pair<std::set<int>, std::set<int>>{{4, 5, 6, 7}, {0, 1, 2, 3, 4}}));
}

TEST(PlaceSquare, LiesAnywhereWithoutALabel) {
  const auto [columns, rows] = places(0, -1, 0, -1, 6);
  EXPECT_EQ(columns.size(), 15U);
  EXPECT_EQ(rows.size(), 5U);
}

}  // namespace
}  // namespace crossfade::data
