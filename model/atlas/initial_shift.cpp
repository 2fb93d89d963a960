#include "model/atlas/initial_shift.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "data/volumes/affine.hpp"

namespace crossfade::model {
namespace {

constexpr double kStepMm = 8;
constexpr int kReach = 10;  // steps
constexpr int kBins = 16;
constexpr double kNothing = 1e-9;  // mutual information that is rounding

using Histogram = std::array<std::array<int, kBins>, kBins>;
using Index = std::array<int, 3>;

/// Mean intensities of blocks of some 8 mm, as bins of 16.
data::Volume<std::uint8_t> blocks_of(const data::Volume<std::int32_t>& image) {
  data::Volume<std::uint8_t> blocks{image.geometry, {}};
  const auto spacing = image.geometry.spacing();
  Index width{};
  for (std::size_t a = 0; a < 3; ++a) {
    width[a] = std::clamp(static_cast<int>(std::lround(kStepMm / spacing[a])), 1, image.geometry.size[a]);
    blocks.geometry.size[a] = image.geometry.size[a] / width[a];
    for (auto& row : blocks.geometry.affine) {
      row[3] += row[a] * (width[a] - 1) / 2;
      row[a] *= width[a];
    }
  }
  const Index& size = blocks.geometry.size;
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j)
      for (int i = 0; i < size[0]; ++i) {
        std::int64_t sum = 0;
        for (int z = 0; z < width[2]; ++z)
          for (int y = 0; y < width[1]; ++y)
            for (int x = 0; x < width[0]; ++x) sum += image.at(i * width[0] + x, j * width[1] + y, k * width[2] + z);
        const std::int64_t mean = sum / (static_cast<std::int64_t>(width[0]) * width[1] * width[2]);
        blocks.voxels.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(mean * kBins / 256, 0, kBins - 1)));
      }
  return blocks;
}

double mutual_information(const Histogram& joint, double count) {
  std::array<double, kBins> rows{}, columns{};
  for (std::size_t a = 0; a < kBins; ++a)
    for (std::size_t b = 0; b < kBins; ++b) {
      rows[a] += joint[a][b];
      columns[b] += joint[a][b];
    }
  double sum = 0;
  for (std::size_t a = 0; a < kBins; ++a)
    for (std::size_t b = 0; b < kBins; ++b)
      if (joint[a][b] > 0) sum += joint[a][b] * std::log(joint[a][b] * count / (rows[a] * columns[b]));
  return sum / count;
}

std::array<double, 3> centre(const data::Geometry& grid) {
  return {(grid.size[0] - 1) / 2.0, (grid.size[1] - 1) / 2.0, (grid.size[2] - 1) / 2.0};
}

/// 0, 1, -1, 2, -2 and so on: of equal shifts the smallest comes first.
std::vector<int> offsets() {
  std::vector<int> all = {0};
  for (int o = 1; o <= kReach; ++o) all.insert(all.end(), {o, -o});
  return all;
}

}  // namespace

std::array<double, 3> initial_shift(const data::Volume<std::int32_t>& target, const data::Volume<std::int32_t>& atlas) {
  const auto fixed = blocks_of(target), moving = blocks_of(atlas);
  const data::Affine map = data::index_map(fixed.geometry.affine, moving.geometry.affine);
  const auto from = centre(fixed.geometry), to = centre(moving.geometry);
  const auto mapped = data::apply(map, from[0], from[1], from[2]);

  std::vector<Index> beneath;  // of each block of the target, that of the atlas where the centres lie together
  for (int k = 0; k < fixed.geometry.size[2]; ++k)
    for (int j = 0; j < fixed.geometry.size[1]; ++j)
      for (int i = 0; i < fixed.geometry.size[0]; ++i) {
        const auto at = data::apply(map, i, j, k);
        Index nearest{};
        for (std::size_t a = 0; a < 3; ++a) nearest[a] = static_cast<int>(std::lround(at[a] + to[a] - mapped[a]));
        beneath.push_back(nearest);
      }

  double best = 0;
  Index found{};
  const Index& size = moving.geometry.size;
  for (const int z : offsets())
    for (const int y : offsets())
      for (const int x : offsets()) {
        Histogram joint{};
        for (std::size_t v = 0; v < beneath.size(); ++v) {
          const int i = beneath[v][0] + x, j = beneath[v][1] + y, k = beneath[v][2] + z;
          const bool inside = i >= 0 && i < size[0] && j >= 0 && j < size[1] && k >= 0 && k < size[2];
          ++joint[fixed.voxels[v]][inside ? moving.at(i, j, k) : 0];
        }
        const double information = mutual_information(joint, static_cast<double>(beneath.size()));
        if (information > best + kNothing) {
          best = information;
          found = {x, y, z};
        }
      }

  if (best <= kNothing)
    throw std::runtime_error("one of the two images is the same everywhere: nothing to register by");
  std::array<double, 3> shift{};
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t a = 0; a < 3; ++a) shift[row] += moving.geometry.affine[row][a] * (to[a] - mapped[a] + found[a]);
  return shift;
}

}  // namespace crossfade::model
