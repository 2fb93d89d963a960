#include "runner/trial/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "runner/grid/learning_rate.hpp"

namespace crossfade::runner {
namespace {

using Named = std::vector<std::pair<std::string, torch::Tensor>>;

Named parameters() {
  torch::manual_seed(1);
  const auto options = torch::dtype(torch::kDouble);
  return {{"weight", torch::randn({4, 3, 3, 3}, options).contiguous(torch::MemoryFormat::ChannelsLast)},
          {"bias", torch::randn({5}, options)}};
}

/// Gradients of step `step`, in plain strides even where the parameter is channels-last.
void set_gradients(const Named& parameters, int step) {
  torch::manual_seed(100 + static_cast<std::uint64_t>(step));
  for (const auto& [name, parameter] : parameters) {
    parameter.mutable_grad() = torch::randn(parameter.sizes(), parameter.options());
  }
}

std::unique_ptr<torch::optim::Optimizer> reference(const OptimizerOptions& options, const Named& parameters) {
  std::vector<torch::Tensor> list;
  for (const auto& [name, parameter] : parameters) list.push_back(parameter);
  const auto betas = std::make_tuple(options.beta1, options.beta2);
  if (options.name == "adam") {
    return std::make_unique<torch::optim::Adam>(
        list, torch::optim::AdamOptions(1).betas(betas).eps(options.epsilon).weight_decay(options.weight_decay));
  }
  if (options.name == "adamw") {
    return std::make_unique<torch::optim::AdamW>(
        list, torch::optim::AdamWOptions(1).betas(betas).eps(options.epsilon).weight_decay(options.weight_decay));
  }
  return std::make_unique<torch::optim::SGD>(
      list, torch::optim::SGDOptions(1).momentum(options.momentum).weight_decay(options.weight_decay));
}

void set_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(rate);
}

struct Case {
  const char* name;
  double weight_decay;
  double momentum;
};

class OptimizerLikeTorch : public testing::TestWithParam<Case> {};

// 1e-12: float64, a dozen operations a step, six steps.
TEST_P(OptimizerLikeTorch, TakesTheSameSteps) {
  OptimizerOptions options;
  options.name = GetParam().name;
  options.weight_decay = GetParam().weight_decay;
  options.momentum = GetParam().momentum;
  const Named ours = parameters(), theirs = parameters();
  Optimizer optimizer(options, ours);
  const auto expected = reference(options, theirs);
  for (int step = 0; step < 6; ++step) {
    const double rate = 0.1 / (step + 1);
    set_gradients(ours, step);
    set_gradients(theirs, step);
    optimizer.step(torch::tensor(rate, torch::kDouble));
    set_rate(*expected, rate);
    expected->step();
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(torch::allclose(ours[i].second, theirs[i].second, 1e-12, 1e-12)) << ours[i].first;
  }
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerLikeTorch,
                         testing::Values(Case{"adam", 0, 0}, Case{"adam", 0.1, 0}, Case{"adamw", 0.1, 0},
                                         Case{"sgd", 0, 0}, Case{"sgd", 0, 0.9}, Case{"sgd", 0.1, 0.9}));

TEST(Optimizer, GoesOnBitForBitFromItsState) {
  for (const char* name : {"adam", "adamw", "sgd"}) {
    OptimizerOptions options;
    options.name = name;
    const Named whole = parameters(), halves = parameters();
    Optimizer uninterrupted(options, whole), first(options, halves);
    for (int step = 0; step < 3; ++step) {
      set_gradients(whole, step);
      uninterrupted.step(torch::tensor(0.1, torch::kDouble));
      set_gradients(halves, step);
      first.step(torch::tensor(0.1, torch::kDouble));
    }
    Optimizer second(options, halves);
    const auto from = first.state();
    const auto to = second.state();
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(from[i].first, to[i].first);
      to[i].second.copy_(from[i].second);
    }
    second.set_steps(first.steps());
    for (int step = 3; step < 6; ++step) {
      set_gradients(whole, step);
      uninterrupted.step(torch::tensor(0.1, torch::kDouble));
      set_gradients(halves, step);
      second.step(torch::tensor(0.1, torch::kDouble));
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_TRUE(torch::equal(whole[i].second, halves[i].second)) << name;
    }
  }
}

