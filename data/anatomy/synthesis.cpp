#include "data/anatomy/synthesis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <vector>

#include "data/anatomy/smooth_field.hpp"
#include "data/anatomy/tissues.hpp"
#include "data/volumes/separable.hpp"

namespace crossfade::data {
namespace {

constexpr double kBiasKnotMm = 70;  // coil sensitivity varies over centimetres
constexpr double kPatchKnotMm = 15;

/// Pairs of standard normals in single precision: Box-Muller, both halves used. Noise is most of the work here.
class FastNormals {
 public:
  explicit FastNormals(Random& random) : random_(random) {}

  std::array<float, 2> pair() {
    const float angle = 2 * std::numbers::pi_v<float> * 0x1p-32F * static_cast<float>(random_.bits());
    const float length = radius();
    return {length * std::cos(angle), length * std::sin(angle)};
  }

  /// The length of a pair alone: Rayleigh, the magnitude of complex noise where there is no signal.
  float radius() {
    const float in_0_1 = 0x1p-32F * static_cast<float>(random_.bits()) + 0x1p-33F;
    return std::sqrt(std::max(0.0F, -2 * std::log(in_0_1)));
  }

 private:
  Random& random_;
};

/// A box of voxels [low, high).
struct Box {
  std::array<int, 3> low{}, high{};
  int size(std::size_t axis) const { return high[axis] - low[axis]; }
  bool rows_at(int j, int k) const { return j >= low[1] && j < high[1] && k >= low[2] && k < high[2]; }
};

/// The box of all voxels that are not air, wider by `margin` where the grid allows; empty where all is air.
Box head_box(const Volume<std::int32_t>& ids, int margin) {
  const std::array<int, 3>& size = ids.geometry.size;
  Box box{size, {0, 0, 0}};
  for (int k = 0; k < size[2]; ++k) {
    for (int j = 0; j < size[1]; ++j) {
      const auto begin = ids.voxels.begin() + static_cast<std::ptrdiff_t>(ids.index(0, j, k)), end = begin + size[0];
      const auto first = std::find_if(begin, end, [](std::int32_t id) { return id != 0; });
      if (first == end) {
        continue;
      }
      auto last = end - 1;
      while (*last == 0) {
        --last;
      }
      const std::array<int, 3> low{static_cast<int>(first - begin), j, k}, high{static_cast<int>(last - begin), j, k};
      for (std::size_t axis = 0; axis < 3; ++axis) {
        box.low[axis] = std::min(box.low[axis], std::max(0, low[axis] - margin));
        box.high[axis] = std::max(box.high[axis], std::min(size[axis], high[axis] + 1 + margin));
      }
    }
  }
  if (box.high[0] == 0) {
    box.low = {0, 0, 0};
  }
  return box;
}

bool is_outside(std::int32_t id) {
  return id >= 500 && id < 1000;
}

/// Without what the style strips.
Volume<std::int32_t> stripped(Volume<std::int32_t> ids, const ScanStyle& style) {
  constexpr std::int32_t kFluidAround = 24;
  for (std::int32_t& id : ids.voxels)
    if (is_outside(id) || (style.stripped_csf && id == kFluidAround)) id = 0;
  return ids;
}

/// The signal of the head before blur: each tissue's mean in this scan, and its texture.
Block draw_tissues(const Volume<std::int32_t>& ids, const Box& box, double contrast, const ScanStyle& style,
                   Random& random, FastNormals& normals) {
  struct Drawn {
    float mean, texture;
  };
  std::vector<Drawn> drawn;
  for (const Tissue& tissue : tissues()) {
    drawn.push_back({static_cast<float>(std::max(0.0, tissue.mean + contrast * tissue.spread * random.normal())),
                     static_cast<float>(tissue.texture)});
  }
  std::optional<SmoothField> patches;
  if (!style.patches.empty()) patches.emplace(ids.geometry, kPatchKnotMm, 1, random);
  Block signal{{box.size(0), box.size(1), box.size(2)}, {}};
  signal.values.reserve(static_cast<std::size_t>(signal.size[0]) * static_cast<std::size_t>(signal.size[1]) *
                        static_cast<std::size_t>(signal.size[2]));
  std::array<float, 2> pair{};
  bool spare = false;
  std::int32_t last_id = 0;
  Drawn tissue{0, 0};  // that of last_id; neighbours mostly share it
  float patch = 0;     // mean in patches, where the tissue has any
  for (int k = box.low[2]; k < box.high[2]; ++k) {
    for (int j = box.low[1]; j < box.high[1]; ++j) {
      const std::size_t row = ids.index(0, j, k);
      const std::vector<float>* field = patches ? &patches->row(j, k) : nullptr;
      for (int i = box.low[0]; i < box.high[0]; ++i) {
        const std::int32_t id = ids.voxels[row + static_cast<std::size_t>(i)];
        if (id == 0) {
          signal.values.push_back(0);
          continue;
        }
        if (id != last_id) {
          last_id = id;
          const std::size_t of = tissue_of(id);
          tissue = drawn[of];
          const bool outside = is_outside(id);
          if (!style.outside.empty() && outside) tissue.mean = static_cast<float>(style.outside[of]);
          patch = field != nullptr && outside ? static_cast<float>(style.patches[of]) : tissue.mean;
        }
        const float mean = field != nullptr && (*field)[static_cast<std::size_t>(i)] > 0 ? patch : tissue.mean;
        if (!spare) {
          pair = normals.pair();
        }
        signal.values.push_back(std::max(0.0F, mean + tissue.texture * pair[spare ? 1 : 0]));
        spare = !spare;
      }
    }
  }
  return signal;
}

/// A smooth log field whose largest magnitude on the grid (looked at every 8 voxels) is `peak`.
SmoothField draw_bias(const Geometry& grid, double peak, Random& random) {
  SmoothField field(grid, kBiasKnotMm, 1, random);
  float largest = 0;
  for (int k = 0; k < grid.size[2]; k += 8) {
    for (int j = 0; j < grid.size[1]; j += 8) {
      for (const float value : field.row(j, k)) {
        largest = std::max(largest, std::abs(value));
      }
    }
  }
  field.scale(peak / largest);
  return field;
}

}  // namespace

ScanStyle draw_style(const SynthesisOptions& options, Random random) {
  ScanStyle style;
  style.stripped = random.uniform() < options.stripped;
  style.stripped_csf = random.uniform() < 0.5;
  style.air_is_zero = random.uniform() < options.air;
  style.exponent = std::exp(options.gamma * random.uniform(-1, 1));
  style.thickness_mm = random.uniform() * options.resolution_mm;
  style.axis = random.below(3);
  constexpr double kDarkest = 5, kBrightest = 250;
  const bool any = random.uniform() < options.outside;
  for (std::size_t t = 0; t < tissues().size(); ++t) {
    const double mean = random.uniform(kDarkest, kBrightest);
    if (any) style.outside.push_back(mean);
  }
  for (std::size_t t = 0; t < style.outside.size(); ++t) style.patches.push_back(random.uniform(kDarkest, kBrightest));
  return style;
}

Volume<std::uint8_t> synthesise_t1(const Volume<std::int32_t>& whole, const SynthesisOptions& options, Random random,
                                   const ScanStyle& style) {
  Volume<std::int32_t> brain;
  if (style.stripped) brain = stripped(whole, style);
  const Volume<std::int32_t>& ids = style.stripped ? brain : whole;
  const Geometry& grid = ids.geometry;
  FastNormals normals(random);
  const double gain = 1 + 0.05 * options.contrast * std::clamp(random.normal(), -2.0, 2.0);  // of the receiver
  SmoothField bias = draw_bias(grid, options.bias, random);

  const std::array<double, 3> spacing = grid.spacing();
  const double finest = std::min({spacing[0], spacing[1], spacing[2]});
  // A slice profile of this full width at half maximum.
  const double profile = style.thickness_mm / std::sqrt(8 * std::log(2.0));
  const auto spread_along = [&](std::size_t axis) {
    return axis == style.axis && profile > 0 ? std::hypot(options.blur_mm, profile) : options.blur_mm;
  };
  const Box box = head_box(ids, static_cast<int>(std::ceil(4 * spread_along(style.axis) / finest)));
  Block signal = draw_tissues(ids, box, options.contrast, style, random, normals);
  if ((options.blur_mm > 0 || profile > 0) && !signal.values.empty()) {
    std::array<AxisTaps, 3> taps;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      taps[axis] = gaussian_taps(signal.size[axis], spread_along(axis) / spacing[axis]);
    }
    signal = apply(std::move(signal), taps);
  }

