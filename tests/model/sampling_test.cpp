#include "model/sampling.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "model/channel_kernels.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::model {
namespace {

using tests::relative_difference;

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;
constexpr std::array kTypes = {torch::kFloat32, torch::kFloat64, torch::kBFloat16};

torch::Tensor normal(std::uint64_t seed, at::IntArrayRef shape) {
  return torch::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), torch::kFloat64);
}

/// A leaf that records its gradient, of channels beside one another: fewer than a vector has, more, and whole ones.
torch::Tensor leaf(std::uint64_t seed, at::IntArrayRef shape, torch::Dtype dtype) {
  return normal(seed, shape).to(dtype).contiguous(kLast).requires_grad_();
}

/// Rounding of a result to the type, several times that of its inputs.
double rounding(torch::Dtype dtype) {
  return dtype == torch::kFloat64 ? 1e-13 : dtype == torch::kFloat32 ? 1e-5 : 3e-2;
}

/// The same values in float64, laid out so that only tensor operations take them.
torch::Tensor plain(const torch::Tensor& x) {
  return x.detach().to(torch::kFloat64).contiguous(torch::MemoryFormat::Contiguous).requires_grad_();
}

// Against torch's max_pool2d and relu under autograd, in float64. What both outputs give the input is added up.
TEST(Sampling, PoolsLikeTorch) {
  for (const auto dtype : kTypes) {
    for (const std::int64_t channels : {3, 16, 37}) {
      for (const bool rectified : {false, true}) {
        const std::int64_t room = rectified ? 5 : 0;
        const torch::Tensor x = leaf(1, {2, channels, 6, 10}, dtype), reference = plain(x);
        const torch::Tensor d_full = normal(2, x.sizes()).to(dtype), d_half = normal(3, {2, channels, 3, 5}).to(dtype);
        const Pooled pooled = pool(x + 0, rectified, room);
        const torch::Tensor pooled_full = pooled.full.pixels();
        torch::autograd::backward({pooled_full, pooled.half}, {d_full, d_half});
        const torch::Tensor full = rectified ? reference.relu() : reference + 0, half = torch::max_pool2d(full, 2);
        torch::autograd::backward({full, half}, {d_full.to(torch::kFloat64), d_half.to(torch::kFloat64)});
        EXPECT_EQ(pooled.full.memory.size(1), channels + room);
        EXPECT_EQ(relative_difference(pooled_full, full), 0);
        EXPECT_EQ(relative_difference(pooled.half, half), 0);
        EXPECT_LT(relative_difference(x.grad(), reference.grad()), rounding(dtype)) << channels << rectified;
      }
    }
  }
}

// Plateaus, such as ReLU leaves: torch gives the gradient to the first of equal pixels as well.
TEST(Sampling, GivesTheGradientToTheFirstOfEqualPixels) {
  const torch::Tensor x = normal(1, {2, 16, 6, 10}).sign().contiguous(kLast).requires_grad_(), reference = plain(x);
  pool(x + 0, /*rectify=*/false, /*room=*/0).half.sum().backward();
  torch::max_pool2d(reference, 2).sum().backward();
  EXPECT_TRUE(x.grad().equal(reference.grad()));
}

TEST(Sampling, PoolsAGradientThatIsSomeChannelsOfAnother) {
  const torch::Tensor x = leaf(1, {2, 16, 6, 10}, torch::kFloat32), copied = x.detach().clone().requires_grad_();
  const torch::Tensor both = normal(2, {2, 24, 6, 10}).to(torch::kFloat32).contiguous(kLast);
  const torch::Tensor some = both.narrow(1, 5, 16), zero = torch::zeros({2, 16, 3, 5});
  const Pooled of_some = pool(x + 0, true, 0), of_copy = pool(copied + 0, true, 0);
  torch::autograd::backward({of_some.full.memory, of_some.half}, {some, zero});
  torch::autograd::backward({of_copy.full.memory, of_copy.half}, {some.contiguous(kLast), zero});
  EXPECT_TRUE(x.grad().equal(copied.grad()));
}

