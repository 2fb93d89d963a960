#include "analysis/scores/surface.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/volumes/distance.hpp"

namespace crossfade::analysis {
namespace {

std::size_t at(int n) {
  return static_cast<std::size_t>(n);
}

/// The box around a structure in truth and prediction together, from `begin` to before `end`, and its voxels in each.
struct Extent {
  std::array<int, 3> begin{};
  std::array<int, 3> end{};
  std::int64_t truth = 0;
  std::int64_t prediction = 0;
};

void check(const LabelPair& pair, int classes, double tolerance_mm) {
  if (classes < 2 || classes > data::kMostClasses)
    throw std::invalid_argument("surfaces of " + std::to_string(classes) + " classes; there are 2 to " +
                                std::to_string(data::kMostClasses) + ", class 0 among them");
  std::size_t voxels = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (pair.size[axis] < 1)
      throw std::invalid_argument("a volume of " + std::to_string(pair.size[axis]) +
                                  " voxels along an axis; it must have 1 or more");
    if (!(pair.spacing_mm[axis] > 0) || !std::isfinite(pair.spacing_mm[axis]))
      throw std::invalid_argument("a spacing of " + std::to_string(pair.spacing_mm[axis]) + " mm; it must be above 0");
    voxels *= at(pair.size[axis]);
  }
  if (pair.truth.size() != voxels || pair.prediction.size() != voxels)
    throw std::invalid_argument(std::to_string(pair.truth.size()) + " voxels of truth and " +
                                std::to_string(pair.prediction.size()) + " of prediction; the volume has " +
                                std::to_string(voxels));
  if (!(tolerance_mm >= 0) || !std::isfinite(tolerance_mm))
    throw std::invalid_argument("a tolerance of " + std::to_string(tolerance_mm) + " mm; it must be 0 or more");
}

void include(Extent& extent, const std::array<int, 3>& place) {
  const bool first = extent.truth + extent.prediction == 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    extent.begin[axis] = first ? place[axis] : std::min(extent.begin[axis], place[axis]);
    extent.end[axis] = std::max(extent.end[axis], place[axis] + 1);
  }
}

void require_class(std::uint8_t id, std::size_t voxel, std::size_t classes) {
  if (id >= classes)
    throw std::invalid_argument("class " + std::to_string(id) + " at voxel " + std::to_string(voxel) +
                                "; classes are 0 to " + std::to_string(classes - 1));
}

/// Both volumes with class 0 where nobody has judged.
struct Judged {
  std::vector<std::uint8_t> truth, prediction;
};

Judged judged(const LabelPair& pair, std::size_t classes) {
  Judged result{{pair.truth.begin(), pair.truth.end()}, {pair.prediction.begin(), pair.prediction.end()}};
  for (std::size_t n = 0; n < result.truth.size(); ++n) {
    if (result.truth[n] != data::kIgnored) continue;
    require_class(result.prediction[n], n, classes);
    result.truth[n] = result.prediction[n] = 0;
  }
  return result;
}

std::vector<Extent> extents_of(const LabelPair& pair, std::size_t classes) {
  std::vector<Extent> extents(classes);
  std::size_t n = 0;
  for (int k = 0; k < pair.size[2]; ++k) {
    for (int j = 0; j < pair.size[1]; ++j) {
      for (int i = 0; i < pair.size[0]; ++i, ++n) {
        const std::uint8_t truth = pair.truth[n], prediction = pair.prediction[n];
        if (truth == 0 && prediction == 0) continue;
        require_class(std::max(truth, prediction), n, classes);
        include(extents[truth], {i, j, k});
        ++extents[truth].truth;
        include(extents[prediction], {i, j, k});
        ++extents[prediction].prediction;
      }
    }
  }
  return extents;
}

/// The axis across a picture, a volume of one slice; else 3.
std::size_t axis_across(const std::array<int, 3>& size) {
  const auto thin = std::ranges::find(size, 1);
  return std::ranges::count(size, 1) == 1 ? static_cast<std::size_t>(thin - size.begin()) : 3;
}

/// Whether all 6 neighbours of voxel n at (i, j, k), of a picture the 4 in it, are in the volume and of its class.
bool enclosed(const LabelPair& pair, std::span<const std::uint8_t> labels, std::size_t n,
              const std::array<int, 3>& place, std::size_t across) {
  std::size_t stride = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (axis == across) continue;  // one voxel: the stride stays
    if (place[axis] == 0 || place[axis] + 1 == pair.size[axis]) return false;
    if (labels[n - stride] != labels[n] || labels[n + stride] != labels[n]) return false;
    stride *= at(pair.size[axis]);
  }
  return true;
}

