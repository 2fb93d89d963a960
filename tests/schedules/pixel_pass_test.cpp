#include "schedules/pixel_pass.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "schedules/pixel_kernels.hpp"
#include "tests/device.hpp"
#include "tests/schedules/loss_cases.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::schedules {
namespace {

using tests::relative_difference;

bool close(const torch::Tensor& a, const torch::Tensor& b, double relative, double absolute) {
  return torch::allclose(a.cpu(), b.cpu(), relative, absolute);
}

bool is_nan(const torch::Tensor& number) {
  return std::isnan(number.item<double>());
}

struct Pixels {
  torch::Tensor logits, labels, weights;  // labels uint8
};

// Larger than one block, not a multiple of it, and a number of classes with a rest after every vector length.
Pixels make_pixels(torch::Dtype dtype, std::int64_t classes = 29) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const torch::Tensor logits = (torch::randn({2, 37, 41, classes}, generator, torch::kFloat64) * 5).to(dtype);
  return {logits, torch::randint(0, classes, {2, 37, 41}, generator, torch::kUInt8),
          torch::rand({2, 37, 41}, generator, torch::kFloat64).to(arithmetic_type(logits))};
}

torch::Tensor coefficients(const Pixels& pixels) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(6);
  return torch::randn({2, 3, pixels.logits.size(3)}, generator, torch::kFloat64).to(arithmetic_type(pixels.logits));
}

struct Passes {
  LocalSums sums;
  torch::Tensor gradient;  // float64, on the CPU
};

Passes fused(const Pixels& in, const std::vector<torch::Tensor>& maps, PassOptions options) {
  options.keep = true;
  const SoftmaxPass pass = softmax_pass_cpu(in.logits, in.labels, maps, options);
  const torch::Tensor gradient =
      gradient_pass_cpu({in.logits, pass.kept, in.labels, coefficients(in), in.weights}, /*consume=*/false);
  EXPECT_EQ(gradient.scalar_type(), in.logits.scalar_type());
  return {pass.sums, gradient.to(torch::kFloat64)};
}

/// On the tests' device.
Passes plain(const Pixels& in, const std::vector<torch::Tensor>& maps, PassOptions options) {
  options.keep = true;
  const auto placed = [](const torch::Tensor& tensor) { return tensor.to(tests::device()); };
  std::vector<torch::Tensor> placed_maps;
  for (const torch::Tensor& map : maps) placed_maps.push_back(placed(map));
  const torch::Tensor logits = placed(in.logits), labels = placed(in.labels.to(torch::kInt64));
  const SoftmaxPass pass = softmax_pass_aten(logits, labels, placed_maps, options);
  const torch::Tensor gradient =
      gradient_pass_aten({{}, pass.kept, labels, placed(coefficients(in)), placed(in.weights)});
  return {pass.sums, gradient.to(torch::kCPU, torch::kFloat64)};
}

// The fused loops against tensor operations, on the tests' device. Sums: relative to their size of up to 3,000 pixels,
// float32 rounds each probability to 6e-8 (and the polynomial of the exponential adds as much again). Both compute
// bfloat16 in float32, and round the gradient alone, to 2^-9 of itself.
TEST(PixelPass, GivesTheSameOnBothPaths) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    const double rounding = dtype == torch::kFloat64 ? 1e-14 : 5e-7;
    for (const bool squared : {false, true}) {
      const Pixels in = make_pixels(dtype);
      const std::vector<torch::Tensor> maps = {in.weights, in.weights * 2};
      const Passes a = fused(in, maps, {.squared = squared}), b = plain(in, maps, {.squared = squared});
      EXPECT_TRUE(close(a.sums.overlap, b.sums.overlap, 0, 100 * rounding));
      EXPECT_TRUE(close(a.sums.mass, b.sums.mass, 0, 100 * rounding));
      EXPECT_TRUE(a.sums.labelled.equal(b.sums.labelled.cpu()));
      EXPECT_EQ(a.sums.labelled.sum().item<double>(), 2 * 37 * 41);
      ASSERT_EQ(a.sums.weighted.sizes(), (std::vector<std::int64_t>{2, 2}));
      EXPECT_TRUE(close(a.sums.weighted.select(1, 0), b.sums.weighted.select(1, 0), rounding, 0));
      EXPECT_TRUE(close(a.sums.weighted.select(1, 1), b.sums.weighted.select(1, 1), 1e-12, 0));
      EXPECT_LT(relative_difference(a.gradient, b.gradient), dtype == torch::kBFloat16 ? 1 / 512.0 : rounding);
    }
  }
}

