#include "schedules/pixel_pass.hpp"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/device.hpp"
#include "tests/schedules/loss_cases.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using testing::DoubleNear;
using testing::Pointwise;
using tests::relative_difference;

struct Pixels {
  torch::Tensor logits, labels, weights;
};

// Larger than one block, not a multiple of it, and a number of classes with a rest after every vector length.
Pixels make_pixels(torch::Dtype dtype, std::int64_t classes = 29) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(5);
  return {(torch::randn({2, 37, 41, classes}, generator, torch::kFloat64) * 5).to(dtype),
          torch::randint(0, classes, {2, 37, 41}, generator, torch::kInt64),
          torch::rand({2, 37, 41}, generator, torch::kFloat64).to(dtype)};
}

torch::Tensor coefficients(const Pixels& pixels) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(6);
  return torch::randn({2, 3, pixels.logits.size(3)}, generator, torch::kFloat64).to(pixels.logits.scalar_type());
}

// The fused loops against tensor operations, on the tests' device. Sums: relative to their size of up to 3,000 pixels,
// float32 rounds each probability to 6e-8 (and the polynomial of the exponential adds as much again).
TEST(PixelPass, GivesTheSameOnBothPaths) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    const double rounding = dtype == torch::kFloat32 ? 5e-7 : 1e-14;
    for (const bool squared : {false, true}) {
      const Pixels in = make_pixels(dtype);
      const std::vector<torch::Tensor> maps = {in.weights, in.weights * 2};
      SoftmaxPass fused = softmax_pass_cpu(in.logits, in.labels, maps, {.squared = squared, .keep_probabilities = true});
      const auto placed = [](const torch::Tensor& tensor) { return tensor.to(tests::device()); };
      SoftmaxPass plain =
          softmax_pass_aten(placed(in.logits), placed(in.labels), {placed(maps[0]), placed(maps[1])}, {.squared = squared, .keep_probabilities = true});
      EXPECT_LT(relative_difference(fused.probabilities, plain.probabilities.cpu()), rounding);
      EXPECT_THAT(fused.sums.overlap, Pointwise(DoubleNear(100 * rounding), plain.sums.overlap));
      EXPECT_THAT(fused.sums.mass, Pointwise(DoubleNear(100 * rounding), plain.sums.mass));
      EXPECT_EQ(fused.sums.labelled, plain.sums.labelled);
      EXPECT_EQ(fused.sums.pixels, 2 * 37 * 41);
      EXPECT_EQ(plain.sums.pixels, 2 * 37 * 41);
      for (std::size_t map = 0; map < maps.size(); ++map) {
        const WeightedNll &a = fused.sums.weighted[map], &b = plain.sums.weighted[map];
        EXPECT_NEAR(a.nll, b.nll, rounding * b.nll);
        EXPECT_NEAR(a.weight, b.weight, 1e-12 * b.weight);
      }

      gradient_pass_cpu(fused.probabilities, in.labels, coefficients(in), in.weights);
      gradient_pass_aten(plain.probabilities, placed(in.labels), placed(coefficients(in)), placed(in.weights));
      EXPECT_LT(relative_difference(fused.probabilities, plain.probabilities.cpu()), rounding);
    }
  }
}

