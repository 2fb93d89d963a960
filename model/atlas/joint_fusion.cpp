#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <future>
#include <limits>
#include <optional>
#include <stdexcept>

#include "model/atlas/atlas_check.hpp"
#include "model/atlas/box.hpp"
#include "model/atlas/fusion.hpp"

namespace crossfade::model {
namespace {

using Size = std::array<int, 3>;

/// A grid that goes on by `margin` voxels beyond each border, so that patches need no case of their own there.
class Padded {
 public:
  Padded(const Size& size, int margin) : size_(size), margin_(margin) {
    for (std::size_t a = 0; a < 3; ++a) stride_[a] = size[a] + 2 * margin;
  }

  std::ptrdiff_t index(int i, int j, int k) const { return offset(i + margin_, j + margin_, k + margin_); }
  std::ptrdiff_t offset(int i, int j, int k) const {
    return i + static_cast<std::ptrdiff_t>(stride_[0]) * (j + static_cast<std::ptrdiff_t>(stride_[1]) * k);
  }

  /// With the outermost voxels repeated in the margin.
  template <class T>
  std::vector<T> pad(const std::vector<std::uint8_t>& voxels) const {
    std::vector<T> padded;
    padded.reserve(static_cast<std::size_t>(offset(0, 0, stride_[2])));
    const auto inside = [this](int at, std::size_t a) {
      return static_cast<std::size_t>(std::clamp(at - margin_, 0, size_[a] - 1));
    };
    const auto width = static_cast<std::size_t>(size_[0]), height = static_cast<std::size_t>(size_[1]);
    for (int k = 0; k < stride_[2]; ++k)
      for (int j = 0; j < stride_[1]; ++j)
        for (int i = 0; i < stride_[0]; ++i)
          padded.push_back(static_cast<T>(voxels[inside(i, 0) + width * (inside(j, 1) + height * inside(k, 2))]));
    return padded;
  }

  /// The offsets of a cube around a voxel, its centre among them, from the nearest to the farthest.
  std::vector<std::ptrdiff_t> cube(int radius) const {
    std::vector<std::pair<int, std::ptrdiff_t>> found;
    for (int k = -radius; k <= radius; ++k)
      for (int j = -radius; j <= radius; ++j)
        for (int i = -radius; i <= radius; ++i) found.emplace_back(i * i + j * j + k * k, offset(i, j, k));
    std::ranges::stable_sort(found, {}, &std::pair<int, std::ptrdiff_t>::first);
    std::vector<std::ptrdiff_t> offsets(found.size());
    std::ranges::transform(found, offsets.begin(), &std::pair<int, std::ptrdiff_t>::second);
    return offsets;
  }

 private:
  Size size_, stride_{};
  int margin_;
};

/// What takes a patch to mean 0 and 2-norm 1.
struct Normalisation {
  float mean = 0;
  float scale = 0;  // 0: the patch is flat
};

Normalisation normalisation(const float* centre, const std::vector<std::ptrdiff_t>& cube) {
  double sum = 0, squares = 0;
  for (const std::ptrdiff_t step : cube) sum += centre[step];
  const double mean = sum / static_cast<double>(cube.size());
  for (const std::ptrdiff_t step : cube) squares += (centre[step] - mean) * (centre[step] - mean);
  // Intensities are integers: a patch that isn't flat has squares of some 1 at least.
  return {static_cast<float>(mean), squares > 1e-3 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0F};
}

struct PaddedAtlas {
  std::vector<float> image;
  std::vector<std::uint8_t> labels;
  std::vector<float> scales;  // Normalisation::scale of the patch around each voxel that a search may look at
};

class JointFusion {
 public:
  JointFusion(const std::vector<std::uint8_t>& target, const std::vector<WarpedAtlas>& atlases, const Size& size,
              const JointFusionOptions& options)
      : options_(options),
        size_(size),
        grid_(size, options.patch_radius + options.search_radius),
        patch_(grid_.cube(options.patch_radius)),
        search_(grid_.cube(options.search_radius)),
        target_(grid_.pad<float>(target)) {
    atlases_.reserve(atlases.size());
    for (const WarpedAtlas& atlas : atlases) {
      atlases_.push_back({grid_.pad<float>(atlas.image), grid_.pad<std::uint8_t>(atlas.labels), {}});
      normalise(atlases_.back());
    }
  }

