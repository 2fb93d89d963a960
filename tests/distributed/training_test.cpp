// The same training on any number of ranks: every rank also trains alone on whole global batches and compares.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "data/labels/structures.hpp"
#include "data/shards/loader.hpp"
#include "runner/trial/trainer.hpp"
#include "tests/device.hpp"
#include "tests/distributed/world.hpp"
#include "tests/thread_group.hpp"

namespace crossfade::runner {
namespace {

constexpr int kSide = 16;
// In float32 a ReLU whose input is next to 0 may switch on rounding alone and bend the path of so small a net (seed 3
// on four ranks: 1e-2 after ten steps, where seeds 4 to 10 stay below 1e-7): such a seed would test luck.
constexpr std::uint64_t kSeed = 4;
using tests::relative_difference;

/// Rank `rank`'s part of global batch `step` with `count` slices: noise and labels, a function of step and slice alone.
data::Batch part_of_batch(int step, int count, const Group& group) {
  const data::Part part = data::part_of(count, group.rank(), group.size());
  data::Batch batch;
  batch.count = part.count;
  batch.global_count = count;
  batch.height = batch.width = kSide;
  for (int slice = part.first; slice < part.first + part.count; ++slice) {
    data::Random random(5, data::Purpose::kAugmentation, static_cast<std::uint32_t>(step),
                        static_cast<std::uint32_t>(slice));
    for (int pixel = 0; pixel < kSide * kSide; ++pixel) {
      batch.images.push_back(static_cast<float>(random.normal()));
      batch.labels.push_back(static_cast<std::uint8_t>(random.below(data::kClasses)));
    }
  }
  return batch;
}

struct Outcome {
  torch::Tensor parameters, gradient, buffers;  // flattened
  std::vector<double> losses, norms;
  CommunicationSeconds communication;  // of the last step
};

torch::Tensor flatten(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> flat = {torch::zeros({0}, torch::kDouble)};
  for (const torch::Tensor& tensor : tensors) flat.push_back(tensor.detach().flatten().to(torch::kCPU, torch::kDouble));
  return torch::cat(flat);
}

struct Case {
  const char* norm;
  torch::ScalarType type;  // bfloat16: parameters in float32, precision bf16
  double gradient_tolerance, parameter_tolerance;
};

Outcome train(Group& group, const Case& c, const std::vector<int>& counts, double clip, int read_every = 0) {
  const auto network =
      model::make_network({.name = "unet", .width = 4, .depth = 2, .norm = c.norm}, 1, data::kClasses, kSeed);
  const bool bf16 = c.type == torch::kBFloat16;
  if (bf16) network->set_precision(model::Precision::kBf16);
  place_network(*network, group.device(), bf16 ? torch::kFloat : c.type);
  std::vector<double> weights;
  for (int c = 0; c < data::kClasses; ++c) weights.push_back(0.05 + 0.2 * c);
  OptimizerOptions options;
  options.name = "sgd";
  options.lr = 0.2;
  options.momentum = 0.9;
  options.clip_norm = clip;
  Trainer trainer(*network, {{"wce", schedules::constant(1)}, {"wdice", schedules::constant(0.5)}}, weights, {},
                  options, group, {.read_every = read_every});
  Outcome outcome;
  const auto hear = [&](const std::vector<StepResult>& results) {
    for (const StepResult& result : results) {
      EXPECT_EQ(result.not_finite, "");
      outcome.losses.push_back(result.loss);
      outcome.norms.push_back(result.gradient_norm);
      outcome.communication = result.communication;
    }
  };
  for (std::size_t step = 0; step < counts.size(); ++step)
    hear(trainer.step(part_of_batch(static_cast<int>(step), counts[step], group), static_cast<double>(step) / 10));
  hear(trainer.read());
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : network->parameters()) gradients.push_back(parameter.grad());
  outcome.parameters = flatten(network->parameters());
  outcome.gradient = flatten(gradients);
  outcome.buffers = flatten(network->buffers());
  return outcome;
}

// Each of the net's 13 convolutions rounds to bfloat16 on the way there, its weights' gradient, and, but for the first,
// on the way back: 38 roundings of 2^-9 that may come out otherwise where a sum in float32 has another order, √38·2^-9
// if their signs are by chance. Batch normalisation of ten of them rounds its own results there and back: √58 with it.
// Ten steps have such a difference each, √10 times that together, of parameters that they move by no more than their
// own size.
constexpr double kBf16Gradient = 6.16 / 512, kBf16BatchGradient = 7.62 / 512, kOfTenSteps = 3.2;

// The tolerances are the project's: summation order alone differs, over ten steps.
class Ranks : public testing::TestWithParam<Case> {
 protected:
  Ranks()
      : all(test_world().communicator().duplicate(), tests::device()),
        alone(test_world().communicator().split(test_world().communicator().rank()), tests::device()) {}
  Group all, alone;
};

TEST_P(Ranks, HaveOneFirstGradient) {
  const Case& c = GetParam();
  // A global batch that divides by 1, 2 and 3 ranks, one that divides by none, one smaller than 3 and 4, and one slice.
  for (const int count : {6, 7, 2, 1}) {
    const Outcome together = train(all, c, {count}, /*clip=*/0);
    const Outcome single = train(alone, c, {count}, 0);
    const double difference = relative_difference(together.gradient, single.gradient);
    EXPECT_LE(difference, c.gradient_tolerance) << count << " slices";
    EXPECT_NEAR(together.losses[0] / single.losses[0], 1, c.gradient_tolerance) << count << " slices";
    if (all.rank() == 0) {
      std::printf("  first gradient, norm %s, %s, %d slices on %d ranks: %.1e\n", c.norm, c10::toString(c.type), count,
                  all.size(), difference);
    }
  }
}

TEST_P(Ranks, HaveTheSameParametersAfterTenSteps) {
  const Case& c = GetParam();
  const std::vector<int> counts = {6, 6, 5, 6, 6, 2, 6, 7, 1, 6};
  // A clipped step hides a wrong factor of the gradient, an unclipped one a wrong norm: both must be there.
  std::vector<double> norms = train(alone, c, counts, /*clip=*/0).norms;
  std::nth_element(norms.begin(), norms.begin() + 5, norms.end());
  const double clip = norms[5];
  const Outcome single = train(alone, c, counts, clip);
  const auto clipped = std::count_if(single.norms.begin(), single.norms.end(), [&](double n) { return n > clip; });
  EXPECT_THAT(clipped, testing::AllOf(testing::Gt(0), testing::Lt(10))) << testing::PrintToString(single.norms);
  const Outcome together = train(all, c, counts, clip);
  const double difference = relative_difference(together.parameters, single.parameters);
  EXPECT_LE(difference, c.parameter_tolerance);
  if (together.buffers.numel() > 0) {
    EXPECT_LE(relative_difference(together.buffers, single.buffers), c.parameter_tolerance);
  }
  // How much a gradient changes with the parameters bounds nothing here: in bfloat16 the first alone is comparable.
  const std::size_t comparable = c.type == torch::kBFloat16 ? 1 : counts.size();
  for (std::size_t step = 0; step < comparable; ++step) {
    EXPECT_NEAR(together.norms[step] / single.norms[step], 1, c.parameter_tolerance) << step;
  }
  if (all.rank() == 0) {
    std::printf("  parameters after 10 steps, norm %s, %s, on %d ranks: %.1e\n", c.norm, c10::toString(c.type),
                all.size(), difference);
  }
}

TEST_P(Ranks, GiveTheSameBitsTwice) {
  const Case& c = GetParam();
  const std::vector<int> counts = {6, 5, 1, 6};
  const Outcome first = train(all, c, counts, 1), second = train(all, c, counts, 1);
  EXPECT_TRUE(torch::equal(first.parameters, second.parameters));
  EXPECT_TRUE(torch::equal(first.buffers, second.buffers));
  EXPECT_EQ(first.losses, second.losses);
}

TEST_P(Ranks, ReadStepsTogetherWithoutAChangeOfBits) {
  const Case& c = GetParam();
  const std::vector<int> counts = {6, 5, 1, 6, 2};
  const Outcome each = train(all, c, counts, 1, /*read_every=*/1), together = train(all, c, counts, 1, 3);
  EXPECT_TRUE(torch::equal(each.parameters, together.parameters));
  EXPECT_TRUE(torch::equal(each.buffers, together.buffers));
  EXPECT_EQ(each.losses, together.losses);
  EXPECT_EQ(each.norms, together.norms);
}

// One rank's part alone has it; the sums of the loss, and so the fault, are all ranks'.
TEST_P(Ranks, StopAtTheSameStepThatIsNotFinite) {
  const Case& c = GetParam();
  const auto network =
      model::make_network({.name = "unet", .width = 4, .depth = 2, .norm = c.norm}, 1, data::kClasses, kSeed);
  const bool bf16 = c.type == torch::kBFloat16;
  if (bf16) network->set_precision(model::Precision::kBf16);
  place_network(*network, all.device(), bf16 ? torch::kFloat : c.type);
  Trainer trainer(*network, {{"wce", schedules::constant(1)}}, std::vector<double>(data::kClasses, 1), {}, {}, all,
                  {.read_every = 3});
  torch::Tensor before;
  std::vector<StepResult> results;
  for (int step = 0; step < 6; ++step) {
    if (step == 4) before = flatten(network->parameters());
    data::Batch batch = part_of_batch(step, all.size(), all);
    if (step == 4 && all.rank() == all.size() - 1) batch.images[3] = std::nanf("");
    const auto read = trainer.step(batch, 0);
    EXPECT_EQ(read.size(), step == 2 ? 3 : step == 5 ? 2 : 0);
    results.insert(results.end(), read.begin(), read.end());
  }
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(results[3].not_finite, "");
  EXPECT_EQ(results[4].not_finite, "loss term wce");
  EXPECT_EQ(trainer.optimizer().steps(), 4);
  EXPECT_TRUE(torch::equal(flatten(network->parameters()), before));
}

TEST_P(Ranks, HoldTheSameParameters) {
  const Case& c = GetParam();
  const Outcome mine = train(all, c, {6, 1, 5}, 1);
  torch::Tensor of_rank_0 = torch::cat({mine.parameters, mine.buffers});
  all.broadcast(of_rank_0);
  EXPECT_TRUE(torch::equal(torch::cat({mine.parameters, mine.buffers}), of_rank_0));
}

TEST_P(Ranks, KnowHowLongAStepWaitedForOthers) {
  const Case& c = GetParam();
  const CommunicationSeconds none = train(alone, c, {6, 6}, 1).communication;
  EXPECT_EQ(none.buckets + none.loss + none.norm, 0);
  const auto begin = std::chrono::steady_clock::now();
  const CommunicationSeconds waited = train(all, c, {6, 6}, 1).communication;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (all.size() == 1) return;
  if (all.device().is_cuda()) {
    EXPECT_TRUE(std::isnan(waited.buckets) && std::isnan(waited.loss) && std::isnan(waited.norm));
    return;
  }
  EXPECT_GT(waited.buckets, 0);
  EXPECT_GT(waited.loss, 0);
  EXPECT_EQ(waited.norm > 0, std::string(c.norm) == "batch");
  EXPECT_LT(waited.buckets + waited.loss + waited.norm, seconds);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Ranks,
    testing::Values(Case{"none", torch::kDouble, 1e-10, 1e-9}, Case{"batch", torch::kDouble, 1e-10, 1e-9},
                    Case{"none", torch::kFloat, 1e-3, 1e-3}, Case{"batch", torch::kFloat, 1e-3, 1e-3},
                    Case{"none", torch::kBFloat16, kBf16Gradient, kOfTenSteps* kBf16Gradient},
                    Case{"batch", torch::kBFloat16, kBf16BatchGradient, kOfTenSteps* kBf16BatchGradient}),
    [](const auto& info) { return std::string(info.param.norm) + "_" + c10::toString(info.param.type); });

/// The identity; its backward waits until `come` is true, or ten seconds.
struct WaitInBackward : torch::autograd::Function<WaitInBackward> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x,
                               const std::function<bool()>& come, bool* came) {
    condition = come;
    result = came;
    return x.clone();
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext*, torch::autograd::tensor_list outer) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!(*result = condition()) && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return {outer[0], {}, {}};
  }
  static inline std::function<bool()> condition;
  static inline bool* result = nullptr;
};