TEST(PixelPass, GivesTheSameOnBothPathsWherePixelsAreIgnored) {
  Pixels in = make_pixels(torch::kFloat64);
  in.labels.masked_fill_(in.labels == 3, kIgnored);
  in.weights.masked_fill_(in.labels == kIgnored, 0);
  const PassOptions options{.squared = true, .ignores = true};
  const Passes a = fused(in, {in.weights}, options), b = plain(in, {in.weights}, options);
  EXPECT_EQ(a.sums.labelled.sum().item<double>(), (in.labels != kIgnored).sum().item<double>());
  EXPECT_TRUE(a.sums.labelled.equal(b.sums.labelled.cpu()));
  EXPECT_TRUE(close(a.sums.mass, b.sums.mass, 0, 1e-12));
  EXPECT_TRUE(close(a.sums.overlap, b.sums.overlap, 0, 1e-12));
  EXPECT_TRUE(close(a.sums.weighted[0][0], b.sums.weighted[0][0], 1e-12, 0));
  EXPECT_LT(relative_difference(a.gradient, b.gradient), 1e-14);
  EXPECT_EQ(a.gradient.masked_select((in.labels == kIgnored).unsqueeze(-1)).abs().sum().item<double>(), 0);
}

TEST(PixelPass, MayWriteTheGradientOverTheLogits) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    const Pixels in = make_pixels(dtype);
    const SoftmaxPass pass = softmax_pass_cpu(in.logits, in.labels, {}, {.keep = true});
    const GradientParts parts{in.logits, pass.kept, in.labels, coefficients(in), in.weights};
    const torch::Tensor expected = gradient_pass_cpu(parts, false), found = gradient_pass_cpu(parts, true);
    EXPECT_EQ(found.data_ptr(), in.logits.data_ptr());
    EXPECT_TRUE(found.equal(expected));
  }
}

// std::exp as the reference; 2e-7 is two units in the last place of a float, relative.
TEST(PixelPass, HasAnExponentialOfFullPrecision) {
  const std::int64_t count = 20001;
  torch::Tensor logits = torch::zeros({1, 1, count, 2}, torch::kFloat32);
  logits.select(3, 1).copy_(torch::linspace(-50, 0, count).view({1, 1, count}));
  const torch::Tensor labels = torch::zeros({1, 1, count}, torch::kUInt8);
  const auto pass = softmax_pass_cpu(logits, labels, {}, {.keep = true});
  // p - g of cross-entropy, where g is 0.
  const torch::Tensor gradient = gradient_pass_cpu(
      {logits, pass.kept, labels, torch::zeros({1, 3, 2}), torch::ones({1, 1, count})}, /*consume=*/false);
  const torch::Tensor x = logits.select(3, 1).to(torch::kFloat64), expected = x.exp() / (1 + x.exp());
  const torch::Tensor error = (gradient.select(3, 1).to(torch::kFloat64) / expected - 1).abs();
  EXPECT_LT(error.max().item<double>(), 3e-7);  // and one rounding each of 1 + e^x and of the division
}

TEST(PixelPass, ReportsAnyLogitThatIsNotFinite) {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16}) {
    EXPECT_EQ(
        softmax_pass_cpu(make_pixels(dtype).logits, make_pixels(dtype).labels, {}, {}).sums.not_finite.item<double>(),
        0);
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      for (const std::int64_t where : {0, 13, 28}) {
        Pixels in = make_pixels(dtype);
        in.logits[1][20][3][where] = bad;
        const auto fused = softmax_pass_cpu(in.logits, in.labels, {}, {});
        const auto plain =
            softmax_pass_aten(in.logits.to(tests::device()), in.labels.to(tests::device(), torch::kInt64), {}, {});
        EXPECT_TRUE(is_nan(fused.sums.not_finite)) << bad << " at class " << where;
        EXPECT_TRUE(is_nan(plain.sums.not_finite)) << bad << " at class " << where;
      }
    }
  }
}

TEST(PixelPass, IsBitIdenticalForAnyNumberOfThreads) {
  const Pixels in = make_pixels(torch::kFloat32);
  const int threads_before = at::get_num_threads();
  std::vector<Passes> passes;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    passes.push_back(fused(in, {in.weights}, {}));
  }
  at::set_num_threads(threads_before);
  for (const Passes& pass : passes) {
    EXPECT_TRUE(pass.sums.overlap.equal(passes[0].sums.overlap));
    EXPECT_TRUE(pass.sums.mass.equal(passes[0].sums.mass));
    EXPECT_TRUE(pass.sums.weighted.equal(passes[0].sums.weighted));
    EXPECT_TRUE(pass.gradient.equal(passes[0].gradient));
  }
}

