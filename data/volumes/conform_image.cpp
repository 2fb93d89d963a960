#include "data/volumes/conform_image.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <string>

#include "data/volumes/affine.hpp"
#include "data/volumes/conform.hpp"

namespace crossfade::data {
namespace {

/// The two voxels around a position along an axis, and how much the second weighs.
struct Neighbours {
  int low = 0, high = 0;
  double weight = 0;
};

/// Whether `position` is within the voxels of the axis; sets `found` if so. In the outer half of an outer voxel there
/// is no second neighbour: the edge's value holds.
bool find(double position, int size, Neighbours& found) {
  constexpr double kRounding = 1e-4;  // voxels; headers hold float32
  const double last = size - 1;
  if (!(position >= -0.5 - kRounding && position < last + 0.5 - kRounding)) return false;
  const double inside = std::clamp(position, 0.0, last);
  found.low = static_cast<int>(inside);
  found.high = std::min(found.low + 1, size - 1);
  found.weight = inside - found.low;
  return true;
}

double mix(double a, double b, double weight) {
  return a + weight * (b - a);
}

}  // namespace

Volume<float> resample_linear(const Volume<float>& image, const Geometry& target) {
  Volume<float> result{target, std::vector<float>(target.voxels(), 0.0F)};
  const auto& size = image.geometry.size;
  const Affine map = index_map(target.affine, image.geometry.affine);
  Neighbours x, y, z;
  for (int k = 0; k < target.size[2]; ++k)
    for (int j = 0; j < target.size[1]; ++j)
      for (int i = 0; i < target.size[0]; ++i) {
        const auto position = [&](std::size_t axis) {
          return map[axis][0] * i + map[axis][1] * j + map[axis][2] * k + map[axis][3];
        };
        if (!find(position(0), size[0], x) || !find(position(1), size[1], y) || !find(position(2), size[2], z))
          continue;
        const auto along_x = [&](int row, int slice) {
          return mix(image.at(x.low, row, slice), image.at(x.high, row, slice), x.weight);
        };
        const double below = mix(along_x(y.low, z.low), along_x(y.high, z.low), y.weight);
        const double above = mix(along_x(y.low, z.high), along_x(y.high, z.high), y.weight);
        result.at(i, j, k) = static_cast<float>(mix(below, above, z.weight));
      }
  return result;
}

Volume<float> conform_image(const Volume<float>& image) {
  return resample_linear(image, conformed_grid(image.geometry));
}

Volume<std::uint8_t> to_uint8(const Volume<float>& image, double percentile) {
  if (!(percentile > 0 && percentile <= 100))
    throw std::invalid_argument("a percentile is above 0 and at most 100, not " + std::to_string(percentile));
  std::vector<float> above;
  std::copy_if(image.voxels.begin(), image.voxels.end(), std::back_inserter(above),
               [](float value) { return value > 0 && std::isfinite(value); });
  double top = 1;
  if (!above.empty()) {
    const auto rank = static_cast<std::ptrdiff_t>(percentile / 100 * static_cast<double>(above.size() - 1));
    std::nth_element(above.begin(), above.begin() + rank, above.end());
    top = above[static_cast<std::size_t>(rank)];
  }
  Volume<std::uint8_t> bytes{image.geometry, std::vector<std::uint8_t>(image.voxels.size(), 0)};
  for (std::size_t v = 0; v < bytes.voxels.size(); ++v)
    if (const float value = image.voxels[v]; value > 0)  // not NaN
      bytes.voxels[v] = static_cast<std::uint8_t>(std::lround(std::min(value / top, 1.0) * 255));
  return bytes;
}

}  // namespace crossfade::data
