// Fused loops over pixels. The classes of a pixel lie side by side, so the loops over them vectorise; reductions keep
// kLanes partial results, since the compiler may not reorder additions by itself.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "schedules/pixel_pass.hpp"

namespace crossfade::schedules {
namespace {

// Sums are made block by block and the blocks added in order: the result does not depend on the number of threads.
constexpr std::int64_t kBlock = 1024;  // pixels of one image
constexpr std::int64_t kLanes = 4;

// e^x for x ≤ 0 to 2 units in the last place (polynomial of Cephes' expf), in operations that vectorise. Below e^-60,
// far under the rounding error of a sum that is at least 1, it gives 0: subnormal products would be very slow.
inline float exp_not_positive(float x) {
  constexpr float kRound = 12582912.0F;  // 1.5·2^23: adding it rounds to an integer, kept in the lowest bits
  const float shifted = x * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float series = 1.9875691500e-4F;
  series = series * r + 1.3981999507e-3F;
  series = series * r + 8.3334519073e-3F;
  series = series * r + 4.1665795894e-2F;
  series = series * r + 1.6666665459e-1F;
  series = series * r + 5.0000001201e-1F;
  series = series * r * r + r + 1.0F;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) + 127U) << 23U;
  const float result = series * std::bit_cast<float>(exponent);
  return x < -60.0F ? 0.0F : result;  // a NaN stays one
}
inline double exp_not_positive(double x) {
  return std::exp(x);
}

template <typename T>
T row_max(const T* __restrict__ z, std::int64_t classes) {
  std::array<T, kLanes> lane;
  lane.fill(z[0]);
  std::int64_t c = 0;
  for (; c + kLanes <= classes; c += kLanes) {
    for (std::int64_t k = 0; k < kLanes; ++k) lane[k] = z[c + k] > lane[k] ? z[c + k] : lane[k];
  }
  T largest = lane[0];
  for (; c < classes; ++c) largest = z[c] > largest ? z[c] : largest;
  for (const T value : lane) largest = value > largest ? value : largest;
  return largest;
}

template <typename T>
T row_sum(const T* __restrict__ x, std::int64_t classes) {
  std::array<T, kLanes> lane{};
  std::int64_t c = 0;
  for (; c + kLanes <= classes; c += kLanes) {
    for (std::int64_t k = 0; k < kLanes; ++k) lane[k] += x[c + k];
  }
  T sum = (lane[0] + lane[1]) + (lane[2] + lane[3]);
  for (; c < classes; ++c) sum += x[c];
  return sum;
}

// Where a block's sums lie in its row of the table.
struct BlockLayout {
  std::int64_t classes, maps;
  std::int64_t mass() const { return classes; }
  std::int64_t labelled() const { return 2 * classes; }
  std::int64_t not_finite() const { return 3 * classes; }
  std::int64_t weighted(std::int64_t map) const { return 3 * classes + 1 + 2 * map; }
  std::int64_t size() const { return weighted(maps); }
};

template <typename T>
void softmax_block(const T* z, const std::int64_t* labels, const std::vector<const T*>& weights, std::int64_t first,
                   std::int64_t last, bool squared, const BlockLayout& layout, T* probabilities, double* sums) {
  const std::int64_t classes = layout.classes;
  std::vector<T> scratch(static_cast<std::size_t>(2 * classes));
  T* const exponentials = scratch.data();
  double* const mass = sums + layout.mass();
  for (std::int64_t i = first; i < last; ++i) {
    const T* __restrict__ zi = z + i * classes;
    T* __restrict__ e = exponentials;
    const std::int64_t y = labels[i];
    if (y == kIgnored) {
      for (std::int64_t c = 0; c < classes; ++c) e[c] = T(0) * zi[c];
      sums[layout.not_finite()] += static_cast<double>(row_sum(e, classes));
      if (probabilities != nullptr) std::fill_n(probabilities + i * classes, classes, T(0));
      continue;
    }
    T* __restrict__ p = probabilities != nullptr ? probabilities + i * classes : exponentials + classes;
    const T largest = row_max(zi, classes);
    for (std::int64_t c = 0; c < classes; ++c) e[c] = exp_not_positive(zi[c] - largest);
    const T total = row_sum(e, classes);
    const T inverse = T(1) / total;
    for (std::int64_t c = 0; c < classes; ++c) p[c] = e[c] * inverse;
    if (squared) {
      for (std::int64_t c = 0; c < classes; ++c) mass[c] += static_cast<double>(p[c]) * static_cast<double>(p[c]);
    } else {
      for (std::int64_t c = 0; c < classes; ++c) mass[c] += static_cast<double>(p[c]);
    }
    sums[y] += static_cast<double>(p[y]);
    sums[layout.labelled() + y] += 1;
    // −inf for one class leaves the softmax finite, but is as much a sign of a broken net as NaN.
    for (std::int64_t c = 0; c < classes; ++c) e[c] = T(0) * zi[c];
    sums[layout.not_finite()] += static_cast<double>(row_sum(e, classes));
    const T nll = std::log(total) + (largest - zi[y]);
    for (std::int64_t map = 0; map < layout.maps; ++map) {
      const T weight = weights[static_cast<std::size_t>(map)][i];
      sums[layout.weighted(map)] += static_cast<double>(weight) * static_cast<double>(nll);
      sums[layout.weighted(map) + 1] += static_cast<double>(weight);
    }
  }
}

