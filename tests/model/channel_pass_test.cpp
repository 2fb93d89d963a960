#include "model/channel_pass.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/thread_group.hpp"

namespace crossfade::model {
namespace {

using tests::relative_difference;

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

torch::Tensor values(std::uint64_t seed, torch::Dtype dtype) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return torch::randn({3, 19, 33, 47}, generator, torch::kFloat64).to(dtype);  // more than one block, odd sizes
}

// Sums are float64 on both paths; float32 inputs are rounded before, alike for both.
TEST(ChannelPass, GivesTheSameForEitherMemoryFormat) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const torch::Tensor k = torch::randn({3, 19}, generator, torch::kFloat64);
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    const double rounding = dtype == torch::kFloat32 ? 1e-6 : 1e-14;
    const torch::Tensor a = values(1, dtype), b = values(2, dtype);
    const torch::Tensor a_last = a.contiguous(kLast), b_last = b.contiguous(kLast);
    EXPECT_LT(relative_difference(channel_sums(a_last, b_last), channel_sums(a, b)), 1e-13);
    const torch::Tensor with_b = channel_affine(a_last, k[0], b_last, k[1], k[2]);
    EXPECT_TRUE(with_b.is_contiguous(kLast));
    EXPECT_EQ(with_b.scalar_type(), dtype);
    EXPECT_LT(relative_difference(with_b, channel_affine(a, k[0], b, k[1], k[2])), rounding);
    EXPECT_LT(relative_difference(channel_affine(a_last, k[0], {}, {}, k[2]), channel_affine(a, k[0], {}, {}, k[2])),
              rounding);
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