TEST(PixelPass, GivesTheSameOnBothPathsWherePixelsAreIgnored) {
  Pixels in = make_pixels(torch::kFloat64);
  in.labels.masked_fill_(in.labels == 3, kIgnored);
  const torch::Tensor weights = in.weights.masked_fill(in.labels == kIgnored, 0);
  const PassOptions options{.squared = true, .keep_probabilities = true, .ignores = true};
  const auto placed = [](const torch::Tensor& tensor) { return tensor.to(tests::device()); };
  SoftmaxPass fused = softmax_pass_cpu(in.logits, in.labels, {weights}, options);
  SoftmaxPass plain = softmax_pass_aten(placed(in.logits), placed(in.labels), {placed(weights)}, options);
  EXPECT_EQ(fused.sums.pixels, (in.labels != kIgnored).sum().item<std::int64_t>());
  EXPECT_EQ(plain.sums.pixels, fused.sums.pixels);
  EXPECT_EQ(fused.sums.labelled, plain.sums.labelled);
  EXPECT_THAT(fused.sums.mass, Pointwise(DoubleNear(1e-12), plain.sums.mass));
  EXPECT_THAT(fused.sums.overlap, Pointwise(DoubleNear(1e-12), plain.sums.overlap));
  EXPECT_NEAR(fused.sums.weighted[0].nll, plain.sums.weighted[0].nll, 1e-12 * plain.sums.weighted[0].nll);
  gradient_pass_cpu(fused.probabilities, in.labels, coefficients(in), weights);
  gradient_pass_aten(plain.probabilities, placed(in.labels), placed(coefficients(in)), placed(weights));
  EXPECT_LT(relative_difference(fused.probabilities, plain.probabilities.cpu()), 1e-14);
  EXPECT_EQ(fused.probabilities.masked_select((in.labels == kIgnored).unsqueeze(-1)).abs().sum().item<double>(), 0);
}

// std::exp as the reference; 2e-7 is two units in the last place of a float, relative.
TEST(PixelPass, HasAnExponentialOfFullPrecision) {
  const std::int64_t count = 20001;
  torch::Tensor logits = torch::zeros({1, 1, count, 2}, torch::kFloat32);
  logits.select(3, 1).copy_(torch::linspace(-50, 0, count).view({1, 1, count}));
  const auto pass = softmax_pass_cpu(logits, torch::zeros({1, 1, count}, torch::kInt64), {}, {.keep_probabilities = true});
  const torch::Tensor x = logits.select(3, 1).to(torch::kFloat64), expected = x.exp() / (1 + x.exp());
  const torch::Tensor error = (pass.probabilities.select(3, 1).to(torch::kFloat64) / expected - 1).abs();
  EXPECT_LT(error.max().item<double>(), 3e-7);  // and one rounding each of 1 + e^x and of the division
}

TEST(PixelPass, ReportsAnyLogitThatIsNotFinite) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    EXPECT_EQ(softmax_pass_cpu(make_pixels(dtype).logits, make_pixels(dtype).labels, {}, {}).sums.not_finite,
              0);
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      for (const std::int64_t where : {0, 13, 28}) {
        Pixels in = make_pixels(dtype);
        in.logits[1][20][3][where] = bad;
        const auto fused = softmax_pass_cpu(in.logits, in.labels, {}, {.keep_probabilities = true});
        const auto plain =
            softmax_pass_aten(in.logits.to(tests::device()), in.labels.to(tests::device()), {}, {.keep_probabilities = true});
        EXPECT_TRUE(std::isnan(fused.sums.not_finite)) << bad << " at class " << where;
        EXPECT_TRUE(std::isnan(plain.sums.not_finite)) << bad << " at class " << where;
      }
    }
  }
}

TEST(PixelPass, IsBitIdenticalForAnyNumberOfThreads) {
  const Pixels in = make_pixels(torch::kFloat32);
  const int threads_before = at::get_num_threads();
  std::vector<SoftmaxPass> passes;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    passes.push_back(softmax_pass_cpu(in.logits, in.labels, {in.weights}, {.keep_probabilities = true}));
    gradient_pass_cpu(passes.back().probabilities, in.labels, coefficients(in), in.weights);
  }
  at::set_num_threads(threads_before);
  for (const SoftmaxPass& pass : passes) {
    EXPECT_EQ(pass.sums.overlap, passes[0].sums.overlap);
    EXPECT_EQ(pass.sums.mass, passes[0].sums.mass);
    EXPECT_EQ(pass.sums.weighted[0].nll, passes[0].sums.weighted[0].nll);
    EXPECT_TRUE(pass.probabilities.equal(passes[0].probabilities));
  }
}

}  // namespace
}  // namespace crossfade::schedules
