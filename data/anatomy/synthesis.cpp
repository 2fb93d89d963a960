#include "data/anatomy/synthesis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "data/anatomy/smooth_field.hpp"
#include "data/anatomy/tissues.hpp"
#include "data/volumes/box.hpp"
#include "data/volumes/separable.hpp"

namespace crossfade::data {
namespace {

constexpr double kBiasKnotMm = 70;  // coil sensitivity varies over centimetres
constexpr double kPatchKnotMm = 15;

/// The length of a pair of standard normals alone, from one random word: Rayleigh, the magnitude of complex noise where
/// there is no signal. It falls as the word rises.
float rayleigh(std::uint32_t word) {
  const float in_0_1 = 0x1p-32F * static_cast<float>(word) + 0x1p-33F;
  return std::sqrt(std::max(0.0F, -2 * std::log(in_0_1)));
}

/// A pair of standard normals in single precision, from two random words: Box-Muller, both halves used.
std::array<float, 2> normal_pair(std::uint32_t angle_word, std::uint32_t length_word) {
  const float angle = 2 * std::numbers::pi_v<float> * 0x1p-32F * static_cast<float>(angle_word);
  const float length = rayleigh(length_word);
  return {length * std::cos(angle), length * std::sin(angle)};
}

std::uint8_t byte_of(float value, double exponent) {
  if (exponent != 1) value = 255 * std::pow(std::min(value, 255.0F) / 255, static_cast<float>(exponent));
  return static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F));
}

/// Bytes of voxels under Rician noise, by their random words. Words are taken in ranges, and where all words of a range
/// give one byte no logarithm, sine or cosine is needed; else they are taken themselves. So bytes are exact.
class NoisyBytes {
 public:
  NoisyBytes(float noise, double exponent) : noise_(noise), exponent_(exponent) {
    for (std::uint32_t range = 0; range < kRanges; ++range) {
      const std::uint32_t first = range << kShift, last = first + ((1U << kShift) - 1);
      const float longest = rayleigh(first) * (1 + kRounding), shortest = rayleigh(last) * (1 - kRounding);
      const std::uint8_t most = byte_of(noise * longest, exponent), least = byte_of(noise * shortest, exponent);
      of_air_[range] = most == least ? most : kMixed;
      lengths_[range] = {(longest + shortest) / 2, (longest - shortest) / 2};
      const double angle = 2 * std::numbers::pi * (range + 0.5) / kRanges;
      turns_[range] = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
    }
  }

  /// Of a voxel without signal.
  std::uint8_t air(std::uint32_t word) const {
    const std::int16_t byte = of_air_[word >> kShift];
    return byte != kMixed ? static_cast<std::uint8_t>(byte) : byte_of(noise_ * rayleigh(word), exponent_);
  }

  /// Of a voxel with this signal, by the words of the noise's angle and length.
  std::uint8_t tissue(float signal, std::uint32_t angle, std::uint32_t length) const {
    if (exponent_ == 1) {
      const auto [middle, reach] = lengths_[length >> kShift];
      const auto [cos, sin] = turns_[angle >> kShift];
      constexpr float kHalfTurn = std::numbers::pi_v<float> / kRanges;  // from the middle of a range to its end
      const float rough = magnitude(signal, middle * cos, middle * sin);
      const float error = noise_ * (reach + (middle + reach) * kHalfTurn) + kRounding * (signal + noise_ * middle);
      const std::uint8_t byte = byte_of(rough + error, 1);
      if (byte == byte_of(rough - error, 1)) return byte;
    }
    const auto [real, imaginary] = normal_pair(angle, length);
    return byte_of(magnitude(signal, real, imaginary), exponent_);
  }

 private:
  static constexpr std::uint32_t kRanges = 4096, kShift = 20;  // their number, and 32 bits less those that name one
  static constexpr std::int16_t kMixed = -1;
  static constexpr float kRounding = 1e-5F;  // far more than that of a root, a logarithm and what is made of them

  float magnitude(float signal, float real, float imaginary) const {
    const float in_phase = signal + noise_ * real, quadrature = noise_ * imaginary;
    return std::sqrt(in_phase * in_phase + quadrature * quadrature);
  }

