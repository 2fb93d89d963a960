#include "data/volumes/resample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/volumes/separable.hpp"

namespace crossfade::data {
namespace {

/// Voxel t of the target lies, along its axis, at voxel scale * t + offset of the source.
struct AxisMap {
  double scale, offset;
};

std::array<AxisMap, 3> axis_maps(const Geometry& source, const Geometry& target) {
  const std::array<double, 3> source_spacing = source.spacing(), target_spacing = target.spacing();
  std::array<AxisMap, 3> maps{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double shift = 0;
    for (std::size_t row = 0; row < 3; ++row) {
      const double cosine = source.affine[row][axis] / source_spacing[axis];
      // 1e-3 is a quarter of a voxel over 256; float32 affines of files agree to 1e-6.
      if (!(std::abs(cosine - target.affine[row][axis] / target_spacing[axis]) < 1e-3)) {
        throw std::invalid_argument("the axes of the two grids are not parallel: axis " + std::to_string(axis) +
                                    " points elsewhere");
      }
      shift += cosine * (target.affine[row][3] - source.affine[row][3]);
    }
    maps[axis] = {target_spacing[axis] / source_spacing[axis], shift / source_spacing[axis]};
  }
  return maps;
}

/// Source voxels that a target voxel sees along an axis, with the length that lies in it; lengths sum to `scale` less
/// what lies outside the source.
struct Overlap {
  int first = 0;
  std::vector<double> lengths;
  bool whole = false;  // next to nothing of the target voxel lies outside the source
};

std::vector<Overlap> overlaps(int source, int target, const AxisMap& map) {
  constexpr double kEpsilon = 1e-6;  // slivers from rounding, in voxels
  std::vector<Overlap> result(static_cast<std::size_t>(target));
  for (int t = 0; t < target; ++t) {
    const double centre = map.scale * t + map.offset;
    Overlap& overlap = result[static_cast<std::size_t>(t)];
    if (map.scale <= 1 + kEpsilon) {  // not coarser: the nearest
      const int nearest = static_cast<int>(std::floor(centre + 0.5 + kEpsilon));
      if (nearest >= 0 && nearest < source) {
        overlap = {nearest, {map.scale}, true};
      }
      continue;
    }
    const double begin = centre - map.scale / 2, end = centre + map.scale / 2;
    const int first = std::max(0, static_cast<int>(std::floor(begin + 0.5 + kEpsilon)));
    const int last = std::min(source - 1, static_cast<int>(std::ceil(end - 0.5 - kEpsilon)));
    overlap.first = first;
    for (int n = first; n <= last; ++n) {
      overlap.lengths.push_back(std::min(end, n + 0.5) - std::max(begin, n - 0.5));
    }
    overlap.whole = std::accumulate(overlap.lengths.begin(), overlap.lengths.end(), 0.0) > 0.999 * map.scale;
  }
  return result;
}

/// Adds up volumes by class and names the largest.
class Ballot {
 public:
  void add(std::uint8_t label, double volume) {
    if (volumes_[label] == 0) {
      seen_[count_++] = label;
    }
    volumes_[label] += volume;
  }

  /// The label with the most volume, where `total` is the voxel's own; what is missing counts for 0. Clears the ballot.
  std::uint8_t decide(double total) {
    for (std::size_t n = 0; n < count_; ++n) {
      total -= volumes_[seen_[n]];
    }
    const double tie = 1e-9;  // relative: sums of the same lengths in another order
    std::uint8_t best = 0;
    double most = volumes_[0] + std::max(0.0, total);
    for (std::size_t n = 0; n < count_; ++n) {
      const std::uint8_t label = seen_[n];
      const double volume = volumes_[label];
      if (label != 0 && (volume > most * (1 + tie) || (volume >= most * (1 - tie) && label < best))) {
        best = label;
        most = volume;
      }
    }
    for (std::size_t n = 0; n < count_; ++n) {
      volumes_[seen_[n]] = 0;
    }
    count_ = 0;
    return best;
  }

