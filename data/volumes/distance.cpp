#include "data/volumes/distance.hpp"

#include <cstddef>
#include <limits>
#include <stdexcept>

namespace crossfade::data {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

/// One line of voxels, and the parabolas of its lower envelope: from `begins` on, in voxels, that of `vertices` is
/// lowest.
struct Line {
  std::vector<double> squared;
  std::vector<std::int32_t> index;
  std::vector<int> vertices;
  std::vector<double> begins;
};

/// Fills line.vertices and line.begins; a voxel at infinity has no parabola.
void find_envelope(Line& line, double step_squared) {
  line.vertices.clear();
  line.begins.clear();
  for (int q = 0; q < static_cast<int>(line.squared.size()); ++q) {
    if (line.squared[at(q)] == kInfinity) continue;
    double begin = -kInfinity;
    while (!line.vertices.empty()) {
      const int v = line.vertices.back();
      const double rise = (line.squared[at(q)] - line.squared[at(v)]) / step_squared;
      begin = (rise / (q - v) + q + v) / 2;  // where the parabolas over v and q meet
      if (begin > line.begins.back()) break;
      line.vertices.pop_back();
      line.begins.pop_back();
      begin = -kInfinity;
    }
    line.vertices.push_back(q);
    line.begins.push_back(begin);
  }
}

/// The first axis, where voxels have no distance yet: the nearest of the line on either side, of equals the one before.
void spread_first(NearestVoxels& nearest, std::size_t first, int size, double step_squared) {
  const auto set = [&](int n, int from) {
    nearest.squared_mm[first + at(n)] = static_cast<float>(step_squared * (n - from) * (n - from));
    nearest.index[first + at(n)] = static_cast<std::int32_t>(first) + from;
  };
  int before = -1;
  for (int n = 0; n < size; ++n) {
    if (nearest.index[first + at(n)] < 0) continue;
    const int middle = before < 0 ? 0 : (before + n) / 2 + 1;  // from here on n is nearer
    for (int k = before + 1; k < middle; ++k) set(k, before);
    for (int k = middle; k < n; ++k) set(k, n);
    before = n;
  }
  if (before < 0) return;
  for (int k = before + 1; k < size; ++k) set(k, before);
}

/// Takes the distances along one axis into account: one line, of voxels `stride` apart.
void spread(NearestVoxels& nearest, std::size_t first, std::size_t stride, double step_squared, Line& line) {
  for (std::size_t n = 0; n < line.squared.size(); ++n) {
    line.squared[n] = nearest.squared_mm[first + n * stride];
    line.index[n] = nearest.index[first + n * stride];
  }
  find_envelope(line, step_squared);
  if (line.vertices.empty()) return;
  std::size_t lowest = 0;
  for (int n = 0; n < static_cast<int>(line.squared.size()); ++n) {
    while (lowest + 1 < line.vertices.size() && line.begins[lowest + 1] < n) ++lowest;
    const int vertex = line.vertices[lowest];
    const double squared = line.squared[at(vertex)] + step_squared * (n - vertex) * (n - vertex);
    nearest.squared_mm[first + at(n) * stride] = static_cast<float>(squared);
    nearest.index[first + at(n) * stride] = line.index[at(vertex)];
  }
}

}  // namespace

NearestVoxels nearest_voxels(const Mask& mask) {
  const std::array<std::size_t, 3> size{at(mask.size[0]), at(mask.size[1]), at(mask.size[2])};
  const std::size_t count = size[0] * size[1] * size[2];
  if (mask.voxels.size() != count) throw std::invalid_argument("the voxels of a mask must fill its box");
  NearestVoxels nearest{std::vector<float>(count, std::numeric_limits<float>::infinity()),
                        std::vector<std::int32_t>(count, -1)};
  for (std::size_t n = 0; n < count; ++n) {
    if (mask.voxels[n] == 0) continue;
    nearest.squared_mm[n] = 0;
    nearest.index[n] = static_cast<std::int32_t>(n);
  }
  for (std::size_t first = 0; first < count; first += size[0])
    spread_first(nearest, first, mask.size[0], mask.spacing[0] * mask.spacing[0]);
  std::size_t stride = size[0];
  for (std::size_t axis = 1; axis < 3; ++axis) {
    Line line;
    line.squared.resize(size[axis]);
    line.index.resize(size[axis]);
    const double step_squared = mask.spacing[axis] * mask.spacing[axis];
    const std::size_t block = stride * size[axis];
    for (std::size_t outer = 0; outer < count; outer += block)
      for (std::size_t inner = 0; inner < stride; ++inner) spread(nearest, outer + inner, stride, step_squared, line);
    stride = block;
  }
  return nearest;
}

}  // namespace crossfade::data
