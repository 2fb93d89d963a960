#include "data/volumes/conform_image.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "data/volumes/conform.hpp"
#include "data/volumes/image.hpp"

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;

// The part of the cube that nibabel_volumes.py writes; the small volumes lie within.
constexpr int kBlockStart = 111, kBlock = 32;

Geometry block_of(Geometry cube) {
  cube.size = {kBlock, kBlock, kBlock};
  for (auto& row : cube.affine) row[3] += kBlockStart * (row[0] + row[1] + row[2]);
  return cube;
}

template <class T>
std::vector<T> read_raw(const fs::path& file, std::size_t count) {
  std::vector<T> numbers(count);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(numbers.data()), static_cast<std::streamsize>(count * sizeof(T)));
  EXPECT_TRUE(in) << file;
  return numbers;
}

/// A folder of volumes in 48 orientations as NIfTI and MGZ, and what nibabel makes of them; made once.
class ConformImage : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("crossfade-conform-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    const std::string command =
        std::string(CROSSFADE_PYTHON) + " " CROSSFADE_TEST_SOURCES "/nibabel_volumes.py conform " + folder_.string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static fs::path volume(int n, const std::string& name, const std::string& format) {
    return folder_ / (std::to_string(n) + "." + name + "." + format + (format == "nii" && n % 2 == 1 ? ".gz" : ""));
  }
  static fs::path reference(int n, const std::string& format, const std::string& what) {
    return folder_ / (std::to_string(n) + "." + format + "." + what);
  }

  static fs::path folder_;
};
fs::path ConformImage::folder_;

/// Values are from 0 to 1000 and as rough as can be: 1e-6 of a voxel, the rounding of float32 in a header, is 1e-3.
void expect_scan(const Volume<float>& block, const fs::path& reference) {
  const auto expected = read_raw<float>(reference, block.voxels.size());
  int inside = 0, undecided = 0;
  for (std::size_t v = 0; v < expected.size(); ++v) {
    inside += expected[v] > 0 ? 1 : 0;
    if (std::isnan(expected[v]))
      ++undecided;
    else
      ASSERT_NEAR(block.voxels[v], expected[v], 5e-3) << reference << " " << v;
  }
  // 17 * 12 * 9 voxels, from face to face, of 0.7 * 1.25 * 2.1 cubic millimetres are 3374.
  EXPECT_NEAR(inside, 3374, 300) << reference;
  EXPECT_LT(undecided, 50) << reference;
}

void expect_labels(const Volume<std::int32_t>& block, const fs::path& reference) {
  const auto expected = read_raw<std::int32_t>(reference, block.voxels.size());
  int inside = 0, undecided = 0;
  for (std::size_t v = 0; v < expected.size(); ++v) {
    inside += expected[v] > 0 ? 1 : 0;
    if (expected[v] < 0)
      ++undecided;
    else
      ASSERT_EQ(block.voxels[v], expected[v]) << reference << " " << v;
  }
  // 15 * 13 * 10 voxels, from face to face, of 0.8 * 1.1 * 1.9 cubic millimetres are 3260.
  EXPECT_NEAR(inside, 3260, 300) << reference;
  EXPECT_LT(undecided, 100) << reference;
}

TEST_F(ConformImage, PutsScanAndLabelsWhereNibabelDoesInAll48OrientationsAndBothFormats) {
  for (const std::string format : {"nii", "mgz"})
    for (int n = 0; n < 48; ++n) {
      const Volume<float> scan = read_image(volume(n, "scan", format));
      const Volume<std::int32_t> labels = read_labels(volume(n, "labels", format));
      const Geometry cube = conformed_grid(scan.geometry);
      const auto affine = read_raw<double>(reference(n, format, "affine"), 12);
      for (std::size_t e = 0; e < 12; ++e)
        ASSERT_NEAR(cube.affine[e / 4][e % 4], affine[e], 1e-5) << n;  // mm; 127 times the rounding of float32
      expect_scan(resample_linear(scan, block_of(cube)), reference(n, format, "linear"));
      expect_labels(nearest_on(labels, block_of(cube)), reference(n, format, "nearest"));
      expect_scan(resample_linear(scan, block_of(conformed_grid(labels.geometry))), reference(n, format, "turned"));
    }
}

TEST_F(ConformImage, ReadsScansOfEveryTypeWithSlopeAndIntercept) {
  const auto values = read_raw<float>(folder_ / "value.raw", 60);
  for (const char* type :
       {"uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"}) {
    const Volume<float> scan = read_image(folder_ / (std::string(type) + ".nii"));
    EXPECT_EQ(scan.geometry.size, (std::array<int, 3>{3, 4, 5})) << type;
    EXPECT_EQ(scan.voxels, values) << type;
  }
}

