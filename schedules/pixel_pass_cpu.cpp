#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

#include "schedules/pixel_kernels.hpp"
#include "schedules/pixel_pass.hpp"

#ifndef _OPENMP
#error "at::parallel_for would run on one thread: name this file in crossfade_parallel()"
#endif

namespace crossfade::schedules {
namespace {

// Sums are made block by block and the blocks added in order: the result does not depend on the number of threads.
constexpr std::int64_t kBlock = 1024;  // pixels of one image

// Where a block's sums lie in its row of the table.
struct BlockLayout {
  std::int64_t classes, maps;
  std::int64_t mass() const { return classes; }
  std::int64_t labelled() const { return 2 * classes; }
  std::int64_t not_finite() const { return 3 * classes; }
  std::int64_t weighted(std::int64_t map) const { return 3 * classes + 1 + 2 * map; }
  std::int64_t size() const { return weighted(maps); }
};

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

/// Memory of a tensor as the kernels see it.
template <class T>
T* memory(const torch::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

LocalSums add_blocks(const std::vector<double>& table, const BlockLayout& layout, std::int64_t images) {
  const auto zeros = [](at::IntArrayRef sizes) { return torch::zeros(sizes, torch::kFloat64); };
  LocalSums local{zeros({images, layout.classes}), zeros({images, layout.classes}), zeros({images, layout.classes}),
                  zeros({layout.maps, 2}), zeros({})};
  double *overlap = memory<double>(local.overlap), *mass = memory<double>(local.mass),
         *labelled = memory<double>(local.labelled), *weighted = memory<double>(local.weighted),
         *not_finite = memory<double>(local.not_finite);
  const auto blocks = static_cast<std::int64_t>(table.size()) / layout.size();
  for (std::int64_t block = 0; block < blocks; ++block) {
    const double* sums = table.data() + block * layout.size();
    const std::int64_t row = block / (blocks / images) * layout.classes;
    for (std::int64_t c = 0; c < layout.classes; ++c) {
      overlap[row + c] += sums[c];
      mass[row + c] += sums[layout.mass() + c];
      labelled[row + c] += sums[layout.labelled() + c];
    }
    *not_finite += sums[layout.not_finite()];
    for (std::int64_t i = 0; i < 2 * layout.maps; ++i) weighted[i] += sums[layout.weighted(0) + i];
  }
  return local;
}

/// Calls `body` with the kernels for the dtype that this machine runs best.
template <class Body>
void with_kernels(torch::ScalarType type, const Body& body) {
  const KernelSet& best = *kernel_sets().front();
  if (type == torch::kFloat64) return body(best.of_double);
  if (type == torch::kBFloat16) return body(best.of_bfloat16);
  body(best.of_float);
}

template <class T>
PixelRow<T> row_of(const torch::Tensor& logits, const torch::Tensor& labels, std::int64_t first, std::int64_t last) {
  const std::int64_t classes = logits.size(3);
  return {memory<T>(logits) + first * classes, memory<std::uint8_t>(labels) + first, last - first, classes};
}

template <class T>
SoftmaxScale<T> scale_of(const std::vector<torch::Tensor>& kept, std::int64_t first) {
  if (kept.empty()) return {nullptr, nullptr};
  return {memory<Arithmetic<T>>(kept[0]) + first, memory<Arithmetic<T>>(kept[1]) + first};
}

}  // namespace

torch::ScalarType arithmetic_type(const torch::Tensor& logits) {
  return logits.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

SoftmaxPass softmax_pass_cpu(const torch::Tensor& logits, const torch::Tensor& labels,
                             const std::vector<torch::Tensor>& pixel_weights, const PassOptions& options) {
  const std::int64_t images = logits.size(0), pixels_per_image = logits.size(1) * logits.size(2);
  const BlockLayout layout{logits.size(3), static_cast<std::int64_t>(pixel_weights.size())};
  const std::int64_t blocks = images * ((pixels_per_image + kBlock - 1) / kBlock);
  std::vector<double> table(static_cast<std::size_t>(blocks * layout.size()));
  SoftmaxPass result;
  if (options.keep) {
    const auto scale = [&] { return torch::empty(labels.sizes(), arithmetic_type(logits)); };
    result.kept = {scale(), scale()};
  }
  with_kernels(logits.scalar_type(), [&]<class T>(const PixelKernels<T>& kernels) {
    using A = Arithmetic<T>;
    for_each_block(images, pixels_per_image,
                   [&](std::int64_t block, std::int64_t /*image*/, std::int64_t first, std::int64_t last) {
                     std::vector<const A*> weights;
                     for (const torch::Tensor& map : pixel_weights) weights.push_back(memory<A>(map) + first);
                     double* const own = table.data() + block * layout.size();
                     RowSums sums{own, own + layout.mass(), own + layout.labelled(), own + layout.weighted(0)};
                     kernels.softmax(row_of<T>(logits, labels, first, last), weights.data(), weights.size(),
                                     options.squared, scale_of<T>(result.kept, first), sums);
                     own[layout.not_finite()] = sums.not_finite;
                   });
  });
  result.sums = add_blocks(table, layout, images);
  return result;
}

torch::Tensor gradient_pass_cpu(const GradientParts& parts, bool consume) {
  const torch::Tensor& logits = parts.logits;
  const std::int64_t classes = logits.size(3);
  const torch::Tensor gradient = consume ? logits : torch::empty_like(logits);
  with_kernels(logits.scalar_type(), [&]<class T>(const PixelKernels<T>& kernels) {
    using A = Arithmetic<T>;
    for_each_block(logits.size(0), logits.size(1) * logits.size(2),
                   [&](std::int64_t /*block*/, std::int64_t image, std::int64_t first, std::int64_t last) {
                     kernels.gradient(row_of<T>(logits, parts.labels, first, last), scale_of<T>(parts.kept, first),
                                      memory<A>(parts.overlap) + image * 3 * classes,
                                      parts.nll.defined() ? memory<A>(parts.nll) + first : nullptr,
                                      memory<T>(gradient) + first * classes);
                   });
  });
  return gradient;
}

}  // namespace crossfade::schedules