/// Sums of random pixels by one set of loops against those in float64, each to `rounding` of its norm; returns the
/// gradient.
template <class T>
torch::Tensor checked_gradient(const PixelKernels<T>& kernels, torch::Dtype dtype, double rounding,
                               std::int64_t classes, bool squared) {
  constexpr std::int64_t kPixels = 70;
  using A = Arithmetic<T>;
  const auto arithmetic = dtype == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const torch::Tensor logits = (torch::randn({kPixels, classes}, generator) * 5).to(dtype);
  torch::Tensor labels = torch::randint(0, classes, {kPixels}, generator, torch::kUInt8);
  labels[5] = kIgnored;
  const torch::Tensor overlap = torch::randn({3, classes}, generator).to(arithmetic);
  const torch::Tensor nll = torch::rand({kPixels}, generator).to(arithmetic);
  const torch::Tensor weights = (torch::rand({kPixels}, generator) * (labels != kIgnored)).to(arithmetic);
  const auto numbers = [](const torch::Tensor& x) { return static_cast<A*>(x.data_ptr()); };

  const PixelRow<T> row{static_cast<const T*>(logits.const_data_ptr()), labels.const_data_ptr<std::uint8_t>(), kPixels,
                        classes};
  const torch::Tensor sums = torch::zeros({3, classes}, torch::kFloat64), weighted = torch::zeros({2}, torch::kFloat64),
                      scale = torch::empty({2, kPixels}, arithmetic);
  double* first = sums.mutable_data_ptr<double>();
  RowSums row_sums{first, first + classes, first + 2 * classes, weighted.mutable_data_ptr<double>()};
  const SoftmaxScale<T> kept{numbers(scale), numbers(scale) + kPixels};
  const A* map = numbers(weights);
  kernels.softmax(row, &map, 1, squared, kept, row_sums);

  const torch::Tensor judged = labels != kIgnored,
                      target = labels.to(torch::kInt64).masked_fill(~judged, 0).unsqueeze(1);
  const torch::Tensor log_p = torch::log_softmax(logits.to(torch::kFloat64), 1);
  const torch::Tensor p = log_p.exp() * judged.unsqueeze(1);
  const torch::Tensor of_label = torch::zeros_like(p).scatter_(1, target, 1) * judged.unsqueeze(1);
  const torch::Tensor omega = weights.to(torch::kFloat64);
  EXPECT_LT(relative_difference(sums[0], (p * of_label).sum(0)), rounding) << classes;
  EXPECT_LT(relative_difference(sums[1], (squared ? p * p : p).sum(0)), rounding) << classes;
  EXPECT_TRUE(sums[2].equal(of_label.sum(0))) << classes;
  const torch::Tensor of_weights = torch::stack({-(omega * log_p.gather(1, target).squeeze(1)).sum(), omega.sum()});
  EXPECT_LT(relative_difference(weighted, of_weights), rounding) << classes;

  const torch::Tensor gradient = torch::full({kPixels + 1, classes}, 123, torch::dtype(dtype));
  kernels.gradient(row, kept, numbers(overlap), numbers(nll), static_cast<T*>(gradient.mutable_data_ptr()));
  EXPECT_TRUE((gradient[kPixels] == 123).all().template item<bool>()) << "nothing is written behind the last pixel";
  EXPECT_EQ(gradient[5].abs().sum().template item<double>(), 0);
  return gradient.slice(0, 0, kPixels).to(torch::kFloat64);
}

// Each set of loops that this machine can run, by its sums to the rounding of what it computes in, and of the gradient
// by the best set's to that of its type: bfloat16 has 8 bits. Class counts below, at and above each length of a vector.
TEST(PixelKernels, AgreeOnEveryInstructionSet) {
  ASSERT_FALSE(kernel_sets().empty());
  const KernelSet& best = *kernel_sets().front();
  for (const std::int64_t classes : {1, 2, 3, 7, 8, 9, 16, 28, 33, 255}) {
    for (const bool squared : {false, true}) {
      for (const KernelSet* set : kernel_sets()) {
        const auto agree = [&](const auto& kernels, const auto& of_best, torch::Dtype dtype, double sums,
                               double written) {
          EXPECT_LT(relative_difference(checked_gradient(kernels, dtype, sums, classes, squared),
                                        checked_gradient(of_best, dtype, sums, classes, squared)),
                    written)
              << classes << ' ' << dtype;
        };
        agree(set->of_float, best.of_float, torch::kFloat32, 5e-7, 2e-6);
        agree(set->of_double, best.of_double, torch::kFloat64, 1e-13, 1e-13);
        agree(set->of_bfloat16, best.of_bfloat16, torch::kBFloat16, 5e-7, std::ldexp(1, -8));
      }
    }
  }
}

}  // namespace
}  // namespace crossfade::schedules
