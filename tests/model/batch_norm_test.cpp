#include "model/batch_norm.hpp"

#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "tests/thread_group.hpp"

namespace crossfade::model {
namespace {

using tests::relative_difference;
using tests::ThreadGroup;

constexpr int kChannels = 5;

struct Pass {
  torch::Tensor y, dx, dweight, dbias, mean, variance;
};

std::shared_ptr<BatchNorm> make_layer(const std::shared_ptr<GroupContext>& group, torch::Dtype dtype) {
  auto layer = std::make_shared<BatchNorm>(kChannels, group);
  const torch::NoGradGuard no_grad;
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(11);
  for (torch::Tensor parameter : layer->parameters()) parameter.uniform_(0.5, 2, generator);
  layer->to(dtype);
  return layer;
}

// Two steps, so that the running statistics move twice; gradients are those of the second.
Pass train(BatchNorm& layer, const torch::Tensor& x, const torch::Tensor& dy) {
  const torch::Tensor input = x.clone().requires_grad_();
  layer.forward(input + 1);
  Pass pass;
  pass.y = layer.forward(input).values;
  pass.y.backward(dy);
  const auto parameters = layer.named_parameters();
  const auto buffers = layer.named_buffers();
  pass.dx = input.grad();
  pass.dweight = parameters["weight"].grad();
  pass.dbias = parameters["bias"].grad();
  pass.mean = buffers["running_mean"];
  pass.variance = buffers["running_var"];
  return pass;
}

struct Batch {
  torch::Tensor x, dy;
};

Batch make_batch(std::int64_t images) {
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const auto options = torch::TensorOptions(torch::kFloat64);
  return {torch::randn({images, kChannels, 6, 8}, generator, options) * 3 + 2,
          torch::randn({images, kChannels, 6, 8}, generator, options)};
}

// torch's own batch normalisation under autograd. float64: sums of 192 numbers, 1e-12; float32: rounding of x and y.
TEST(BatchNorm, EqualsTorchOnOneRank) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
      const double tolerance = dtype == torch::kFloat64 ? 1e-12 : 2e-6;
      const Batch batch = make_batch(4);
      const torch::Tensor x = batch.x.to(dtype).contiguous(format), dy = batch.dy.to(dtype).contiguous(format);
      const auto layer = make_layer(std::make_shared<GroupContext>(), dtype);
      const Pass actual = train(*layer, x, dy);

      torch::nn::BatchNorm2d torchs(kChannels);
      const auto parameters = layer->named_parameters();
      torchs->to(dtype);
      const torch::Tensor input = x.clone().requires_grad_();
      {
        const torch::NoGradGuard no_grad;
        torchs->weight.copy_(parameters["weight"]);
        torchs->bias.copy_(parameters["bias"]);
      }
      torchs->forward(input + 1);
      const torch::Tensor y = torchs->forward(input);
      y.backward(dy);

      EXPECT_LT(relative_difference(actual.y, y), tolerance);
      EXPECT_LT(relative_difference(actual.dx, input.grad()), tolerance);
      EXPECT_LT(relative_difference(actual.dweight, torchs->weight.grad()), tolerance);
      EXPECT_LT(relative_difference(actual.dbias, torchs->bias.grad()), tolerance);
      EXPECT_LT(relative_difference(actual.mean, torchs->running_mean), tolerance);
      EXPECT_LT(relative_difference(actual.variance, torchs->running_var), tolerance);
      EXPECT_TRUE(actual.y.is_contiguous(format));

      layer->eval();
      torchs->eval();
      EXPECT_LT(relative_difference(layer->forward(x).values, torchs->forward(x)), tolerance);
    }
  }
}

// Ranks with 3, none (a dummy), 1 and 2 of 6 images. What the Reducer would add up is compared with the whole batch.
TEST(BatchNorm, OnRanksEqualsTheWholeBatch) {
  const Batch batch = make_batch(6);
  const Pass whole = train(*make_layer(std::make_shared<GroupContext>(), torch::kFloat64), batch.x, batch.dy);
  const std::vector<std::pair<std::int64_t, std::int64_t>> parts = {{0, 3}, {3, 3}, {3, 4}, {4, 6}};
  ThreadGroup group(4);
  std::vector<Pass> passes(4);
  group.run([&](int rank) {
    const auto context = std::make_shared<GroupContext>();
    context->all_reduce = [&group, rank](torch::Tensor& sums) { group.all_reduce(rank, sums); };
    const auto [first, last] = parts[static_cast<std::size_t>(rank)];
    context->dummy = first == last;
    const Batch own =
        context->dummy ? make_batch(1) : Batch{batch.x.slice(0, first, last), batch.dy.slice(0, first, last)};
    passes[static_cast<std::size_t>(rank)] = train(*make_layer(context, torch::kFloat64), own.x, own.dy);
  });

  torch::Tensor dweight = torch::zeros_like(whole.dweight), dbias = torch::zeros_like(whole.dbias);
  for (std::size_t rank = 0; rank < 4; ++rank) {
    const Pass& pass = passes[rank];
    EXPECT_EQ(group.calls(static_cast<int>(rank)), 3) << "two forward passes, one backward pass";
    EXPECT_LT(relative_difference(pass.mean, whole.mean), 1e-12);
    EXPECT_LT(relative_difference(pass.variance, whole.variance), 1e-12);
    dweight += pass.dweight;
    dbias += pass.dbias;
    const auto [first, last] = parts[rank];
    if (first == last) {
      for (const torch::Tensor& zero : {pass.dx, pass.dweight, pass.dbias})
        EXPECT_EQ(zero.abs().max().item<double>(), 0);
      EXPECT_EQ(pass.dx.size(0), 1);
      continue;
    }
    EXPECT_LT(relative_difference(pass.y, whole.y.slice(0, first, last)), 1e-12);
    EXPECT_LT(relative_difference(pass.dx, whole.dx.slice(0, first, last)), 1e-12);
  }
  EXPECT_LT(relative_difference(dweight, whole.dweight), 1e-12);
  EXPECT_LT(relative_difference(dbias, whole.dbias), 1e-12);
}

TEST(BatchNorm, LeavesItsRunningStatisticsAloneInEvaluation) {
  const auto group = std::make_shared<GroupContext>();
  group->all_reduce = [](torch::Tensor&) { FAIL() << "evaluation needs no collective"; };
  const auto layer = make_layer(group, torch::kFloat64);
  layer->eval();
  layer->forward(make_batch(2).x);
  const auto buffers = layer->named_buffers();
  EXPECT_TRUE(buffers["running_mean"].equal(torch::zeros({kChannels}, torch::kFloat64)));
  EXPECT_TRUE(buffers["running_var"].equal(torch::ones({kChannels}, torch::kFloat64)));
}

// The deepest level of a net may have a single pixel: its variance is 0, its output the bias.
TEST(BatchNorm, GivesTheBiasForASinglePixel) {
  const auto layer = make_layer(std::make_shared<GroupContext>(), torch::kFloat64);
  const torch::Tensor y = layer->forward(torch::full({1, kChannels, 1, 1}, 7.0, torch::kFloat64)).values;
  EXPECT_TRUE(y.flatten().allclose(layer->named_parameters()["bias"], 0, 1e-12));
  EXPECT_TRUE(torch::isfinite(layer->named_buffers()["running_var"]).all().item<bool>());
}

}  // namespace
}  // namespace crossfade::model