  Volume<std::uint8_t> image{grid, std::vector<std::uint8_t>(grid.voxels())};
  const auto noise = static_cast<float>(options.noise);
  std::size_t to = 0;
  const float* from = signal.values.data();
  for (int k = 0; k < grid.size[2]; ++k) {
    for (int j = 0; j < grid.size[1]; ++j) {
      const bool head = box.rows_at(j, k);
      const std::vector<float>* log_bias = head ? &bias.row(j, k) : nullptr;
      for (int i = 0; i < grid.size[0]; ++i) {
        float value = 0;
        if (head && i >= box.low[0] && i < box.high[0]) {
          value = *from++;
        }
        if (value > 0) {
          value *= static_cast<float>(gain) * std::exp((*log_bias)[static_cast<std::size_t>(i)]);
          const auto [real, imaginary] = noise > 0 ? normals.pair() : std::array<float, 2>{};
          const float in_phase = value + noise * real, quadrature = noise * imaginary;
          value = std::sqrt(in_phase * in_phase + quadrature * quadrature);
        } else if (noise > 0) {
          value = noise * normals.radius();
          if (style.air_is_zero) value = 0;
        }
        if (style.exponent != 1)
          value = 255 * std::pow(std::min(value, 255.0F) / 255, static_cast<float>(style.exponent));
        image.voxels[to++] = static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
      }
    }
  }
  return image;
}

}  // namespace crossfade::data