 private:
  std::array<double, 256> volumes_{};
  std::array<std::uint8_t, 256> seen_{};
  std::size_t count_ = 0;
};

/// The source rows that a row of target voxels sees: most voxels lie where all of them have one label.
class SeenRows {
 public:
  SeenRows(const Volume<std::uint8_t>& labels, const Overlap& y, const Overlap& z)
      : first_(&labels.voxels[labels.index(0, y.first, z.first)]),
        differs_(static_cast<std::size_t>(labels.geometry.size[0])) {
    for (std::size_t c = 0; c < z.lengths.size(); ++c)
      for (std::size_t b = 0; b < y.lengths.size(); ++b) {
        const std::uint8_t* row =
            &labels.voxels[labels.index(0, y.first + static_cast<int>(b), z.first + static_cast<int>(c))];
        std::uint8_t* differs = differs_.data();
        for (std::size_t n = 0; n < differs_.size(); ++n) differs[n] |= static_cast<std::uint8_t>(row[n] ^ first_[n]);
      }
  }

  bool are_one_label(const Overlap& x) const {
    for (auto n = static_cast<std::size_t>(x.first); n < static_cast<std::size_t>(x.first) + x.lengths.size(); ++n)
      if (differs_[n] != 0 || first_[n] != label(x)) return false;
    return true;
  }
  std::uint8_t label(const Overlap& x) const { return first_[x.first]; }

 private:
  const std::uint8_t* first_;
  std::vector<std::uint8_t> differs_;  // other than 0 where a row has another label than the first
};

}  // namespace

Volume<std::uint8_t> resample_image(const Volume<std::uint8_t>& image, const Geometry& target) {
  const std::array<AxisMap, 3> maps = axis_maps(image.geometry, target);
  std::array<AxisTaps, 3> taps;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double scale = maps[axis].scale;
    // Widens a point spread of 1 source voxel (full width at half maximum) to 1 target voxel.
    const double sd = scale > 1 ? std::sqrt(scale * scale - 1) / std::sqrt(8 * std::log(2.0)) : 0;
    taps[axis] =
        interpolation_taps(gaussian_taps(image.geometry.size[axis], sd), target.size[axis], scale, maps[axis].offset);
  }
  const Block result = data::apply(image.geometry.size, image.voxels, taps);
  Volume<std::uint8_t> resampled{target, std::vector<std::uint8_t>(target.voxels())};
  std::transform(result.values.begin(), result.values.end(), resampled.voxels.begin(),
                 [](float value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F)); });
  return resampled;
}

Volume<std::uint8_t> resample_labels(const Volume<std::uint8_t>& labels, const Geometry& target) {
  const std::array<AxisMap, 3> maps = axis_maps(labels.geometry, target);
  std::array<std::vector<Overlap>, 3> seen;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    seen[axis] = overlaps(labels.geometry.size[axis], target.size[axis], maps[axis]);
  }
  const double volume = maps[0].scale * maps[1].scale * maps[2].scale;
  Volume<std::uint8_t> resampled{target, std::vector<std::uint8_t>(target.voxels())};
  Ballot ballot;
  std::size_t to = 0;
  for (const Overlap& z : seen[2]) {
    for (const Overlap& y : seen[1]) {
      if (y.lengths.empty() || z.lengths.empty()) {  // all of it lies outside
        to += seen[0].size();
        continue;
      }
      const SeenRows rows(labels, y, z);
      for (const Overlap& x : seen[0]) {
        if (x.whole && y.whole && z.whole && rows.are_one_label(x)) {
          resampled.voxels[to++] = rows.label(x);
          continue;
        }
        for (std::size_t c = 0; c < z.lengths.size(); ++c) {
          for (std::size_t b = 0; b < y.lengths.size(); ++b) {
            const std::size_t row = labels.index(x.first, y.first + static_cast<int>(b), z.first + static_cast<int>(c));
            for (std::size_t a = 0; a < x.lengths.size(); ++a) {
              ballot.add(labels.voxels[row + a], x.lengths[a] * y.lengths[b] * z.lengths[c]);
            }
          }
        }
        resampled.voxels[to++] = ballot.decide(volume);
      }
    }
  }
  return resampled;
}

}  // namespace crossfade::data