template <typename T>
void gradient_block(T* probabilities, const std::int64_t* labels, const T* overlap, const T* nll, std::int64_t first,
                    std::int64_t last, std::int64_t classes) {
  const T* __restrict__ of_label = overlap + OverlapGradient::label * classes;
  const T* __restrict__ constant = overlap + OverlapGradient::constant * classes;
  const T* __restrict__ slope = overlap + OverlapGradient::slope * classes;
  std::vector<T> scratch(static_cast<std::size_t>(2 * classes));
  T* __restrict__ d = scratch.data();
  T* __restrict__ pd = scratch.data() + classes;
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t y = labels[i];
    if (y == kIgnored) continue;  // softmax_block has left zeros
    T* __restrict__ p = probabilities + i * classes;
    for (std::int64_t c = 0; c < classes; ++c) d[c] = constant[c] + slope[c] * p[c];
    for (std::int64_t c = 0; c < classes; ++c) pd[c] = p[c] * d[c];
    const T at_label = p[y] * of_label[y];
    const T omega = nll != nullptr ? nll[i] : T(0);
    const T shift = omega - (row_sum(pd, classes) + at_label);
    for (std::int64_t c = 0; c < classes; ++c) p[c] = pd[c] + p[c] * shift;
    p[y] += at_label - omega;
  }
}

// Runs body(block, image, first pixel, end pixel) for every block of every image, in parallel.
template <class Body>
void for_each_block(std::int64_t images, std::int64_t pixels_per_image, const Body& body) {
  const std::int64_t per_image = (pixels_per_image + kBlock - 1) / kBlock;
  at::parallel_for(0, images * per_image, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t image = block / per_image, within = block % per_image * kBlock;
      const std::int64_t first = image * pixels_per_image + within;
      body(block, image, first, first + std::min(kBlock, pixels_per_image - within));
    }
  });
}

LocalSums add_blocks(const std::vector<double>& table, const BlockLayout& layout, std::int64_t images) {
  LocalSums local;
  local.images = images;
  local.classes = layout.classes;
  const auto cells = static_cast<std::size_t>(images * layout.classes);
  local.overlap.resize(cells);
  local.mass.resize(cells);
  local.labelled.resize(cells);
  local.weighted.resize(static_cast<std::size_t>(layout.maps));
  const auto blocks = static_cast<std::int64_t>(table.size()) / layout.size();
  for (std::int64_t block = 0; block < blocks; ++block) {
    const double* sums = table.data() + block * layout.size();
    const std::int64_t row = block / (blocks / images) * layout.classes;
    for (std::int64_t c = 0; c < layout.classes; ++c) {
      const auto cell = static_cast<std::size_t>(row + c);
      local.overlap[cell] += sums[c];
      local.mass[cell] += sums[layout.mass() + c];
      local.labelled[cell] += sums[layout.labelled() + c];
    }
    local.not_finite += sums[layout.not_finite()];
    for (std::int64_t map = 0; map < layout.maps; ++map) {
      WeightedNll& weighted = local.weighted[static_cast<std::size_t>(map)];
      weighted.nll += sums[layout.weighted(map)];
      weighted.weight += sums[layout.weighted(map) + 1];
    }
  }
  return local;
}

}  // namespace

SoftmaxPass softmax_pass_cpu(const torch::Tensor& logits, const torch::Tensor& labels,
                             const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options) {
  const std::int64_t images = logits.size(0), pixels_per_image = logits.size(1) * logits.size(2);
  const BlockLayout layout{logits.size(3), static_cast<std::int64_t>(pixel_weights.size())};
  const std::int64_t blocks = images * ((pixels_per_image + kBlock - 1) / kBlock);
  std::vector<double> table(static_cast<std::size_t>(blocks * layout.size()));
  SoftmaxPass result;
  if (options.keep_probabilities) result.probabilities = torch::empty_like(logits);
  AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "softmax_pass_cpu", [&] {
    const scalar_t* z = logits.const_data_ptr<scalar_t>();
    const std::int64_t* y = labels.const_data_ptr<std::int64_t>();
    scalar_t* p = options.keep_probabilities ? result.probabilities.mutable_data_ptr<scalar_t>() : nullptr;
    std::vector<const scalar_t*> weights;
    for (const torch::Tensor& map : pixel_weights) weights.push_back(map.const_data_ptr<scalar_t>());
    for_each_block(images, pixels_per_image,
                   [&](std::int64_t block, std::int64_t /*image*/, std::int64_t first, std::int64_t last) {
                     softmax_block<scalar_t>(z, y, weights, first, last, options.squared, layout, p,
                                             table.data() + block * layout.size());
                   });
  });
  result.sums = add_blocks(table, layout, images);
  for (const double count : result.sums.labelled) result.sums.pixels += static_cast<std::int64_t>(count);
  return result;
}

void gradient_pass_cpu(torch::Tensor& probabilities, const torch::Tensor& labels, const torch::Tensor& overlap,
                       const torch::Tensor& nll) {
  const std::int64_t classes = probabilities.size(3);
  AT_DISPATCH_FLOATING_TYPES(probabilities.scalar_type(), "gradient_pass_cpu", [&] {
    scalar_t* p = probabilities.mutable_data_ptr<scalar_t>();
    const std::int64_t* y = labels.const_data_ptr<std::int64_t>();
    const scalar_t* coefficients = overlap.const_data_ptr<scalar_t>();
    const scalar_t* weights = nll.defined() ? nll.const_data_ptr<scalar_t>() : nullptr;
    for_each_block(probabilities.size(0), probabilities.size(1) * probabilities.size(2),
                   [&](std::int64_t /*block*/, std::int64_t image, std::int64_t first, std::int64_t last) {
                     gradient_block<scalar_t>(p, y, coefficients + image * 3 * classes, weights, first, last, classes);
                   });
  });
}

}  // namespace crossfade::schedules