  /// The slices from `first` to before `end`, as far as it isn't stopped.
  void fuse(int first, int end, const std::function<bool()>& stop_requested, std::vector<std::uint8_t>& fused) const {
    std::vector<float> target(patch_.size());
    std::vector<std::vector<float>> differences(atlases_.size(), target);
    std::vector<std::uint8_t> labels(atlases_.size());
    auto out = fused.begin() + static_cast<std::ptrdiff_t>(first) * size_[0] * size_[1];
    for (int k = first; k < end; ++k) {
      for (int j = 0; j < size_[1]; ++j) {
        if (stop_requested()) return;
        for (int i = 0; i < size_[0]; ++i, ++out) {
          const std::ptrdiff_t at = grid_.index(i, j, k);
          const std::uint8_t label = atlases_.front().labels[static_cast<std::size_t>(at)];
          *out = label == data::kIgnored ? std::uint8_t{0} : label;
          if (agree_around(at)) continue;
          take_patch(target_.data() + at, normalisation(target_.data() + at, patch_), target);
          for (std::size_t a = 0; a < atlases_.size(); ++a)
            labels[a] = label_of_nearest(atlases_[a], at, target, differences[a]);
          *out = heaviest(labels, joint_weights(differences, options_.alpha, options_.beta));
        }
      }
    }
  }

 private:
  void normalise(PaddedAtlas& atlas) const {
    atlas.scales.resize(atlas.image.size());
    const int reach = options_.search_radius;
    for (int k = -reach; k < size_[2] + reach; ++k)
      for (int j = -reach; j < size_[1] + reach; ++j)
        for (int i = -reach; i < size_[0] + reach; ++i) {
          const std::ptrdiff_t at = grid_.index(i, j, k);
          atlas.scales[static_cast<std::size_t>(at)] = normalisation(atlas.image.data() + at, patch_).scale;
        }
  }

  void take_patch(const float* centre, const Normalisation& by, std::vector<float>& patch) const {
    for (std::size_t p = 0; p < patch.size(); ++p) patch[p] = (centre[patch_[p]] - by.mean) * by.scale;
  }

  bool agree_around(std::ptrdiff_t at) const {
    const std::uint8_t label = atlases_.front().labels[static_cast<std::size_t>(at)];
    return std::ranges::all_of(atlases_, [&](const PaddedAtlas& atlas) {
      return std::ranges::all_of(
          search_, [&](std::ptrdiff_t step) { return atlas.labels[static_cast<std::size_t>(at + step)] == label; });
    });
  }

  /// The label at the centre of the atlas' patch that is nearest to the target's, the one closer by among equals.
  std::uint8_t label_of_nearest(const PaddedAtlas& atlas, std::ptrdiff_t at, const std::vector<float>& target,
                                std::vector<float>& difference) const {
    // The squared distance is |T|^2 + |A|^2 - 2 <T, A>, and as T has mean 0, <T, A> needs nothing of A but its scale.
    float least = std::numeric_limits<float>::infinity();
    std::ptrdiff_t nearest = at;
    for (const std::ptrdiff_t step : search_) {
      const float* centre = atlas.image.data() + at + step;
      const float scale = atlas.scales[static_cast<std::size_t>(at + step)];
      std::array<float, 4> products{};  // sums that don't wait for one another
      for (std::size_t p = 0; p < target.size(); ++p) products[p % 4] += target[p] * centre[patch_[p]];
      const float product = products[0] + products[1] + products[2] + products[3];
      const float distance = (scale > 0 ? 1.0F : 0.0F) - 2 * scale * product;
      if (distance >= least) continue;
      least = distance;
      nearest = at + step;
    }
    const float* chosen = atlas.image.data() + nearest;
    take_patch(chosen, normalisation(chosen, patch_), difference);
    for (std::size_t p = 0; p < target.size(); ++p) difference[p] = std::abs(target[p] - difference[p]);
    return atlas.labels[static_cast<std::size_t>(nearest)];
  }