TEST_F(ConformImage, RefusesWhatIsNoScanByName) {
  for (const std::string name : {"four.nii", "colours.nii", "missing.nii.gz"}) {
    std::string message;
    try {
      read_image(folder_ / name);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_NE(message.find(name), std::string::npos) << name << ": " << message;
  }
}

TEST_F(ConformImage, FillsTheRestOfTheCubeWithZeros) {
  for (const int n : {0, 21}) {
    const Volume<float> scan = read_image(volume(n, "scan", "mgz"));
    const Volume<float> image = conform_image(scan), block = resample_linear(scan, block_of(image.geometry));
    EXPECT_EQ(image.geometry.size, (std::array<int, 3>{256, 256, 256}));
    double outside = 0;
    for (int k = 0; k < 256; ++k)
      for (int j = 0; j < 256; ++j)
        for (int i = 0; i < 256; ++i) {
          const int x = i - kBlockStart, y = j - kBlockStart, z = k - kBlockStart;
          if (std::min({x, y, z}) >= 0 && std::max({x, y, z}) < kBlock)
            ASSERT_NEAR(image.at(i, j, k), block.at(x, y, z), 1e-3);
          else
            outside += std::abs(image.at(i, j, k));
        }
    EXPECT_EQ(outside, 0);
  }
}

/// A scan of 1 mm with axes left, inferior, anterior, as FreeSurfer's, of voxels that are all different.
Volume<float> millimetre_scan(std::array<int, 3> size) {
  Volume<float> scan{{size, {{{-1, 0, 0, 30.3}, {0, 0, 1, -12.7}, {0, -1, 0, 8.1}}}}, {}};
  scan.voxels.resize(scan.geometry.voxels());
  std::iota(scan.voxels.begin(), scan.voxels.end(), 1.0F);
  return scan;
}

TEST(ConformMillimetres, KeepsEveryVoxelToTheBorderInSpiteOfRoundingInTheHeader) {
  for (const double rounding : {0.0, 1e-6, -1e-6}) {
    Volume<float> scan = millimetre_scan({11, 8, 6});
    scan.geometry.affine[0][0] -= rounding;
    scan.geometry.affine[1][2] += rounding;
    const Volume<float> image = conform_image(scan);
    // RAS+ sizes are 11, 6, 8. Their middle voxels, by (size - 1) / 2, are 5, 2 and 3, and lie on voxel 127; so the
    // first ones lie on 122, 125 and 124. i and (inferior) j run backwards.
    for (int k = 0; k < 6; ++k)
      for (int j = 0; j < 8; ++j)
        for (int i = 0; i < 11; ++i)
          ASSERT_NEAR(image.at(122 + 10 - i, 125 + k, 124 + 7 - j), scan.at(i, j, k), 0.01);  // of 1 to 528
    const double sum = std::accumulate(scan.voxels.begin(), scan.voxels.end(), 0.0);
    EXPECT_NEAR(std::accumulate(image.voxels.begin(), image.voxels.end(), 0.0), sum, 1);
  }
}

TEST(ConformMillimetres, LeavesACubeOf256AsItIs) {
  Geometry grid;
  grid.size = {256, 256, 256};
  grid.affine = {{{1, 0, 0, -127.5}, {0, 1, 0, -100}, {0, 0, 1, -90.25}}};
  EXPECT_EQ(conformed_grid(grid), grid);
}

TEST(ResampleLinear, MixesTheEightVoxelsAroundAPosition) {
  // f = 1 + i + 10 j + 100 k on 2 x 2 x 2 voxels is linear, so at (0.25, 0.5, 0.75) it is 1 + 0.25 + 5 + 75.
  Volume<float> scan{{{2, 2, 2}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, {1, 2, 11, 12, 101, 102, 111, 112}};
  Geometry target = scan.geometry;
  target.size = {1, 1, 1};
  for (std::size_t axis = 0; axis < 3; ++axis) target.affine[axis][3] = 0.25 * static_cast<double>(axis + 1);
  EXPECT_FLOAT_EQ(resample_linear(scan, target).voxels[0], 81.25F);
  target.affine[2][3] = 1.49;  // in the outer half of the outer voxel: as at its centre, 1 + 0.25 + 5 + 100
  EXPECT_FLOAT_EQ(resample_linear(scan, target).voxels[0], 106.25F);
  target.affine[2][3] = 1.51;  // outside
  EXPECT_EQ(resample_linear(scan, target).voxels[0], 0);
}

TEST(ResampleLinear, FillsThickSlicesToTheirFaces) {
  // Two slices of 5 mm at 0 and 5 are there from -2.5 to 7.5: 10 of 12 positions a millimetre apart, from -3 on.
  Volume<float> scan{{{1, 1, 2}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 5, 0}}}}, {10, 20}};
  const Geometry target{{1, 1, 12}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, -3}}}};
  EXPECT_EQ(resample_linear(scan, target).voxels, (std::vector<float>{0, 10, 10, 10, 12, 14, 16, 18, 20, 20, 20, 0}));
}

