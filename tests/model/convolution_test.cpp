#include "model/convolution.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/convolution_backward.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "model/autocast.hpp"
#include "model/weight_gradient_kernels.hpp"

namespace crossfade::model {
namespace {

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

struct Case {
  std::int64_t images, height, width, in, out, kernel;
};

// Vectors that are full and not, tiles of 6, 4 and 1, fewer rows than are worked on together and more, channels in
// enough groups to go without sums of each image.
const std::vector<Case> kCases = {{2, 5, 7, 8, 3, 3},     {3, 40, 43, 19, 16, 3}, {1, 3, 600, 32, 12, 3},
                                  {2, 17, 33, 48, 21, 5}, {2, 6, 6, 33, 130, 3},  {2, 9, 4, 16, 10, 1}};

std::string text(const Case& c) {
  return std::to_string(c.images) + " x " + std::to_string(c.height) + " x " + std::to_string(c.width) + ", " +
         std::to_string(c.in) + " to " + std::to_string(c.out) + ", kernel " + std::to_string(c.kernel);
}

torch::Tensor normal(std::uint64_t seed, const std::vector<std::int64_t>& sizes) {
  torch::manual_seed(seed);
  return torch::randn(sizes).contiguous(kLast);
}

struct Gradients {
  torch::Tensor weight, bias;
};

/// PyTorch's, in double precision.
Gradients reference(const Case& c, const torch::Tensor& x, const torch::Tensor& dy) {
  const torch::Tensor weight = torch::zeros({c.out, c.in, c.kernel, c.kernel}, torch::kFloat64);
  const std::int64_t pad = c.kernel / 2;
  const auto [dx, dw, db] = at::convolution_backward(dy.to(torch::kFloat64), x.to(torch::kFloat64), weight, {{c.out}},
                                                     {1, 1}, {pad, pad}, {1, 1}, false, {0, 0}, 1, {false, true, true});
  return {dw, db};
}

/// Sums of n products, in float32 and any order, are within (n + 1)·2⁻²⁴ of the sum of their magnitudes.
void expect_near(const torch::Tensor& found, const torch::Tensor& expected, const torch::Tensor& magnitudes,
                 const Case& c, const std::string& what) {
  const double n = static_cast<double>(c.images * c.height * c.width);
  const torch::Tensor bound = magnitudes * ((n + 1) * 0x1p-24);
  EXPECT_TRUE(((found.to(torch::kFloat64) - expected).abs() <= bound).all().item<bool>()) << what << ": " << text(c);
}

TEST(WeightGradient, IsPyTorchsWithEveryInstructionSetOfThisMachine) {
  for (const Case& c : kCases) {
    const torch::Tensor x = normal(1, {c.images, c.in, c.height, c.width});
    const torch::Tensor dy = normal(2, {c.images, c.out, c.height, c.width});
    const Gradients expected = reference(c, x, dy), magnitudes = reference(c, x.abs(), dy.abs());
    const ConvolutionSize size{c.height, c.width, c.in, c.out, c.kernel};
    for (const WeightGradientKernels* kernels : weight_gradient_kernel_sets()) {
      std::vector<float> scratch(static_cast<std::size_t>(weight_gradient_scratch(size)));
      const torch::Tensor dw = torch::zeros({c.out, c.kernel, c.kernel, c.in}), db = torch::zeros({c.out});
      for (std::int64_t first = 0; first < c.out; first += kOutputGroup)
        for (std::int64_t n = 0; n < c.images; ++n)
          kernels->add(x.data_ptr<float>() + n * x.stride(0), dy.data_ptr<float>() + n * dy.stride(0), size, first,
                       std::min(first + kOutputGroup, c.out), scratch.data(), dw.data_ptr<float>(),
                       db.data_ptr<float>());
      expect_near(dw.permute({0, 3, 1, 2}), expected.weight, magnitudes.weight, c, "weight");
      expect_near(db, expected.bias, magnitudes.bias, c, "bias");
    }
  }
}

TEST(WeightGradient, IsTheSameWithAnyNumberOfThreads) {
  const int before = at::get_num_threads();
  for (const Case& c : kCases) {
    const torch::Tensor x = normal(1, {c.images, c.in, c.height, c.width});
    const torch::Tensor dy = normal(2, {c.images, c.out, c.height, c.width});
    const Gradients expected = reference(c, x, dy), magnitudes = reference(c, x.abs(), dy.abs());
    at::set_num_threads(1);
    const WeightGradient alone = weight_gradient(x, dy, c.kernel);
    at::set_num_threads(3);
    const WeightGradient together = weight_gradient(x, dy, c.kernel);
    EXPECT_TRUE(alone.weight.equal(together.weight) && alone.bias.equal(together.bias)) << text(c);
    EXPECT_EQ(alone.weight.strides(), torch::empty_like(alone.weight, kLast).strides()) << text(c);
    expect_near(alone.weight, expected.weight, magnitudes.weight, c, "weight");
    expect_near(alone.bias, expected.bias, magnitudes.bias, c, "bias");
  }
  at::set_num_threads(before);
}

TEST(Convolve, HasTheGradientsOfTheModule) {
  for (const auto& [with_bias, of_input] : {std::pair(true, true), std::pair(false, true), std::pair(true, false)}) {
    torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(16, 24, 3).padding(1).bias(with_bias));
    const auto gradients = [&](bool ours) {
      convolution->zero_grad();
      const torch::Tensor x = normal(1, {2, 16, 12, 20}).requires_grad_(of_input);
      const torch::Tensor y = ours ? convolve(convolution, {x}, /*own_gradient=*/true) : convolution->forward(x);
      EXPECT_EQ(y.grad_fn()->name().find("Convolve") != std::string::npos, ours) << y.grad_fn()->name();
      (y * normal(2, {2, 24, 12, 20})).sum().backward();
      std::vector<torch::Tensor> all = {y.detach(), convolution->weight.grad().clone()};
      if (of_input) all.push_back(x.grad());
      if (with_bias) all.push_back(convolution->bias.grad().clone());
      return all;
    };
    const auto expected = gradients(false), found = gradients(true);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_TRUE(found[0].equal(expected[0]));
    // Sums of 480 products of normal numbers, each within 481·2⁻²⁴ of some 480·0.64.
    for (std::size_t n = 1; n < found.size(); ++n) EXPECT_TRUE(found[n].allclose(expected[n], 0, 2e-2)) << n;
  }
}

// The very gradients, with the values gone that went into it: with channels that are taken here and that oneDNN takes,
// and converted by autocast.
TEST(Convolve, ComputesAgainWhatANormalisationGave) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    for (const int channels : {8, 16}) {
      torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(channels, 24, 3).padding(1));
      const torch::Tensor from =
          normal(1, {2, channels, 12, 20}).to(precision == Precision::kBf16 ? torch::kBFloat16 : torch::kFloat32);
      const torch::Tensor k = normal(3, {2, channels, 1, 1}).view({2, channels}).to(torch::kFloat64);
      const ChannelAffine by{k[0], k[1], /*rectify=*/true};
      const auto gradients = [&](bool again) {
        convolution->zero_grad();
        const torch::Tensor values = channel_affine(from, by).requires_grad_();
        torch::Tensor y;
        {
          const Autocast autocast(precision, torch::kCPU);
          y = convolve(convolution, again ? Activation{values, from, by} : Activation{values});
        }
        if (again) values.detach().fill_(std::numeric_limits<double>::quiet_NaN());
        y.backward(normal(2, {2, 24, 12, 20}).to(y.scalar_type()));
        return std::vector<torch::Tensor>{y.detach(), values.grad(), convolution->weight.grad().clone(),
                                          convolution->bias.grad().clone()};
      };
      const auto expected = gradients(false), found = gradients(true);
      for (std::size_t n = 0; n < found.size(); ++n)
        EXPECT_TRUE(found[n].equal(expected[n])) << n << ", channels " << channels;
      EXPECT_EQ(found[2].strides(), expected[2].strides());
    }
  }
}

}  // namespace
}  // namespace crossfade::model
