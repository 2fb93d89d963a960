#include "model/channel_pass.hpp"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

namespace crossfade::model {
namespace {

// Pixels added up together; blocks are then added in order, so that threads do not change the result.
constexpr std::int64_t kBlock = 2048;

bool fused(const torch::Tensor& a, const torch::Tensor& b) {
  return a.is_cpu() && a.is_contiguous(torch::MemoryFormat::ChannelsLast) &&
         (!b.defined() || b.is_contiguous(torch::MemoryFormat::ChannelsLast));
}

template <typename T>
void add_block(const T* a, const T* b, std::int64_t pixels, std::int64_t channels, double* sums) {
  double* __restrict__ of_a = sums;
  double* __restrict__ of_product = sums + channels;
  for (std::int64_t i = 0; i < pixels; ++i) {
    const T* __restrict__ x = a + i * channels;
    const T* __restrict__ y = b + i * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      of_a[c] += static_cast<double>(x[c]);
      of_product[c] += static_cast<double>(x[c]) * static_cast<double>(y[c]);
    }
  }
}

torch::Tensor fused_sums(const torch::Tensor& a, const torch::Tensor& b) {
  const std::int64_t channels = a.size(1), pixels = a.numel() / channels, blocks = (pixels + kBlock - 1) / kBlock;
  const torch::Tensor table = torch::zeros({blocks, 2, channels}, torch::kFloat64);
  AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "channel_sums", [&] {
    const scalar_t* x = a.const_data_ptr<scalar_t>();
    const scalar_t* y = b.const_data_ptr<scalar_t>();
    double* sums = table.mutable_data_ptr<double>();
    at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * kBlock;
        add_block<scalar_t>(x + first * channels, y + first * channels, std::min(kBlock, pixels - first), channels,
                            sums + block * 2 * channels);
      }
    });
  });
  return table.sum(0);
}

template <typename T>
void transform(const T* a, const T* b, const T* coefficients, std::int64_t pixels, std::int64_t channels, T* out) {
  const T* __restrict__ scale = coefficients;
  const T* __restrict__ other = coefficients + channels;
  const T* __restrict__ shift = coefficients + 2 * channels;
  for (std::int64_t i = 0; i < pixels; ++i) {
    const T* __restrict__ x = a + i * channels;
    T* __restrict__ y = out + i * channels;
    if (b == nullptr) {
      for (std::int64_t c = 0; c < channels; ++c) y[c] = x[c] * scale[c] + shift[c];
    } else {
      const T* __restrict__ z = b + i * channels;
      for (std::int64_t c = 0; c < channels; ++c) y[c] = x[c] * scale[c] + (z[c] * other[c] + shift[c]);
    }
  }
}

torch::Tensor fused_affine(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& coefficients) {
  const std::int64_t channels = a.size(1), pixels = a.numel() / channels;
  const torch::Tensor result = torch::empty_like(a);
  AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "channel_affine", [&] {
    const scalar_t* x = a.const_data_ptr<scalar_t>();
    const scalar_t* z = b.defined() ? b.const_data_ptr<scalar_t>() : nullptr;
    const scalar_t* k = coefficients.const_data_ptr<scalar_t>();
    scalar_t* y = result.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, pixels, kBlock, [&](std::int64_t begin, std::int64_t end) {
      transform<scalar_t>(x + begin * channels, z == nullptr ? nullptr : z + begin * channels, k, end - begin, channels,
                          y + begin * channels);
    });
  });
  return result;
}

}  // namespace

torch::Tensor channel_sums(const torch::Tensor& a, const torch::Tensor& b) {
  if (fused(a, b)) return fused_sums(a, b);
  const auto sum = [](const torch::Tensor& x) { return x.sum({0, 2, 3}, /*keepdim=*/false, torch::kFloat64); };
  const torch::Tensor product = a.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true).mul_(b);
  return torch::stack({sum(a), sum(product)});
}

torch::Tensor channel_affine(const torch::Tensor& a, const torch::Tensor& scale, const torch::Tensor& b,
                             const torch::Tensor& other, const torch::Tensor& shift) {
  const torch::Tensor coefficients =
      torch::stack({scale, b.defined() ? other : torch::zeros_like(scale), shift}).to(a.scalar_type());
  if (fused(a, b)) return fused_affine(a, b, coefficients);
  const auto row = [&](std::int64_t k) { return coefficients[k].view({1, -1, 1, 1}); };
  torch::Tensor result = torch::addcmul(row(2), a, row(0));
  if (b.defined()) result = torch::addcmul(result, b, row(1));
  return result;
}

}  // namespace crossfade::model
