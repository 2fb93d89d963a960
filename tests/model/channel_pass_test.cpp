#include "model/channel_pass.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "tests/thread_group.hpp"

namespace crossfade::model {
namespace {

using tests::relative_difference;

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

torch::Tensor normal(std::uint64_t seed, at::IntArrayRef shape) {
  return torch::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), torch::kFloat64);
}

torch::Tensor values(std::uint64_t seed, torch::Dtype dtype, std::int64_t channels = 19) {
  return normal(seed, {3, channels, 33, 47}).to(dtype);  // more than one block, odd sizes
}

/// Sums in the order of pixels within a block of 2048, and of blocks after that: what resumption rests on.
torch::Tensor sums_in_order(const torch::Tensor& a, const torch::Tensor& b) {
  const auto rows = [](const torch::Tensor& x) {
    return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)}).to(torch::kFloat64).contiguous();
  };
  const torch::Tensor x = rows(a), y = rows(b), result = torch::zeros({2, x.size(1)}, torch::kFloat64);
  for (std::int64_t c = 0; c < x.size(1); ++c) {
    for (std::int64_t block = 0; block < x.size(0); block += 2048) {
      double sum = 0, product = 0;
      for (std::int64_t i = block; i < std::min(block + 2048, x.size(0)); ++i) {
        const double of_x = x.const_data_ptr<double>()[i * x.size(1) + c];
        sum += of_x;
        product += of_x * y.const_data_ptr<double>()[i * x.size(1) + c];
      }
      result.mutable_data_ptr<double>()[c] += sum;
      result.mutable_data_ptr<double>()[x.size(1) + c] += product;
    }
  }
  return result;
}

// Sums are float64 on both paths; inputs are rounded before, alike for both, and results once: by 2^-9 of the value to
// bfloat16, of a sum of products that may be 4 times as large.
TEST(ChannelPass, GivesTheSameForEitherMemoryFormat) {
  const torch::Tensor k = normal(3, {5, 19});
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    const double rounding = dtype == torch::kFloat32 ? 1e-6 : dtype == torch::kFloat64 ? 1e-14 : 1e-2;
    const torch::Tensor a = values(1, dtype), b = values(2, dtype);
    const torch::Tensor a_last = a.contiguous(kLast), b_last = b.contiguous(kLast);
    EXPECT_LT(relative_difference(channel_sums(a_last, b_last), channel_sums(a, b)), 1e-13);
    for (const bool rectify : {false, true}) {
      const ChannelAffine by{k[0], k[1], rectify};
      EXPECT_LT(relative_difference(channel_sums(a_last, b_last, by), channel_sums(a, b, by)), 1e-13);
      const torch::Tensor y = channel_affine(a_last, by);
      EXPECT_TRUE(y.is_contiguous(kLast));
      EXPECT_EQ(y.scalar_type(), dtype);
      EXPECT_LT(relative_difference(y, channel_affine(a, by)), rounding);
      const ChannelAffineGradient back{by, k[2], k[3], k[4]};
      const torch::Tensor dx = channel_affine_gradient(a_last, b_last, back);
      EXPECT_LT(relative_difference(dx, channel_affine_gradient(a, b, back)), rounding);
      const torch::Tensor over = a_last.clone();
      EXPECT_TRUE(channel_affine_gradient(over, b_last, back, /*over_dy=*/true).equal(dx) && over.equal(dx));
    }
  }
}

// Written out in float64: (x·scale + shift > 0 ? dy : 0), and what is made of it.
TEST(ChannelPass, TakesNoGradientWhereItRectified) {
  const torch::Tensor dy = values(1, torch::kFloat64).contiguous(kLast), x = values(2, torch::kFloat64);
  const torch::Tensor k = normal(3, {5, 19}), row = k.view({5, 1, 19, 1, 1});
  const ChannelAffine by{k[0], k[1], true};
  const torch::Tensor forward = x * row[0] + row[1];
  EXPECT_LT(relative_difference(channel_affine(x.contiguous(kLast), by), forward.clamp_min(0)), 1e-14);
  const torch::Tensor kept = dy * (forward > 0);
  const torch::Tensor sums = torch::stack({kept.sum({0, 2, 3}), (kept * x).sum({0, 2, 3})});
  EXPECT_LT(relative_difference(channel_sums(dy, x.contiguous(kLast), by), sums), 1e-12);
  const torch::Tensor dx = channel_affine_gradient(dy, x.contiguous(kLast), {by, k[2], k[3], k[4]});
  EXPECT_LT(relative_difference(dx, kept * row[2] + x * row[3] + row[4]), 1e-13);
}

TEST(ChannelPass, KeepsNotANumber) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    const torch::Tensor x = values(1, dtype).contiguous(kLast);
    x[1][2][3][4] = std::numeric_limits<double>::quiet_NaN();
    const torch::Tensor one = torch::ones({19}, torch::kFloat64);
    EXPECT_EQ(channel_affine(x, {one, one, true}).isnan().sum().item<int>(), 1);
  }
}

// Channels that fill vectors of floats and of doubles, and that don't. Blocks are added up by torch, products may be
// fused with their sum: some roundings of 2^-53 in sums of 5,000 numbers.
TEST(ChannelPass, AddsUpPixelsInTheirOrder) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    for (const std::int64_t channels : {1, 3, 4, 8, 11, 16, 24, 37}) {
      const torch::Tensor a = values(1, dtype, channels), b = values(2, dtype, channels);
      const torch::Tensor sums = channel_sums(a.contiguous(kLast), b.contiguous(kLast));
      EXPECT_LT(relative_difference(sums, sums_in_order(a, b)), 1e-14) << dtype << ' ' << channels;
      const torch::Tensor one = a.contiguous(kLast);
      EXPECT_TRUE(channel_sums(one, one).equal(channel_sums(one, one.clone()))) << dtype << ' ' << channels;
    }
  }
}

TEST(ChannelPass, IsBitIdenticalForAnyNumberOfThreads) {
  const torch::Tensor a = values(1, torch::kFloat32).contiguous(kLast),
                      b = values(2, torch::kFloat32).contiguous(kLast);
  const int threads_before = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor one = channel_sums(a, b);
  at::set_num_threads(3);
  const torch::Tensor three = channel_sums(a, b);
  at::set_num_threads(threads_before);
  EXPECT_TRUE(one.equal(three));
}

}  // namespace
}  // namespace crossfade::model
