#include "data/volumes/resample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

#include "data/random.hpp"
#include "tests/temporary_folder.hpp"

namespace crossfade::data {
namespace {

Geometry cube(int size, double spacing, double origin) {
  return {{size, size, size}, {{{spacing, 0, 0, origin}, {0, spacing, 0, origin}, {0, 0, spacing, origin}}}};
}

Volume<std::uint8_t> random_volume(int size, std::uint64_t values) {
  Volume<std::uint8_t> volume{cube(size, 1, 0),
                              std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * size))};
  Random random(9, Purpose::kSynthesis);
  for (std::uint8_t& voxel : volume.voxels) {
    voxel = static_cast<std::uint8_t>(random.below(values));
  }
  return volume;
}

/// The class of each target voxel by counting: source voxels are cut into `cut`^3 parts, so that a target voxel over
/// `span`/`cut` source voxels is exactly span^3 parts. `shift` parts lie between the two grids' edges.
std::vector<std::uint8_t> counted_majority(const Volume<std::uint8_t>& source, int target, int span, int cut,
                                           int shift) {
  const int size = source.geometry.size[0];
  std::vector<std::uint8_t> result;
  for (int k = 0; k < target; ++k) {
    for (int j = 0; j < target; ++j) {
      for (int i = 0; i < target; ++i) {
        std::array<int, 256> votes{};
        for (int c = 0; c < span; ++c) {
          for (int b = 0; b < span; ++b) {
            for (int a = 0; a < span; ++a) {
              const auto voxel = [&](int t, int part) {
                return static_cast<int>(std::floor(static_cast<double>(t * span + part + shift) / cut));
              };
              const int x = voxel(i, a), y = voxel(j, b), z = voxel(k, c);
              const bool inside = std::min({x, y, z}) >= 0 && std::max({x, y, z}) < size;
              ++votes[inside ? source.at(x, y, z) : 0];
            }
          }
        }
        result.push_back(static_cast<std::uint8_t>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
      }
    }
  }
  return result;
}

TEST(ResampleLabels, TakesTheClassThatFillsMostOfACoarserVoxelAndTheSmallerOfEquals) {
  const Volume<std::uint8_t> source = random_volume(16, 4);
  // The edges of both grids meet at -0.5 mm. Factor 2: ties abound.
  EXPECT_EQ(resample_labels(source, cube(8, 2, 0.5)).voxels, counted_majority(source, 8, 2, 1, 0));
  EXPECT_EQ(resample_labels(source, cube(6, 8.0 / 3, -0.5 + 4.0 / 3)).voxels, counted_majority(source, 6, 8, 3, 0));
  EXPECT_EQ(resample_labels(source, cube(10, 1.6, -0.5 + 0.8)).voxels, counted_majority(source, 10, 8, 5, 0));
}

TEST(ResampleLabels, CountsWhereRegionsMeetAndNotOnlyWithinThem) {
  // Bricks of 5 voxels: voxels within one and voxels across two or eight, and some that reach beyond the source.
  Volume<std::uint8_t> source = random_volume(24, 1);
  for (int k = 0; k < 24; ++k)
    for (int j = 0; j < 24; ++j)
      for (int i = 0; i < 24; ++i) source.at(i, j, k) = static_cast<std::uint8_t>((i / 5 + 3 * (j / 5) + k / 5) % 4);
  EXPECT_EQ(resample_labels(source, cube(9, 8.0 / 3, -0.5 + 4.0 / 3)).voxels, counted_majority(source, 9, 8, 3, 0));
  EXPECT_EQ(resample_labels(source, cube(12, 2, 0.5)).voxels, counted_majority(source, 12, 2, 1, 0));
  EXPECT_EQ(resample_labels(source, cube(15, 2, -2.5)).voxels, counted_majority(source, 15, 2, 1, -3));
}

TEST(ResampleLabels, OutsideIsNone) {
  const Volume<std::uint8_t> source = random_volume(8, 3);
  // Three source voxels beyond the edge on the one side, and more on the other.
  EXPECT_EQ(resample_labels(source, cube(8, 2, -2.5)).voxels, counted_majority(source, 8, 2, 1, -3));
}

TEST(ResampleLabels, TakesTheNearestOnAFinerGrid) {
  const Volume<std::uint8_t> source = random_volume(6, 5);
  const Volume<std::uint8_t> fine = resample_labels(source, cube(18, 1.0 / 3, -1.0 / 3));
  for (int k = 0; k < 18; ++k) {
    for (int j = 0; j < 18; ++j) {
      for (int i = 0; i < 18; ++i) {
        ASSERT_EQ(fine.at(i, j, k), source.at(i / 3, j / 3, k / 3));
      }
    }
  }
}

TEST(Resample, TheSameGridChangesNothing) {
  const Volume<std::uint8_t> source = random_volume(12, 256);
  EXPECT_EQ(resample_labels(source, source.geometry).voxels, source.voxels);
  EXPECT_EQ(resample_image(source, source.geometry).voxels, source.voxels);
}

TEST(Resample, RefusesGridsThatAreTurned) {
  const Volume<std::uint8_t> source = random_volume(4, 256);
  const double c = std::cos(0.1), s = std::sin(0.1);
  const Geometry turned{{4, 4, 4}, {{{c, -s, 0, 0}, {s, c, 0, 0}, {0, 0, 1, 0}}}};
  const Geometry flipped{{4, 4, 4}, {{{-1, 0, 0, 3}, {0, 1, 0, 0}, {0, 0, 1, 0}}}};
  for (const Geometry& target : {turned, flipped}) {
    EXPECT_THROW(resample_labels(source, target), std::invalid_argument);
    EXPECT_THROW(resample_image(source, target), std::invalid_argument);
  }
}

TEST(Resample, AnObliqueGridIsResampledAlongItsOwnAxes) {
  Volume<std::uint8_t> source = random_volume(8, 256);
  const double c = std::cos(0.3), s = std::sin(0.3);
  const Volume<std::uint8_t> upright = resample_image(source, cube(4, 2, 0.5));
  source.geometry.affine = {{{c, -s, 0, 5}, {s, c, 0, 6}, {0, 0, 1, 7}}};
  const Volume<std::uint8_t> oblique = resample_image(source, cube_around(source.geometry, 4, 8));
  EXPECT_EQ(oblique.voxels, upright.voxels);
}

TEST(ResampleImage, AgreesWithSciPy) {
  const TemporaryFolder folder;
  const Volume<std::uint8_t> source = random_volume(20, 256);
  std::ofstream(folder / "in", std::ios::binary)
      .write(reinterpret_cast<const char*>(source.voxels.data()), static_cast<std::streamsize>(source.voxels.size()));
  struct Case {
    int target;
    double scale, offset;
  };
  for (const Case& c : {Case{10, 2, 0.5}, Case{8, 8.0 / 3, 0.25}, Case{30, 0.7, -0.4}, Case{14, 2, -3.3}}) {
    std::string command = CROSSFADE_PYTHON " " CROSSFADE_TEST_SOURCES "/resample_reference.py ";
    command += (folder / "in").string() + ' ' + (folder / "out").string() + " 20 " + std::to_string(c.target);
    command += ' ' + std::to_string(c.scale) + ' ' + std::to_string(c.offset);
    ASSERT_EQ(std::system(command.c_str()), 0);
    const Volume<std::uint8_t> ours = resample_image(source, cube(c.target, c.scale, c.offset));
    std::vector<float> expected(ours.voxels.size());
    std::ifstream(folder / "out", std::ios::binary)
        .read(reinterpret_cast<char*>(expected.data()), static_cast<std::streamsize>(4 * expected.size()));
    for (std::size_t n = 0; n < expected.size(); ++n) {
      // Rounding to an integer, and single precision with 6 decimals of the command line.
      ASSERT_NEAR(ours.voxels[n], expected[n], 0.5 + 2e-3) << "voxel " << n << " at scale " << c.scale;
    }
  }
}

}  // namespace
}  // namespace crossfade::data