TEST(ResampleLinear, TakesAScanOfOneSlice) {
  Volume<float> scan{{{2, 1, 1}, {{{2, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}}, {4, 8}};
  Geometry target{{3, 1, 1}, {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}}};
  EXPECT_EQ(resample_linear(scan, target).voxels, (std::vector<float>{4, 6, 8}));
}

TEST(ResampleLinear, RefusesASingularAffine) {
  Volume<float> scan = millimetre_scan({2, 2, 2});
  const Geometry target = scan.geometry;
  scan.geometry.affine[1] = scan.geometry.affine[0];
  EXPECT_THROW(resample_linear(scan, target), std::runtime_error);
  EXPECT_THROW(conformed_grid(scan.geometry), std::runtime_error);
}

Volume<float> row_of(std::vector<float> voxels) {
  return {{{static_cast<int>(voxels.size()), 1, 1}, {}}, std::move(voxels)};
}

TEST(ToUint8, PutsThePercentileOfTheVoxelsAboveZeroAt255) {
  // Above 0 are 10, 20, 30, 40 and 50; the median, position floor(0.5 * 4), is 30. 255 / 30 is 8.5.
  const Volume<float> scan = row_of({0, -7, 10, 40, 20, 50, 0, 30, 1, 0});
  EXPECT_EQ(to_uint8(row_of({0, -7, 10, 40, 20, 50, 0, 30, 0}), 50).voxels,
            (std::vector<std::uint8_t>{0, 0, 85, 255, 170, 255, 0, 255, 0}));
  // With 1 among them the 100th percentile is 50: 255 / 50 is 5.1, so 1 becomes 5, 10 51, 30 153.
  EXPECT_EQ(to_uint8(scan, 100).voxels, (std::vector<std::uint8_t>{0, 0, 51, 204, 102, 255, 0, 153, 5, 0}));
}

TEST(ToUint8, DoesNotMindAThousandthOfHugeVoxels) {
  std::vector<float> voxels(10000);
  std::iota(voxels.begin(), voxels.end(), 1.0F);
  const std::vector<std::uint8_t> before = to_uint8(row_of(voxels)).voxels;
  std::fill(voxels.end() - 10, voxels.end(), 1e30F);
  EXPECT_EQ(to_uint8(row_of(voxels)).voxels, before);
  // 99.9 of 10000 voxels from 1 on: position floor(0.999 * 9999) = 9989 holds 9990.
  EXPECT_EQ(before[9989], 255);
  EXPECT_EQ(before[4994], 128);  // 4995 is half of it: 127.5 goes up
  EXPECT_EQ(before[4993], 127);
}

TEST(ToUint8, DividesByNoZero) {
  EXPECT_EQ(to_uint8(row_of({0, 0, 0})).voxels, (std::vector<std::uint8_t>{0, 0, 0}));
  EXPECT_EQ(to_uint8(row_of({-2, -2})).voxels, (std::vector<std::uint8_t>{0, 0}));
  EXPECT_EQ(to_uint8(row_of({3, 3, 3})).voxels, (std::vector<std::uint8_t>{255, 255, 255}));
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(to_uint8(row_of({0, tiny, 2 * tiny}), 100).voxels, (std::vector<std::uint8_t>{0, 128, 255}));
}

TEST(ToUint8, TakesWhatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_uint8(row_of({nan, infinity, -infinity, 51, 255}), 100).voxels,
            (std::vector<std::uint8_t>{0, 255, 0, 51, 255}));
}

TEST(ToUint8, RefusesAPercentileThatIsNone) {
  for (const double percentile : {0.0, -1.0, 100.1, std::nan("")})
    EXPECT_THROW(to_uint8(row_of({1}), percentile), std::invalid_argument) << percentile;
}

}  // namespace
}  // namespace crossfade::data