  static std::uint8_t heaviest(const std::vector<std::uint8_t>& labels, const std::vector<double>& weights) {
    std::array<double, 256> sums{};
    for (std::size_t a = 0; a < labels.size(); ++a) sums[labels[a]] += weights[a];
    std::optional<std::uint8_t> best;
    for (const std::uint8_t label : labels) {
      if (label == data::kIgnored) continue;
      if (!best || sums[label] > sums[*best] || (sums[label] == sums[*best] && label < *best)) best = label;
    }
    return best.value_or(0);
  }

  JointFusionOptions options_;
  Size size_;
  Padded grid_;
  std::vector<std::ptrdiff_t> patch_, search_;
  std::vector<float> target_;
  std::vector<PaddedAtlas> atlases_;
};

}  // namespace

std::vector<double> joint_weights(const std::vector<std::vector<float>>& differences, double alpha, int beta) {
  const auto n = static_cast<Eigen::Index>(differences.size());
  Eigen::MatrixXd matrix(n, n);
  for (Eigen::Index a = 0; a < n; ++a) {
    for (Eigen::Index b = a; b < n; ++b) {
      const auto& one = differences[static_cast<std::size_t>(a)];
      const auto& other = differences[static_cast<std::size_t>(b)];
      double product = 0;
      for (std::size_t p = 0; p < one.size(); ++p) product += static_cast<double>(one[p]) * other[p];
      matrix(a, b) = matrix(b, a) = std::pow(product, beta);
    }
  }
  matrix.diagonal().array() += alpha;
  const Eigen::VectorXd solution = matrix.ldlt().solve(Eigen::VectorXd::Ones(n));
  const Eigen::VectorXd weights = solution / solution.sum();
  return {weights.begin(), weights.end()};
}

std::optional<std::vector<std::uint8_t>> joint_fusion(const std::vector<std::uint8_t>& target,
                                                      const std::vector<WarpedAtlas>& atlases,
                                                      const std::array<int, 3>& size, const JointFusionOptions& options,
                                                      int threads, const std::function<bool()>& stop_requested) {
  require_alike(atlases);
  std::vector<std::uint8_t> fused(atlases.front().labels.size());
  if (target.size() != fused.size() || atlases.front().image.size() != fused.size())
    throw std::invalid_argument("joint label fusion: target and atlases of different sizes");
  // A patch that decides reaches so far: the voxel is within search of a label, and searches, and compares patches.
  const Box box = labelled_box(atlases, size, 2 * options.search_radius + options.patch_radius);
  std::vector<WarpedAtlas> parts;
  parts.reserve(atlases.size());
  for (const WarpedAtlas& atlas : atlases) parts.push_back({cut(atlas.image, size, box), cut(atlas.labels, size, box)});
  std::vector<std::uint8_t> part = parts.front().labels;
  if (part.empty()) return fused;
  const JointFusion fusion(cut(target, size, box), parts, box.size(), options);
  std::vector<std::future<void>> slabs;
  slabs.reserve(static_cast<std::size_t>(threads));
  const int slices = box.size()[2];
  for (int t = 0; t < threads; ++t)
    slabs.push_back(std::async(std::launch::async, [&, t] {
      fusion.fuse(slices * t / threads, slices * (t + 1) / threads, stop_requested, part);
    }));
  for (std::future<void>& slab : slabs) slab.get();
  if (stop_requested()) return std::nullopt;
  paste(part, box, size, fused);
  return fused;
}

}  // namespace crossfade::model