TEST(Sampling, RectifiesLikeTorch) {
  for (const auto dtype : kTypes) {
    const torch::Tensor x = leaf(1, {2, 37, 5, 7}, dtype), reference = plain(x), dy = normal(2, x.sizes()).to(dtype);
    const torch::Tensor before = dy.clone(), input = x + 0, y = rectify(input);
    y.backward(dy);
    reference.relu().backward(dy.to(torch::kFloat64));
    EXPECT_TRUE(y.equal(x.relu()));
    EXPECT_EQ(y.data_ptr(), input.data_ptr());
    EXPECT_EQ(relative_difference(x.grad(), reference.grad()), 0);
    EXPECT_TRUE(dy.equal(before)) << "a gradient that somebody holds is not written over";
  }
}

TEST(Sampling, RectifiesWithoutAGradientAndKeepsNaN) {
  const torch::NoGradGuard no_grad;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto dtype : kTypes) {
    const torch::Tensor x = normal(1, {2, 37, 5, 7}).to(dtype).contiguous(kLast);
    const torch::Tensor special = torch::tensor({nan, -nan, inf, -inf, -0.0, 1e-30, -1e-30}, torch::kFloat64);
    x.select(0, 1).select(0, 5).select(0, 2).copy_(special);
    const torch::Tensor reference = x.to(torch::kFloat64).relu(), y = rectify(x);
    EXPECT_EQ(y.data_ptr(), x.data_ptr());
    EXPECT_TRUE(torch::allclose(y.to(torch::kFloat64), reference, 0, 0, /*equal_nan=*/true)) << dtype;
  }
}

// Against torch's max_pool2d, transposed convolution and cat in float64, the way that a level of the U-Net takes; and
// without room, where join_up() copies.
TEST(Sampling, JoinsUpLikeTorch) {
  for (const auto dtype : kTypes) {
    for (const std::int64_t channels : {3, 16, 37}) {
      for (const bool has_room : {true, false}) {
        const torch::Tensor x = leaf(1, {2, 5, 6, 8}, dtype), below = leaf(2, {2, 19, 3, 4}, dtype);
        const torch::Tensor weight = leaf(3, {19, channels, 2, 2}, dtype);
        const torch::Tensor bias = normal(4, {channels}).to(dtype).requires_grad_();
        const torch::Tensor dy = normal(5, {2, 5 + channels, 6, 8}).to(dtype), d_half = normal(6, {2, 5, 3, 4});
        const Pooled pooled = pool(x + 0, /*rectify=*/true, has_room ? channels : 0);
        const torch::Tensor y = join_up(pooled.full, below, weight, bias), y_before = y.detach().clone();
        torch::autograd::backward({y, pooled.half}, {dy, d_half.to(dtype)}, /*retain_graph=*/true);
        const std::vector<torch::Tensor> leaves = {x, below, weight, bias};
        std::vector<torch::Tensor> reference;
        for (const torch::Tensor& one : leaves) reference.push_back(plain(one));
        const torch::Tensor full = reference[0].relu(), half = torch::max_pool2d(full, 2);
        const torch::Tensor up = torch::conv_transpose2d(reference[1], reference[2], reference[3], 2);
        const torch::Tensor expected = torch::cat({full, up}, 1);
        torch::autograd::backward({expected, half}, {dy.to(torch::kFloat64), d_half.to(dtype).to(torch::kFloat64)});
        EXPECT_EQ(y.data_ptr() == pooled.full.memory.data_ptr(), has_room);
        EXPECT_TRUE(y.is_contiguous(kLast));
        EXPECT_LT(relative_difference(y_before, expected), rounding(dtype));
        for (std::size_t i = 0; i < leaves.size(); ++i)
          EXPECT_LT(relative_difference(leaves[i].grad(), reference[i].grad()), rounding(dtype)) << i;
        const bool overwritten = has_room && channels >= 5;  // the skip's gradient fits in
        EXPECT_EQ(torch::equal(y, y_before), !overwritten);
        if (overwritten) {
          EXPECT_THROW(torch::autograd::backward({y}, {dy}), c10::Error);
        }
      }
    }
  }
}

