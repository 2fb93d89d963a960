#include "data/anatomy/synthesis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "data/anatomy/smooth_field.hpp"
#include "data/anatomy/tissues.hpp"

namespace crossfade::data {
namespace {

Geometry grid_of(int size) {
  return {{size, size, size}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}};
}

Volume<std::int32_t> uniform(int size, std::int32_t id) {
  return {grid_of(size), std::vector<std::int32_t>(static_cast<std::size_t>(size * size * size), id)};
}

/// Left half `a`, right half `b`.
Volume<std::int32_t> halves(int size, std::int32_t a, std::int32_t b) {
  Volume<std::int32_t> ids = uniform(size, a);
  for (std::size_t n = 0; n < ids.voxels.size(); ++n) {
    ids.voxels[n] = static_cast<int>(n) % size < size / 2 ? a : b;
  }
  return ids;
}

struct Moments {
  double mean, sd;
};

template <class Pixels>
Moments moments(const Pixels& values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const auto value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  return {sum / count, std::sqrt(squares / count - sum * sum / count / count)};
}

SynthesisOptions nothing() {
  return {0, 0, 0, 0, 0};
}
Random stream(std::uint32_t scan) {
  return {1, Purpose::kSynthesis, scan};
}

TEST(SynthesiseT1, WithoutVariationATissueHasItsTablesMeanAndTexture) {
  for (const std::int32_t id : {2, 42, 13}) {
    const Tissue tissue = tissues()[tissue_of(id)];
    const Moments seen = moments(synthesise_t1(uniform(32, id), nothing(), stream(0)).voxels);
    // 32768 voxels: 5 standard errors; the sd of rounding, 1/sqrt(12), adds in squares.
    EXPECT_NEAR(seen.mean, tissue.mean, 5 * tissue.texture / std::sqrt(32768.0));
    EXPECT_NEAR(seen.sd, std::hypot(tissue.texture, 0.289), 5 * tissue.texture / std::sqrt(2 * 32768.0));
  }
}

TEST(SynthesiseT1, NoiseIsRician) {
  SynthesisOptions options = nothing();
  options.noise = 12;
  // Of air it is Rayleigh: mean sd * sqrt(pi/2), sd sd * sqrt(2 - pi/2).
  const Moments air = moments(synthesise_t1(uniform(40, 0), options, stream(0)).voxels);
  EXPECT_NEAR(air.mean, 12 * std::sqrt(std::acos(-1.0) / 2), 0.2);
  EXPECT_NEAR(air.sd, 12 * std::sqrt(2 - std::acos(-1.0) / 2), 0.2);
  // Far above the noise it is Gaussian, lifted by sd^2 / (2 signal).
  const Tissue white = tissues()[tissue_of(2)];
  const Moments signal = moments(synthesise_t1(uniform(40, 2), options, stream(0)).voxels);
  EXPECT_NEAR(signal.mean, white.mean + 144 / (2 * white.mean), 0.4);
  EXPECT_NEAR(signal.sd, std::hypot(white.texture, 12), 0.3);
}

std::array<float, 2> pair_of_normals(Random& random) {
  const float angle = 2 * std::numbers::pi_v<float> * 0x1p-32F * static_cast<float>(random.bits());
  const float u = 0x1p-32F * static_cast<float>(random.bits()) + 0x1p-33F;
  const float length = std::sqrt(std::max(0.0F, -2 * std::log(u)));
  return {length * std::cos(angle), length * std::sin(angle)};
}

std::uint8_t byte_of(float value, double exponent) {
  if (exponent != 1) value = 255 * std::pow(std::min(value, 255.0F) / 255, static_cast<float>(exponent));
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

/// `stream` behind what is drawn before the voxels of a cube of 64.
Random at_voxels(Random stream) {
  stream.normal();  // the gain
  SmoothField(grid_of(64), 70, 1, stream);
  for (std::size_t t = 0; t < tissues().size(); ++t) stream.normal();
  return stream;
}

// Noise goes by tables of random words; here by the formula.
TEST(SynthesiseT1, NoiseIsRoundedFromItsExactValue) {
  SynthesisOptions options = nothing();
  for (const double noise : {4.0, 0.3, 60.0})
    for (const double exponent : {1.0, 0.6, 1.9}) {
      options.noise = noise;
      const auto strength = static_cast<float>(noise);
      Random random = at_voxels(stream(0));
      for (const std::uint8_t voxel :
           synthesise_t1(uniform(64, 0), options, stream(0), {.exponent = exponent}).voxels) {
        const float u = 0x1p-32F * static_cast<float>(random.bits()) + 0x1p-33F;
        ASSERT_EQ(voxel, byte_of(strength * std::sqrt(std::max(0.0F, -2 * std::log(u))), exponent));
      }
      const Tissue tissue = tissues()[tissue_of(24)];
      random = at_voxels(stream(0));
      std::vector<float> signal;
      while (signal.size() < 64 * 64 * 64)
        for (const float normal : pair_of_normals(random))
          signal.push_back(static_cast<float>(tissue.mean) + static_cast<float>(tissue.texture) * normal);
      const Volume<std::uint8_t> image = synthesise_t1(uniform(64, 24), options, stream(0), {.exponent = exponent});
      for (std::size_t v = 0; v < signal.size(); ++v) {
        if (!(signal[v] > 0)) break;  // some 4 sd below: a voxel of air
        const auto [real, imaginary] = pair_of_normals(random);
        const float in_phase = signal[v] + strength * real, quadrature = strength * imaginary;
        ASSERT_EQ(image.voxels[v], byte_of(std::sqrt(in_phase * in_phase + quadrature * quadrature), exponent)) << v;
      }
    }
}

TEST(SynthesiseT1, BlurLeavesTheMeanAndMixesNeighbours) {
  SynthesisOptions options = nothing();
  options.blur_mm = 1.5;
  const int size = 32;
  const Volume<std::uint8_t> image = synthesise_t1(halves(size, 2, 24), options, stream(0));
  std::vector<double> profile(static_cast<std::size_t>(size), 0);
  for (int k = 8; k < 24; ++k) {
    for (int j = 8; j < 24; ++j) {
      for (int i = 0; i < size; ++i) {
        profile[static_cast<std::size_t>(i)] += image.at(i, j, k) / 256.0;
      }
    }
  }
  const double white = tissues()[tissue_of(2)].mean, fluid = tissues()[tissue_of(24)].mean;
  for (int i = 8; i < 24; ++i) {
    // A blurred edge is a normal distribution function; here summed over voxels, from the edge at 15.5.
    double share = 0;
    for (int n = -12; n <= 12; ++n) {
      share += (i + n < 16 ? 1 : 0) * std::exp(-n * n / 4.5) / (1.5 * std::sqrt(2 * std::acos(-1.0)));
    }
    // Texture left after blur: below 1 a voxel, 256 voxels a plane but correlated.
    EXPECT_NEAR(profile[static_cast<std::size_t>(i)], fluid + share * (white - fluid), 0.5) << i;
  }
}

TEST(SynthesiseT1, BothSidesOfAStructureShareTheirMeanAndScansDoNot) {
  SynthesisOptions options = nothing();
  options.contrast = 1;
  std::vector<double> means;
  for (std::uint32_t scan = 0; scan < 60; ++scan) {
    const Volume<std::uint8_t> image = synthesise_t1(halves(16, 13, 52), options, stream(scan));
    double left = 0, right = 0;
    for (std::size_t n = 0; n < image.voxels.size(); ++n) {
      (n % 16 < 8 ? left : right) += image.voxels[n] / 2048.0;
    }
    EXPECT_NEAR(left, right, 5 * 6 * std::sqrt(2 / 2048.0));
    means.push_back(left);
  }
  // Spread of the tissue and 5 % of gain; the sd of 60 draws is good to 9 %, and 3.5 of these.
  const Tissue pallidum = tissues()[tissue_of(13)];
  EXPECT_NEAR(moments(means).sd, std::hypot(pallidum.spread, 0.05 * pallidum.mean), 0.33 * 7.8);
}

TEST(SynthesiseT1, TheBiasFieldIsSmoothAndOfTheStatedPeak) {
  SynthesisOptions options = nothing();
  options.bias = 0.4;
  options.blur_mm = 3;  // takes the texture away
  const int size = 96;
  const Volume<std::uint8_t> image = synthesise_t1(uniform(size, 2), options, stream(2));
  const double white = tissues()[tissue_of(2)].mean;
  double peak = 0, steepest = 0;
  for (int k = 14; k < size - 14; ++k) {  // the blur darkens the border
    for (int j = 14; j < size - 14; ++j) {
      for (int i = 14; i < size - 14; ++i) {
        const double here = std::log(image.at(i, j, k) / white);
        peak = std::max(peak, std::abs(here));
        steepest = std::max(steepest, std::abs(here - std::log(image.at(i - 8, j, k) / white)) / 8);
      }
    }
  }
  EXPECT_LT(peak, 0.4 + 0.03);
  EXPECT_GT(peak, 0.1);
  EXPECT_LT(steepest, 0.4 / 20);  // no faster than the peak within 2 cm
}

TEST(SynthesiseT1, IsAFunctionOfItsStream) {
  const Volume<std::int32_t> ids = halves(24, 2, 507);
  EXPECT_EQ(synthesise_t1(ids, {}, stream(1)).voxels, synthesise_t1(ids, {}, stream(1)).voxels);
  EXPECT_NE(synthesise_t1(ids, {}, stream(1)).voxels, synthesise_t1(ids, {}, stream(2)).voxels);
}

TEST(SynthesiseT1, UnknownIdsAreSoftTissue) {
  EXPECT_EQ(tissue_of(4711), tissue_of(507));
  EXPECT_EQ(tissue_of(-1), tissue_of(507));
  EXPECT_EQ(tissue_of(1012), tissue_of(3));
  EXPECT_EQ(tissue_of(0), 0U);
}

TEST(Deform, ZeroMovesNothing) {
  const Volume<std::int32_t> ids = phantom_head(1, 0);
  EXPECT_EQ(deform(ids, 0, stream(1)).voxels, ids.voxels);
}

TEST(SmoothField, HasTheStatedSpreadAndFarPlacesAreIndependent) {
  Random random(8, Purpose::kDeformation);
  double sum = 0, squares = 0, far = 0, near = 0;
  constexpr int kFields = 3000;
  const Geometry grid{{200, 1, 1}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}};
  for (int n = 0; n < kFields; ++n) {
    SmoothField field(grid, 36, 2, random);
    const std::vector<float>& row = field.row(0, 0);
    // j and k sit on knots, where the spread is a little above its average; i is taken at an average phase.
    sum += row[10];
    squares += row[10] * row[10];
    far += row[10] * row[190];
    near += row[10] * row[12];
  }
  // 3000 draws: the variance is good to 2.6 %, and its systematic excess on knots is (0.5 / 0.479)^2 = 9 %.
  EXPECT_NEAR(sum / kFields, 0, 5 * 2 / std::sqrt(3000.0));
  EXPECT_NEAR(squares / kFields, 4, 4 * 0.2);
  EXPECT_NEAR(far / kFields, 0, 5 * 4 / std::sqrt(3000.0));
  EXPECT_GT(near / squares, 0.98);
}

TEST(SmoothField, StaysWithinItsBound) {
  Random random(5, Purpose::kDeformation);
  SmoothField field(grid_of(40), 8, 2, random);
  float largest = 0;
  for (int k = 0; k < 40; ++k)
    for (int j = 0; j < 40; ++j)
      for (const float value : field.row(j, k)) largest = std::max(largest, std::abs(value));
  EXPECT_LE(largest, field.bound() * 1.00001F);
  EXPECT_GT(largest, 0.3F * field.bound()) << "a bound that says something";
}

TEST(Deform, MovesWhatIsSmallInALargeVolumeAsAnyVoxelOfIt) {
  // One corner at the edge of the grid, where the edge voxel continues outside, and all else far from it.
  Volume<std::int32_t> ids = uniform(64, 0);
  for (int k = 0; k < 64; ++k)
    for (int j = 20; j < 30; ++j)
      for (int i = 0; i < 12; ++i) ids.at(i, j, k) = 1 + i + 12 * (j - 20);
  const Volume<std::int32_t> moved = deform(ids, 3, stream(7));
  Random random = stream(7);
  std::array<SmoothField, 3> shift{SmoothField(ids.geometry, 36, 3, random), SmoothField(ids.geometry, 36, 3, random),
                                   SmoothField(ids.geometry, 36, 3, random)};
  for (int k = 0; k < 64; ++k)
    for (int j = 0; j < 64; ++j)
      for (int i = 0; i < 64; ++i) {
        const auto from = [&](std::size_t axis, int index) {
          const float place = static_cast<float>(index) + shift[axis].row(j, k)[static_cast<std::size_t>(i)];
          return std::clamp(static_cast<int>(std::floor(place + 0.5F)), 0, 63);
        };
        ASSERT_EQ(moved.at(i, j, k), ids.at(from(0, i), from(1, j), from(2, k)));
      }
}

TEST(Deform, DefaultDisplacementsDoNotFold) {
  // The Jacobian determinant of x + u(x) on a head's grid, by central differences, every 6 voxels.
  Random random(3, Purpose::kDeformation);
  const Geometry grid = grid_of(256);
  std::array<SmoothField, 3> u{SmoothField(grid, 36, 2, random), SmoothField(grid, 36, 2, random),
                               SmoothField(grid, 36, 2, random)};
  double smallest = 1e9;
  for (int k = 6; k < 250; k += 6) {
    for (int j = 6; j < 250; j += 6) {
      std::array<std::array<std::vector<float>, 5>, 3> rows;
      for (std::size_t a = 0; a < 3; ++a) {
        rows[a] = {u[a].row(j, k), u[a].row(j - 1, k), u[a].row(j + 1, k), u[a].row(j, k - 1), u[a].row(j, k + 1)};
      }
      for (std::size_t i = 6; i < 250; i += 6) {
        std::array<std::array<double, 3>, 3> m{};
        for (std::size_t a = 0; a < 3; ++a) {
          m[a] = {(rows[a][0][i + 1] - rows[a][0][i - 1]) / 2, (rows[a][2][i] - rows[a][1][i]) / 2,
                  (rows[a][4][i] - rows[a][3][i]) / 2};
          m[a][a] += 1;
        }
        const double det = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
        smallest = std::min(smallest, det);
      }
    }
  }
  EXPECT_GT(smallest, 0.3);
}

TEST(Deform, MovesVoxelsByAboutTheStatedDistance) {
  // Ids that say where they were.
  Volume<std::int32_t> places = uniform(120, 0);
  std::iota(places.voxels.begin(), places.voxels.end(), 0);
  const Volume<std::int32_t> moved = deform(places, 3, stream(5));
  double squares = 0;
  int count = 0;
  for (int k = 20; k < 100; k += 4) {
    for (int j = 20; j < 100; j += 4) {
      for (int i = 20; i < 100; i += 4, ++count) {
        const int from = moved.at(i, j, k);
        squares += std::pow(from % 120 - i, 2) + std::pow(from / 120 % 120 - j, 2) + std::pow(from / 14400 - k, 2);
      }
    }
  }
  // Few knots lie in the volume, so that a single field's spread is good to some 35 %.
  EXPECT_NEAR(std::sqrt(squares / 3 / count), 3, 1.2);
}

TEST(ScanStyle, IsPlainWhereNothingIsAskedFor) {
  const ScanStyle style = draw_style({}, stream(3));
  EXPECT_FALSE(style.stripped || style.air_is_zero);
  EXPECT_EQ(style.exponent, 1);
  EXPECT_EQ(style.thickness_mm, 0);
  EXPECT_TRUE(style.outside.empty());
  EXPECT_EQ(synthesise_t1(halves(16, 2, 516), {}, stream(3), style).voxels,
            synthesise_t1(halves(16, 2, 516), {}, stream(3)).voxels);
}

TEST(ScanStyle, DrawsSharesOfScansAndOneOptionLeavesTheOthers) {
  SynthesisOptions options;
  options.stripped = 0.3;
  options.air = 0.6;
  options.outside = 0.5;
  int stripped = 0, air = 0, outside = 0;
  double logarithms = 0, largest = 0, thickness = 0;
  std::array<int, 3> along{};
  for (std::uint32_t scan = 0; scan < 2000; ++scan) {
    const ScanStyle style = draw_style(options, stream(scan));
    stripped += style.stripped ? 1 : 0;
    air += style.air_is_zero ? 1 : 0;
    outside += style.outside.empty() ? 0 : 1;
    SynthesisOptions more = options;
    more.gamma = 0.5;
    more.resolution_mm = 6;
    const ScanStyle drawn = draw_style(more, stream(scan));
    EXPECT_EQ(drawn.outside, style.outside);
    logarithms += std::log(drawn.exponent);
    largest = std::max(largest, std::abs(std::log(drawn.exponent)));
    EXPECT_GE(drawn.thickness_mm, 0);
    EXPECT_LE(drawn.thickness_mm, 6);
    thickness += drawn.thickness_mm;
    ++along.at(drawn.axis);
  }
  // Uniform over a width of 1 and of 6: five standard errors. That none of 2000 is beyond 0.45 has a chance of 1e-91.
  EXPECT_NEAR(logarithms / 2000, 0, 5 / std::sqrt(12.0 * 2000));
  EXPECT_GT(largest, 0.45);
  EXPECT_LE(largest, 0.5);
  EXPECT_NEAR(thickness / 2000, 3, 5 * 6 / std::sqrt(12.0 * 2000));
  for (const int scans : along) EXPECT_NEAR(scans / 2000.0, 1 / 3.0, 5 * std::sqrt(2.0 / 9 / 2000));
  // Five standard deviations of a share of 2000.
  EXPECT_NEAR(stripped / 2000.0, 0.3, 5 * std::sqrt(0.3 * 0.7 / 2000));
  EXPECT_NEAR(air / 2000.0, 0.6, 5 * std::sqrt(0.6 * 0.4 / 2000));
  EXPECT_NEAR(outside / 2000.0, 0.5, 5 * std::sqrt(0.25 / 2000));
}

TEST(ScanStyle, StripsAllOutsideTheBrainAndTheFluidAroundItInSome) {
  for (const std::int32_t id : {500, 516, 999, 24}) {
    const auto brightest = [&](const ScanStyle& style) {
      return std::ranges::max(synthesise_t1(uniform(8, id), nothing(), stream(1), style).voxels);
    };
    EXPECT_GT(brightest({}), 0) << id;
    EXPECT_EQ(brightest({.stripped = true, .stripped_csf = true}), 0) << id;
    EXPECT_EQ(brightest({.stripped = true}) > 0, id == 24) << id;
  }
  EXPECT_GT(std::ranges::max(synthesise_t1(uniform(8, 1020), nothing(), stream(1), {.stripped = true}).voxels), 0)
      << "a parcel of the cortex";
}

TEST(ScanStyle, TakesTissuesOutsideTheBrainAtTheMeansDrawnForThem) {
  ScanStyle style;
  style.outside.assign(tissues().size(), 200);
  const Tissue marrow = tissues()[tissue_of(516)], white = tissues()[tissue_of(2)];
  EXPECT_NEAR(moments(synthesise_t1(uniform(24, 516), nothing(), stream(1), style).voxels).mean, 200,
              5 * marrow.texture / std::sqrt(13824.0));
  EXPECT_NEAR(moments(synthesise_t1(uniform(24, 2), nothing(), stream(1), style).voxels).mean, white.mean,
              5 * white.texture / std::sqrt(13824.0));
}

TEST(ScanStyle, MakesPatchesInTissuesOutsideTheBrainAlone) {
  ScanStyle style;
  style.outside.assign(tissues().size(), 40);
  style.patches.assign(tissues().size(), 200);
  const auto dark_and_bright = [&](std::int32_t id) {
    int dark = 0, bright = 0;
    for (const std::uint8_t voxel : synthesise_t1(uniform(96, id), nothing(), stream(1), style).voxels)
      ++(voxel < 120 ? dark : bright);
    return std::array{dark, bright};
  };
  const auto [dark, bright] = dark_and_bright(507);
  EXPECT_GT(std::min(dark, bright), 0.2 * 96 * 96 * 96) << "about half and half";
  EXPECT_EQ(std::ranges::min(dark_and_bright(17)), 0) << "the hippocampus is no patchwork";
}

TEST(ScanStyle, LeavesNoNoiseInAirAndBendsIntensities) {
  SynthesisOptions options = nothing();
  options.noise = 10;
  const Volume<std::uint8_t> image = synthesise_t1(halves(16, 0, 2), options, stream(1), {.air_is_zero = true});
  EXPECT_EQ(image.at(2, 8, 8), 0);
  EXPECT_GT(image.at(12, 8, 8), 0);
  const Volume<std::uint8_t> plain = synthesise_t1(uniform(8, 2), nothing(), stream(1));
  const Volume<std::uint8_t> bent = synthesise_t1(uniform(8, 2), nothing(), stream(1), {.exponent = 2});
  for (std::size_t v = 0; v < plain.voxels.size(); ++v)  // half a unit of rounding, times the slope 2 * v / 255
    ASSERT_NEAR(bent.voxels[v], std::pow(plain.voxels[v] / 255.0, 2) * 255, 1.6);
}

// A step between 62 and 110 under a slice profile of full width 6 mm: an error function of sd 6 / 2.355.
TEST(ScanStyle, BlursAlongOneAxisAsThickSlicesDo) {
  const ScanStyle style{.thickness_mm = 6, .axis = 0};
  const Volume<std::uint8_t> image = synthesise_t1(halves(48, 2, 507), nothing(), stream(1), style);
  const double white = tissues()[tissue_of(2)].mean, soft = tissues()[tissue_of(507)].mean, sd = 6 / 2.3548;
  for (int i = 16; i < 32; ++i) {
    double mean = 0;
    for (int k = 8; k < 40; ++k)
      for (int j = 8; j < 40; ++j) mean += image.at(i, j, k) / 1024.0;
    const double share = 0.5 * (1 + std::erf((i + 0.5 - 24) / sd / std::sqrt(2.0)));  // of the right half
    EXPECT_NEAR(mean, white + share * (soft - white), 1.5) << i;
  }
}

}  // namespace
}  // namespace crossfade::data