// Over MPI: a backward pass on a GPU is over, for the host, before its first kernel has run.
TEST(GradientReducer, SendsABucketWhileTheBackwardPassGoesOn) {
  Group group(test_world().communicator().duplicate(), torch::kCPU);
  if (group.size() == 1) GTEST_SKIP() << "one rank sends nothing";
  const std::vector<torch::Tensor> parameters = {torch::ones({1000}).requires_grad_(),
                                                 torch::ones({1000}).requires_grad_()};
  GradientReducer reducer(group, parameters, /*bucket_mib=*/1e-3);  // a bucket each
  bool came = false;
  reducer.prepare();
  // Backward reaches parameter 1 first, then waits for its bucket to have gone round before it goes on to parameter 0.
  const torch::Tensor loss = (WaitInBackward::apply(
                                  parameters[0] * 1, [&] { return reducer.buckets_reduced() > 0; }, &came) *
                              parameters[1])
                                 .sum();
  reducer.prepare_backward(loss);
  const auto began = std::chrono::steady_clock::now();
  loss.backward();
  const auto over = std::chrono::steady_clock::now();
  reducer.finish_backward();
  EXPECT_TRUE(came) << "the first bucket was not reduced before the backward pass had ended";
  // What follows the last gradient is not hidden; the wait for the first bucket is before it.
  EXPECT_GT(group.communication().buckets, 0);
  EXPECT_LT(group.communication().buckets, std::chrono::duration<double>(over - began).count());
  EXPECT_EQ(reducer.buckets_reduced(), 2);
  EXPECT_TRUE(torch::equal(parameters[0].grad(), torch::ones({1000})));
}

}  // namespace
}  // namespace crossfade::runner