// More pixels than are taken together.
TEST(Sampling, ConvolvesPixelsLikeTorch) {
  for (const auto dtype : kTypes) {
    for (const bool rectified : {false, true}) {
      const torch::Tensor x = leaf(1, {2, 19, 50, 43}, dtype), weight = leaf(2, {28, 19, 1, 1}, dtype);
      const torch::Tensor bias = normal(3, {28}).to(dtype).requires_grad_(), dy = normal(4, {2, 28, 50, 43}).to(dtype);
      const torch::Tensor input = x + 0, y = convolve_pixels({input}, rectified, weight, bias);
      torch::autograd::backward({y}, {dy}, /*retain_graph=*/true);
      EXPECT_EQ(x.grad().data_ptr() == input.data_ptr(), rectified) << "in the memory that nobody needs any more";
      const std::vector<torch::Tensor> leaves = {x, weight, bias};
      std::vector<torch::Tensor> reference;
      for (const torch::Tensor& one : leaves) reference.push_back(plain(one));
      const torch::Tensor of = rectified ? reference[0].relu() : reference[0];
      const torch::Tensor expected = torch::conv2d(of, reference[1], reference[2]);
      expected.backward(dy.to(torch::kFloat64));
      EXPECT_TRUE(y.is_contiguous(kLast));
      EXPECT_LT(relative_difference(y, expected), rounding(dtype));
      for (std::size_t i = 0; i < leaves.size(); ++i)
        EXPECT_LT(relative_difference(leaves[i].grad(), reference[i].grad()), rounding(dtype)) << i;
      if (!rectified) continue;
      EXPECT_ANY_THROW(torch::autograd::backward({y}, {dy}, true)) << "its input is gone";
    }
  }
}

TEST(Sampling, ConvolvesPixelsThatANormalisationGaveAndComputesThemAgain) {
  for (const auto dtype : kTypes) {
    const torch::Tensor from = leaf(1, {2, 19, 50, 43}, dtype).detach(), k = normal(5, {2, 19});
    const torch::Tensor weight = leaf(2, {28, 19, 1, 1}, dtype), bias = leaf(3, {28, 1, 1, 1}, dtype);
    const ChannelAffine by{k[0], k[1], /*rectify=*/true};
    const auto gradients = [&](bool again) {
      const torch::Tensor values = channel_affine(from, by).requires_grad_();
      weight.mutable_grad() = bias.mutable_grad() = torch::Tensor();
      const torch::Tensor y = convolve_pixels(again ? Activation{values, from, by} : Activation{values},
                                              /*rectify=*/false, weight, bias.flatten());
      if (again) values.detach().fill_(std::numeric_limits<double>::quiet_NaN());
      y.backward(normal(4, {2, 28, 50, 43}).to(dtype));
      return std::vector<torch::Tensor>{y.detach(), values.grad(), weight.grad(), bias.grad()};
    };
    const auto expected = gradients(false), found = gradients(true);
    for (std::size_t n = 0; n < found.size(); ++n) EXPECT_TRUE(found[n].equal(expected[n])) << n << ' ' << dtype;
  }
}

// Ties, all of −inf, and NaN among what is larger: as torch's argmax.
TEST(Sampling, FindsTheLargestChannelLikeTorch) {
  for (const auto dtype : kTypes) {
    for (const std::int64_t channels : {1, 2, 16, 28, 37, 255}) {
      torch::Tensor x = (normal(1, {2, channels, 9, 11}) * 2).round().to(dtype).contiguous(kLast);
      x[0].select(1, 3).fill_(-std::numeric_limits<double>::infinity());
      x.index_put_({1, channels / 2, 4}, std::nan(""));
      x.index_put_({1, channels - 1, 4}, std::nan(""));
      EXPECT_TRUE(largest_channel(x).equal(x.argmax(1).to(torch::kByte))) << channels;
    }
  }
}

