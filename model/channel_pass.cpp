#include "model/channel_pass.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

#include "model/kernel_dispatch.hpp"

#ifndef _OPENMP
#error "at::parallel_for would run on one thread: name this file in crossfade_parallel()"
#endif

namespace crossfade::model {
namespace {

// Pixels added up together; blocks are then added in order, so that threads do not change the result.
constexpr std::int64_t kBlock = 2048;

bool fused(const torch::Tensor& a, const torch::Tensor& b) {
  return takes_kernels(a) && takes_kernels(b) && a.scalar_type() == b.scalar_type();
}

/// Runs body(block, first pixel, extent) for every block, in parallel.
template <class Body>
void for_each_block(const torch::Tensor& x, const Body& body) {
  const std::int64_t channels = x.size(1), pixels = x.numel() / channels, blocks = (pixels + kBlock - 1) / kBlock;
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block)
      body(block, block * kBlock, Extent{std::min(kBlock, pixels - block * kBlock), channels});
  });
}

/// One float64 [C] each as rows of one tensor that the loops for `x` can read.
torch::Tensor rows(const torch::Tensor& x, at::TensorList values) {
  return torch::stack(values).to(arithmetic_type(x));
}

template <class A>
Affine<A> affine_of(const torch::Tensor& two_rows, bool rectify) {
  const A* first = memory<A>(two_rows);
  return {first, first + two_rows.size(1), rectify};
}

torch::Tensor fused_sums(const torch::Tensor& a, const torch::Tensor& b, const ChannelAffine* of_b) {
  const std::int64_t channels = a.size(1), blocks = (a.numel() / channels + kBlock - 1) / kBlock;
  const torch::Tensor table = torch::zeros({blocks, 2, channels}, torch::kFloat64);
  const torch::Tensor coefficients = of_b == nullptr ? torch::Tensor() : rows(a, {of_b->scale, of_b->shift});
  with_kernels(a.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
    const auto affine =
        of_b == nullptr ? Affine<data::Arithmetic<T>>{} : affine_of<data::Arithmetic<T>>(coefficients, of_b->rectify);
    for_each_block(a, [&](std::int64_t block, std::int64_t first, Extent extent) {
      kernels.sums(memory<T>(a) + first * channels, memory<T>(b) + first * channels,
                   of_b == nullptr ? nullptr : &affine, extent, memory<double>(table) + block * 2 * channels);
    });
  });
  return table.sum(0);
}

torch::Tensor sums_by_tensors(const torch::Tensor& a, const torch::Tensor& b) {
  const auto sum = [](const torch::Tensor& x) { return x.sum({0, 2, 3}, /*keepdim=*/false, torch::kFloat64); };
  const torch::Tensor product = a.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true).mul_(b);
  return torch::stack({sum(a), sum(product)});
}

/// x·scale + shift in the type that x is computed in.
torch::Tensor affine_by_tensors(const torch::Tensor& x, const ChannelAffine& by) {
  const torch::Tensor k = rows(x, {by.scale, by.shift}).view({2, 1, -1, 1, 1});
  return torch::addcmul(k[1], x.to(arithmetic_type(x)), k[0]);
}

torch::Tensor rectified_gradient(const torch::Tensor& dy, const torch::Tensor& x, const ChannelAffine& forward) {
  return forward.rectify ? dy.masked_fill(affine_by_tensors(x, forward) <= 0, 0) : dy;
}

}  // namespace

torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b) {
  return fused(a, b) ? fused_sums(a, b, nullptr) : sums_by_tensors(a, b);
}

torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b, const ChannelAffine& of_b) {
  return fused(a, b) ? fused_sums(a, b, &of_b) : sums_by_tensors(rectified_gradient(a, b, of_b), b);
}

torch::Tensor channel_affine(const torch::Tensor& x, const ChannelAffine& by) {
  if (!takes_kernels(x)) {
    const torch::Tensor y = affine_by_tensors(x, by);
    return (by.rectify ? y.relu() : y).to(x.scalar_type());
  }
  const torch::Tensor y = torch::empty_like(x), coefficients = rows(x, {by.scale, by.shift});
  with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
    const auto affine = affine_of<data::Arithmetic<T>>(coefficients, by.rectify);
    for_each_block(x, [&](std::int64_t /*block*/, std::int64_t first, Extent extent) {
      kernels.affine(memory<T>(x) + first * extent.channels, affine, extent, memory<T>(y) + first * extent.channels);
    });
  });
  return y;
}

torch::Tensor channel_affine_gradient(const torch::Tensor& dy, const torch::Tensor& x, const ChannelAffineGradient& by,
                                      bool over_dy) {
  const torch::Tensor k = rows(x, {by.forward.scale, by.forward.shift, by.of_gradient, by.of_input, by.constant});
  if (!fused(dy, x)) {
    const auto row = [&](std::int64_t n) { return k[n].view({1, -1, 1, 1}); };
    const torch::Tensor of_x = torch::addcmul(row(4), x.to(k.scalar_type()), row(3));
    return torch::addcmul(of_x, rectified_gradient(dy, x, by.forward).to(k.scalar_type()), row(2)).to(x.scalar_type());
  }
  const torch::Tensor dx = over_dy ? dy : torch::empty_like(x);
  with_kernels(x.scalar_type(), [&]<class T>(const ChannelKernels<T>& kernels) {
    using A = data::Arithmetic<T>;
    const auto row = [&](std::int64_t n) { return memory<A>(k) + n * k.size(1); };
    const AffineGradient<A> affine{affine_of<A>(k, by.forward.rectify), row(2), row(3), row(4)};
    for_each_block(x, [&](std::int64_t /*block*/, std::int64_t first, Extent extent) {
      const std::int64_t from = first * extent.channels;
      kernels.affine_gradient(memory<T>(dy) + from, memory<T>(x) + from, affine, extent, memory<T>(dx) + from);
    });
  });
  return dx;
}

}  // namespace crossfade::model