// As though it had not been: the count of steps, by which Adam corrects its moments, stays as well.
TEST(Optimizer, ChangesNothingInAStepThatIsSkipped) {
  for (const char* name : {"adam", "adamw", "sgd"}) {
    OptimizerOptions options;
    options.name = name;
    options.weight_decay = 0.1;
    const Named with = parameters(), without = parameters();
    Optimizer skipping(options, with), plain(options, without);
    const torch::Tensor rate = torch::tensor(0.1, torch::kDouble), no = torch::zeros({}), yes = torch::ones({});
    for (int step = 0; step < 6; ++step) {
      if (step == 0 || step == 3) {
        for (const auto& [parameter_name, parameter] : with) parameter.mutable_grad() = parameter * NAN;
        skipping.step(rate, yes);
      }
      set_gradients(with, step);
      skipping.step(rate, no);
      set_gradients(without, step);
      plain.step(rate);
    }
    const auto a = skipping.state(), b = plain.state();
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
    for (std::size_t i = 0; i < with.size(); ++i) EXPECT_TRUE(torch::equal(with[i].second, without[i].second)) << name;
  }
}

TEST(GradientClipping, ScalesTheWholeGradientToTheLargestNorm) {
  const std::vector<torch::Tensor> gradients = {torch::tensor({3.0F, 0.0F}), torch::tensor({{4.0F}})};
  const torch::Tensor norm = global_norm(gradients);
  EXPECT_DOUBLE_EQ(norm.item<double>(), 5);  // 3, 4, 5
  clip_gradients(gradients, norm, 10);
  EXPECT_EQ(gradients[0][0].item<float>(), 3);
  clip_gradients(gradients, norm, 1);
  EXPECT_FLOAT_EQ(gradients[0][0].item<float>(), 0.6F);
  EXPECT_FLOAT_EQ(gradients[1][0][0].item<float>(), 0.8F);
}

TEST(GradientClipping, NormDoesNotOverflowFloat32) {
  EXPECT_NEAR(global_norm({torch::full({4}, 1e30F)}).item<double>() / 2e30, 1, 1e-6);
  EXPECT_FALSE(std::isfinite(global_norm({torch::tensor({1.0F, NAN})}).item<double>()));
}

// Tensors of the device "meta" have shapes and no values: asking it for one throws.
TEST(GradientClipping, AsksADeviceForNothing) {
  const auto on_meta = torch::device(torch::kMeta);
  const std::vector<torch::Tensor> gradients = {torch::empty({2, 3}, on_meta), torch::empty({5}, on_meta)};
  const torch::Tensor norm = global_norm(gradients);
  EXPECT_ANY_THROW(norm.item<double>());
  clip_gradients(gradients, norm, 1);
}

TEST(LearningRate, FollowsItsScheduleAtPointsWorkedByHand) {
  OptimizerOptions options;
  options.lr = 2;
  EXPECT_EQ(learning_rate(options, 0.7), 2);

  options.lr_schedule = "step";
  options.step_every = 1.0 / 3;
  options.step_factor = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(options, 0.3), 2);
  EXPECT_DOUBLE_EQ(learning_rate(options, 20.0 / 60), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(options, 40.0 / 60), 0.02);

  options.lr_schedule = "cosine";
  options.lr_end = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate(options, 0), 2);
  EXPECT_DOUBLE_EQ(learning_rate(options, 0.5), 2 * (0.1 + 0.9 / 2));
  EXPECT_DOUBLE_EQ(learning_rate(options, 1), 0.2);
}

TEST(LearningRate, ChangesLastWhereItsScheduleDoes) {
  EXPECT_EQ(last_change(OptimizerOptions{}), 0);
  EXPECT_EQ(last_change({.lr_schedule = "constant", .warmup = 0.05}), 0.05);
  EXPECT_EQ(last_change({.lr_schedule = "cosine"}), 1);
  EXPECT_DOUBLE_EQ(last_change({.lr_schedule = "step", .step_every = 1.0 / 3}), 2.0 / 3);
  EXPECT_DOUBLE_EQ(last_change({.lr_schedule = "step", .step_every = 0.4}), 0.8);
  EXPECT_EQ(last_change({.lr_schedule = "step", .warmup = 0.1, .step_every = 1}), 0.1);
}

TEST(LearningRate, WarmsUpLinearlyFromZeroAndGoesOnWithoutAJump) {
  OptimizerOptions options;
  options.lr = 1;
  options.warmup = 0.2;
  for (const char* schedule : {"constant", "cosine"}) {
    options.lr_schedule = schedule;
    EXPECT_EQ(learning_rate(options, 0), 0);
    EXPECT_DOUBLE_EQ(learning_rate(options, 0.05), 0.25);
    EXPECT_DOUBLE_EQ(learning_rate(options, 0.2), 1);
  }
  EXPECT_NEAR(learning_rate(options, 0.6), 0.5, 1e-15);  // the middle of the cosine after the warm-up
}

}  // namespace
}  // namespace crossfade::runner