/// The boundary voxels of structure c in the box of its extent.
data::Mask boundary(const LabelPair& pair, std::span<const std::uint8_t> labels, const Extent& extent, std::size_t c) {
  const std::size_t across = axis_across(pair.size);
  data::Mask mask;
  mask.spacing = pair.spacing_mm;
  for (std::size_t axis = 0; axis < 3; ++axis) mask.size[axis] = extent.end[axis] - extent.begin[axis];
  mask.voxels.reserve(at(mask.size[0]) * at(mask.size[1]) * at(mask.size[2]));
  for (int k = extent.begin[2]; k < extent.end[2]; ++k) {
    for (int j = extent.begin[1]; j < extent.end[1]; ++j) {
      std::size_t n = at(extent.begin[0]) + at(pair.size[0]) * (at(j) + at(pair.size[1]) * at(k));
      for (int i = extent.begin[0]; i < extent.end[0]; ++i, ++n)
        mask.voxels.push_back(labels[n] == c && !enclosed(pair, labels, n, {i, j, k}, across) ? 1 : 0);
    }
  }
  return mask;
}

/// Distance in mm from each voxel of `from` to the nearest of `to`, both in one box.
std::vector<double> distances(const data::Mask& from, const data::Mask& to) {
  const data::NearestVoxels nearest = data::nearest_voxels(to);
  std::vector<double> result;
  for (std::size_t n = 0; n < from.voxels.size(); ++n)
    if (from.voxels[n] != 0) result.push_back(std::sqrt(static_cast<double>(nearest.squared_mm[n])));
  return result;
}

/// Interpolates linearly between the two order statistics around rank 0.95 (n - 1); changes the order of values.
double percentile_95(std::vector<double>& values) {
  const double rank = 0.95 * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  const double above = *std::min_element(below + 1, values.end());
  return *below + (rank - std::floor(rank)) * (above - *below);
}

double diagonal_mm(const LabelPair& pair) {
  return std::hypot(pair.size[0] * pair.spacing_mm[0], pair.size[1] * pair.spacing_mm[1],
                    pair.size[2] * pair.spacing_mm[2]);
}

SurfaceScores score(const LabelPair& pair, const Extent& extent, std::size_t c, double tolerance_mm) {
  SurfaceScores scores;
  if (extent.truth == 0 && extent.prediction == 0) return scores;
  if (extent.truth > 0)
    scores.volume_difference =
        static_cast<double>(extent.prediction - extent.truth) / static_cast<double>(extent.truth);
  if (extent.truth == 0 || extent.prediction == 0) {
    scores.hd95_mm = diagonal_mm(pair);
    scores.nsd = 0;
    return scores;
  }
  const data::Mask truth = boundary(pair, pair.truth, extent, c);
  const data::Mask prediction = boundary(pair, pair.prediction, extent, c);
  std::vector<double> to_truth = distances(prediction, truth), to_prediction = distances(truth, prediction);
  // Three steps of 0.1 mm are within 0.3 mm, however their sum and its square are rounded.
  const auto within = [limit = tolerance_mm * (1 + 1e-6)](double distance) { return distance <= limit; };
  scores.nsd =
      static_cast<double>(std::ranges::count_if(to_truth, within) + std::ranges::count_if(to_prediction, within)) /
      static_cast<double>(to_truth.size() + to_prediction.size());
  scores.hd95_mm = std::max(percentile_95(to_truth), percentile_95(to_prediction));
  return scores;
}

}  // namespace

std::vector<SurfaceScores> surface_scores(const LabelPair& pair, int classes, double tolerance_mm) {
  check(pair, classes, tolerance_mm);
  const auto end = static_cast<std::size_t>(classes);
  Judged copy;  // only where it is needed
  LabelPair volumes = pair;
  if (std::ranges::find(pair.truth, data::kIgnored) != pair.truth.end()) {
    copy = judged(pair, end);
    volumes.truth = copy.truth;
    volumes.prediction = copy.prediction;
  }
  const std::vector<Extent> extents = extents_of(volumes, end);
  std::vector<SurfaceScores> scores(end);
  for (std::size_t c = 1; c < end; ++c) scores[c] = score(volumes, extents[c], c, tolerance_mm);
  return scores;
}

}  // namespace crossfade::analysis