// Each set of loops that this machine can run against the last of them, which every machine can. Products may be fused
// with sums in one and not in another: a last place or two.
template <class T>
void expect_alike(const ChannelKernels<T>& one, const ChannelKernels<T>& other, torch::Dtype dtype) {
  using A = data::Arithmetic<T>;
  const auto memory = [](const torch::Tensor& x) { return static_cast<T*>(x.data_ptr()); };
  const auto arithmetic = dtype == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  for (const std::int64_t channels : {1, 7, 16, 45}) {
    const Extent extent{13, channels};
    const torch::Tensor x = normal(1, {13, channels}).to(dtype), dy = normal(2, {13, channels}).to(dtype);
    const torch::Tensor k = normal(3, {5, channels}).to(arithmetic);
    const auto row = [&](std::int64_t n) { return static_cast<const A*>(k.data_ptr()) + n * channels; };
    const AffineGradient<A> back{{row(0), row(1), true}, row(2), row(3), row(4)};
    // Two rows of 12 pixels each, with room beside them as in a tensor that joins two.
    const std::int64_t room = 2 * channels;
    const torch::Tensor rows = normal(4, {2, 12, room}).to(dtype), d_pooled = normal(5, {6, channels}).to(dtype);
    const torch::Tensor z = normal(6, {6, 4, channels}).to(dtype);
    const auto pair = [&](const torch::Tensor& of) { return RowPair<T>{memory(of), memory(of) + 12 * room, room}; };
    const auto read = [&](const torch::Tensor& of) {
      return RowPair<const T>{memory(of), memory(of) + 12 * room, room};
    };
    const Extent pooled_extent{6, channels};
    const auto run = [&](const ChannelKernels<T>& kernels) {
      const torch::Tensor y = torch::empty_like(x), dx = torch::empty_like(x), rectified = torch::empty_like(x),
                          sums = torch::zeros({2, channels}, torch::kFloat64);
      kernels.affine(memory(x), back.forward, extent, memory(y));
      kernels.affine_gradient(memory(dy), memory(x), back, extent, memory(dx));
      kernels.rectifier_gradient(memory(dy), memory(x), 13 * channels, memory(rectified));
      kernels.sums(memory(dy), memory(x), &back.forward, extent, static_cast<double*>(sums.data_ptr()));
      const torch::Tensor largest = torch::empty({13}, torch::kByte);
      kernels.largest(memory(x), extent, static_cast<std::uint8_t*>(largest.data_ptr()));
      const torch::Tensor full = torch::zeros_like(rows), pooled = torch::empty_like(d_pooled);
      kernels.pool(read(rows), true, pooled_extent, pair(full), memory(pooled));
      const torch::Tensor d_rows = torch::zeros_like(rows);
      kernels.pool_gradient(read(full), true, memory(d_pooled), read(rows), pooled_extent, pair(d_rows));
      const torch::Tensor spread = torch::zeros_like(rows), gathered = torch::empty_like(z),
                          bias_sums = torch::zeros({channels}, torch::kFloat64);
      kernels.spread(memory(z), row(0), pooled_extent, pair(spread));
      kernels.gather(read(rows), pooled_extent, memory(gathered), static_cast<double*>(bias_sums.data_ptr()));
      std::vector<torch::Tensor> all = {y,      dx,     rectified, sums,     largest,  full,
                                        pooled, d_rows, spread,    gathered, bias_sums};
      for (torch::Tensor& one : all) one = one.to(torch::kFloat64);
      return all;
    };
    const std::vector<torch::Tensor> found = run(one), expected = run(other);
    for (std::size_t n = 0; n < found.size(); ++n)
      EXPECT_LT(relative_difference(found[n], expected[n]), rounding(dtype)) << n << ' ' << channels;
  }
}

TEST(ChannelKernels, AreAlikeForEveryInstructionSet) {
  const ChannelKernelSet& last = *channel_kernel_sets().back();
  for (const ChannelKernelSet* set : channel_kernel_sets()) {
    expect_alike(set->of_float, last.of_float, torch::kFloat32);
    expect_alike(set->of_double, last.of_double, torch::kFloat64);
    expect_alike(set->of_bfloat16, last.of_bfloat16, torch::kBFloat16);
  }
}

}  // namespace
}  // namespace crossfade::model