  struct Length {
    float middle, reach;
  };
  struct Turn {
    float cos, sin;
  };
  float noise_;
  double exponent_;
  std::array<std::int16_t, kRanges> of_air_;
  std::array<Length, kRanges> lengths_;
  std::array<Turn, kRanges> turns_;
};

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
                   Random& random) {
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
  Block signal{box.size(), {}};
  signal.values.resize(static_cast<std::size_t>(signal.size[0]) * static_cast<std::size_t>(signal.size[1]) *
                       static_cast<std::size_t>(signal.size[2]));
  float* to = signal.values.data();
  std::array<float, 2> pair{};
  bool spare = false;
  std::int32_t last_id = 0;
  Drawn tissue{0, 0};  // that of last_id; neighbours mostly share it
  float patch = 0;     // mean in patches, where the tissue has any
  for (int k = box.low[2]; k < box.high[2]; ++k) {
    for (int j = box.low[1]; j < box.high[1]; ++j) {
      const std::size_t row = ids.index(0, j, k);
      const std::vector<float>* field = patches ? &patches->row(j, k) : nullptr;
      for (int i = box.low[0]; i < box.high[0]; ++i, ++to) {
        const std::int32_t id = ids.voxels[row + static_cast<std::size_t>(i)];
        if (id == 0) continue;
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
          const std::uint32_t angle = random.bits();
          pair = normal_pair(angle, random.bits());
        }
        *to = std::max(0.0F, mean + tissue.texture * pair[spare ? 1 : 0]);
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
  const double gain = 1 + 0.05 * options.contrast * std::clamp(random.normal(), -2.0, 2.0);  // of the receiver
  SmoothField bias = draw_bias(grid, options.bias, random);

  const std::array<double, 3> spacing = grid.spacing();
  const double finest = std::min({spacing[0], spacing[1], spacing[2]});
  // A slice profile of this full width at half maximum.
  const double profile = style.thickness_mm / std::sqrt(8 * std::log(2.0));
  const auto spread_along = [&](std::size_t axis) {
    return axis == style.axis && profile > 0 ? std::hypot(options.blur_mm, profile) : options.blur_mm;
  };
  const int margin = static_cast<int>(std::ceil(4 * spread_along(style.axis) / finest));
  const Box box = box_of_contents(ids, {margin, margin, margin});
  Block signal = draw_tissues(ids, box, options.contrast, style, random);
  if ((options.blur_mm > 0 || profile > 0) && !signal.values.empty()) {
    std::array<AxisTaps, 3> taps;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      taps[axis] = gaussian_taps(signal.size[axis], spread_along(axis) / spacing[axis]);
    }
    signal = apply(signal, taps);
  }

  Volume<std::uint8_t> image{grid, std::vector<std::uint8_t>(grid.voxels())};
  const auto noise = static_cast<float>(options.noise);
  const double exponent = style.exponent;
  const NoisyBytes noisy(noise, exponent);
  std::uint8_t* to = image.voxels.data();
  const auto is_tissue = [](float value) { return value > 0; };
  const float* from = signal.values.data();
  // Of a row: two words a voxel of tissue, one a voxel of air.
  std::vector<std::uint32_t> words(noise > 0 ? 2 * static_cast<std::size_t>(grid.size[0]) : 0);
  for (int k = 0; k < grid.size[2]; ++k) {
    for (int j = 0; j < grid.size[1]; ++j) {
      const bool head = box.has_row(j, k);
      const int low = head ? box.low[0] : grid.size[0], high = head ? box.high[0] : grid.size[0];
      const std::vector<float>* log_bias = head ? &bias.row(j, k) : nullptr;
      const std::uint32_t* word = words.data();
      if (noise > 0) {
        const auto tissue = std::count_if(from, from + (high - low), is_tissue);
        random.bits(std::span(words).first(static_cast<std::size_t>(grid.size[0] + tissue)));
      }
      const auto air = [&]() -> std::uint8_t {
        if (!(noise > 0)) return 0;
        const std::uint32_t next = *word++;
        return style.air_is_zero ? 0 : noisy.air(next);
      };
      for (int i = 0; i < low; ++i) *to++ = air();
      for (int i = low; i < high; ++i) {
        float value = *from++;
        if (!is_tissue(value)) {
          *to++ = air();
          continue;
        }
        value *= static_cast<float>(gain) * std::exp((*log_bias)[static_cast<std::size_t>(i)]);
        if (noise > 0) {
          *to++ = noisy.tissue(value, word[0], word[1]);
          word += 2;
        } else {
          *to++ = byte_of(value, exponent);
        }
      }
      for (int i = high; i < grid.size[0]; ++i) *to++ = air();
    }
  }
  return image;
}

}  // namespace crossfade::data
