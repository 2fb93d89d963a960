// Steps that are queued and read back together, against steps of which each is waited for.
#include "runner/trial/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#ifdef CROSSFADE_WITH_NCCL
#include <c10/cuda/CUDAFunctions.h>
#endif

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "data/random.hpp"
#include "runner/grid/learning_rate.hpp"
#include "tests/device.hpp"
#include "tests/runner/world_of_one.hpp"

namespace crossfade::runner {
namespace {

constexpr int kSide = 16, kClasses = 5;
constexpr double kSteps = 20;  // of the schedule

/// Noise and labels, some of them ignored: a function of the step alone.
data::Batch batch_of(int step) {
  data::Batch batch;
  batch.count = batch.global_count = 2 + step / 5 % 3;
  batch.height = batch.width = kSide;
  data::Random random(5, data::Purpose::kAugmentation, static_cast<std::uint32_t>(step));
  for (int pixel = 0; pixel < batch.count * kSide * kSide; ++pixel) {
    batch.images.push_back(static_cast<float>(random.normal()));
    const auto label = random.below(kClasses + 1);
    batch.labels.push_back(static_cast<std::uint8_t>(label == kClasses ? schedules::kIgnored : label));
  }
  return batch;
}

struct Case {
  const char* norm;
  torch::ScalarType type;  // bfloat16: parameters in float32, precision bf16
  const char* optimizer;
};

std::shared_ptr<model::Network> network_of(const Case& c) {
  const auto network = model::make_network({.name = "unet", .width = 4, .depth = 2, .norm = c.norm}, 1, kClasses, 3);
  const bool bf16 = c.type == torch::kBFloat16;
  if (bf16) network->set_precision(model::Precision::kBf16);
  place_network(*network, tests::device(), bf16 ? torch::kFloat : c.type);
  network->train();
  return network;
}

/// Cross-entropy alone, then with Dice, then Dice alone: steps with each set of terms.
std::vector<schedules::ScheduledTerm> terms() {
  return {{"wce", {.shape = "step", .points = {{0, 1}, {0.4, 0}}}},
          {"wdice", {.shape = "linear", .points = {{0.2, 0}, {0.5, 1}}}}};
}

OptimizerOptions options_of(const Case& c) {
  OptimizerOptions options;
  options.name = c.optimizer;
  options.lr = 0.05;
  options.lr_schedule = "cosine";
  options.weight_decay = 0.01;
  options.clip_norm = 0.3;
  return options;
}

const std::vector<double> kWeights = {0.1, 1, 2, 0.5, 3};

/// All that a step changes, by name.
using State = std::vector<std::pair<std::string, torch::Tensor>>;

State state_of(const model::Network& network, const Optimizer& optimizer) {
  State state;
  for (const auto& item : network.named_parameters()) state.emplace_back(item.key(), item.value().detach().clone());
  for (const auto& item : network.named_buffers()) state.emplace_back(item.key(), item.value().clone());
  for (const auto& [name, tensor] : optimizer.state()) state.emplace_back(name, tensor.clone());
  return state;
}

void expect_equal(const State& a, const State& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
}

struct Outcome {
  std::vector<StepResult> results;
  State state;
};

void append(std::vector<StepResult>& all, const std::vector<StepResult>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

/// Steps that look at each number before they go on, and know nothing of numbers on the device.
Outcome train_by_hand(const Case& c, int steps) {
  const auto network = network_of(c);
  const schedules::ScheduledLoss loss(terms(), kWeights, {}, 1, [](torch::Tensor&) {});
  const OptimizerOptions options = options_of(c);
  std::vector<std::pair<std::string, torch::Tensor>> named;
  for (const auto& item : network->named_parameters()) named.emplace_back(item.key(), item.value());
  Optimizer optimizer(options, named);
  Outcome outcome;
  for (int step = 0; step < steps; ++step) {
    const data::Batch batch = batch_of(step);
    const auto images = image_tensor(batch.images.data(), {batch.count, 1, kSide, kSide}, tests::device(),
                                     network->parameters().front().scalar_type());
    const auto labels = torch::tensor(batch.labels, torch::kByte).view({batch.count, kSide, kSide});
    for (const auto& [name, parameter] : named) parameter.mutable_grad().reset();
    const auto found = loss(network->forward(images), labels.to(tests::device()), step / kSteps);
    found.total.backward();
    double squares = 0;
    for (const auto& [name, parameter] : named)
      squares += parameter.grad().to(torch::kDouble).square().sum().item<double>();
    std::vector<torch::Tensor> gradients;
    for (const auto& [name, parameter] : named) gradients.push_back(parameter.grad());
    const double norm = global_norm(gradients).item<double>();
    EXPECT_NEAR(norm / std::sqrt(squares), 1, 1e-6);
    if (norm > options.clip_norm)
      for (const torch::Tensor& gradient : gradients) gradient.mul_(options.clip_norm / norm);
    optimizer.step(torch::tensor(learning_rate(options, step / kSteps), torch::kDouble).to(tests::device()));
    StepResult result;
    result.loss = found.value;
    result.terms = found.terms;
    result.weights = found.weights;
    result.gradient_norm = norm;
    outcome.results.push_back(result);
  }
  outcome.state = state_of(*network, optimizer);
  return outcome;
}

// Five steps have batches of one size, and the first five one set of terms: on a GPU the fourth and fifth are replayed.
const QueueOptions kQueues[] = {{.read_every = 1}, {.read_every = 4}, {.read_every = 16, .graph = true}};

class QueuedSteps : public testing::TestWithParam<Case> {
 protected:
  Group group_ = group_of_one(tests::device());
};

TEST_P(QueuedSteps, AreBitForBitThoseThatAreWaitedFor) {
  const Outcome expected = train_by_hand(GetParam(), 14);
  int clipped = 0;
  for (const StepResult& result : expected.results) clipped += result.gradient_norm > 0.3;
  ASSERT_TRUE(clipped > 0 && clipped < 14) << clipped;
  for (const QueueOptions& queue : kQueues) {
    const int read_every = queue.read_every;
    const auto network = network_of(GetParam());
    Trainer trainer(*network, terms(), kWeights, {}, options_of(GetParam()), group_, queue);
    std::vector<StepResult> results;
    for (int step = 0; step < 14; ++step) {
      const auto read = trainer.step(batch_of(step), step / kSteps);
      EXPECT_EQ(read.size(), (step + 1) % read_every == 0 ? static_cast<std::size_t>(read_every) : 0);
      append(results, read);
    }
    append(results, trainer.read());
    EXPECT_TRUE(trainer.read().empty());
    ASSERT_EQ(results.size(), 14U);
    for (std::size_t s = 0; s < 14; ++s) {
      EXPECT_EQ(results[s].loss, expected.results[s].loss);
      EXPECT_EQ(results[s].terms, expected.results[s].terms);
      EXPECT_EQ(results[s].weights, expected.results[s].weights);
      EXPECT_EQ(results[s].gradient_norm, expected.results[s].gradient_norm);
      EXPECT_EQ(results[s].images, batch_of(static_cast<int>(s)).count);
      EXPECT_EQ(results[s].not_finite, "");
    }
    EXPECT_EQ(trainer.optimizer().steps(), 14);
    expect_equal(state_of(*network, trainer.optimizer()), expected.state);
  }
}

/// Makes a step not finite: batch and net are changed before it.
struct Fault {
  int step;
  const char* name;
  void (*apply)(data::Batch& batch, model::Network& network);
};

const Fault kFaults[] = {
    {2, "loss term wce",
     [](data::Batch& batch, model::Network&) { batch.images[7] = std::numeric_limits<float>::quiet_NaN(); }},
    {9, "loss term wdice",
     [](data::Batch& batch, model::Network&) { batch.images[7] = std::numeric_limits<float>::infinity(); }},
    {5, "gradient",
     [](data::Batch&, model::Network& network) {
       network.parameters().back().register_hook([](const torch::Tensor& gradient) { return gradient / 0; });
     }},
};

// What is queued behind the faulty step runs, and must change nothing.
TEST_P(QueuedSteps, LeaveEverythingAsItWasBeforeOneThatIsNotFiniteAndNameIt) {
  for (const Fault& fault : kFaults) {
    const Outcome before = train_by_hand(GetParam(), fault.step);
    for (const QueueOptions& queue : kQueues) {
      const auto network = network_of(GetParam());
      Trainer trainer(*network, terms(), kWeights, {}, options_of(GetParam()), group_, queue);
      std::vector<StepResult> results;
      for (int step = 0; step < 14 && (results.empty() || results.back().not_finite.empty()); ++step) {
        data::Batch batch = batch_of(step);
        if (step == fault.step) fault.apply(batch, *network);
        append(results, trainer.step(batch, step / kSteps));
      }
      append(results, trainer.read());
      ASSERT_EQ(results.size(), static_cast<std::size_t>(fault.step) + 1)
          << fault.name << ", every " << queue.read_every << ", graph " << queue.graph;
      EXPECT_EQ(results.back().not_finite, fault.name);
      for (int step = 0; step < fault.step; ++step) {
        const auto s = static_cast<std::size_t>(step);
        EXPECT_EQ(results[s].not_finite, "");
        EXPECT_EQ(results[s].loss, before.results[s].loss);
      }
      EXPECT_EQ(trainer.optimizer().steps(), fault.step);
      expect_equal(state_of(*network, trainer.optimizer()), before.state);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, QueuedSteps,
                         testing::Values(Case{"batch", torch::kFloat, "adam"}, Case{"batch", torch::kDouble, "adamw"},
                                         Case{"batch", torch::kBFloat16, "adam"}, Case{"none", torch::kFloat, "sgd"}),
                         [](const auto& info) {
                           return std::string(info.param.norm) + "_" + c10::toString(info.param.type) + "_" +
                                  info.param.optimizer;
                         });

TEST(Trainer, NamesTheLossWhereNoTermCounts) {
  Group group = group_of_one(tests::device());
  const Case c{"none", torch::kFloat, "adam"};
  const auto network = network_of(c);
  Trainer trainer(*network, {{"wce", schedules::constant(0)}}, kWeights, {}, options_of(c), group, {.read_every = 1});
  data::Batch batch = batch_of(0);
  EXPECT_EQ(trainer.step(batch, 0).at(0).not_finite, "");
  batch.images[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(trainer.step(batch, 0).at(0).not_finite, "loss");
}

#ifdef CROSSFADE_WITH_NCCL
TEST(Trainer, WaitsForNothingOnAGpu) {
  if (!tests::device().is_cuda()) GTEST_SKIP() << "the tests run on CPUs";
  Group group = group_of_one(tests::device());
  const Case c{"batch", torch::kFloat, "adam"};
  const auto network = network_of(c);
  Trainer trainer(*network, terms(), kWeights, {}, options_of(c), group, {.read_every = 100});
  trainer.step(batch_of(0), 0);  // tables of constants are copied in the first step
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
  for (int step = 1; step < 14; ++step) EXPECT_NO_THROW(trainer.step(batch_of(step), step / kSteps)) << step;
  c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  EXPECT_EQ(trainer.read().size(), 14U);
}
#endif

// Work that adds its input to a sum, in steps enough for a GPU to replay most of them; the host sees some of it alone.
TEST(StepGraphs, DoTheSameWorkOnOtherValues) {
  const auto on_device = torch::dtype(torch::kDouble).device(tests::device());
  const torch::Tensor sum = torch::zeros({3}, on_device), other = torch::zeros({2}, on_device);
  StepGraphs graphs(tests::device());
  int done = 0;
  for (int n = 1; n <= 10; ++n) {
    const auto add = [&](const torch::Tensor& to) {
      return [&done, to](const std::vector<torch::Tensor>& inputs) {
        to.add_(inputs[0] * inputs[1]);
        ++done;
      };
    };
    graphs("one", {torch::full({3}, n, on_device), torch::full({}, 2, on_device)}, add(sum));
    graphs("one", {torch::full({2}, n, on_device), torch::full({}, 3, on_device)}, add(other));  // of another shape
    graphs("two", {torch::full({3}, n, on_device), torch::full({}, 100, on_device)}, add(sum));
  }
  EXPECT_TRUE(sum.cpu().equal(torch::full({3}, 55.0 * 102, torch::kDouble)));
  EXPECT_TRUE(other.cpu().equal(torch::full({2}, 55.0 * 3, torch::kDouble)));
  EXPECT_EQ(done, tests::device().is_cpu() ? 30 : 3 * 4) << "three times as it is, and once while it is recorded";
}

TEST(StepGraphs, RecordNothingThatWaits) {
  if (tests::device().is_cpu()) GTEST_SKIP() << "on CPUs nothing is recorded";
  StepGraphs graphs(tests::device());
  const torch::Tensor one = torch::ones({}, tests::device());
  const auto wait = [](const std::vector<torch::Tensor>& inputs) { inputs[0].item<float>(); };
  for (int n = 0; n < 3; ++n) graphs("waits", {one}, wait);
  EXPECT_THROW(graphs("waits", {one}, wait), c10::Error);
  EXPECT_EQ((one + 1).item<float>(), 2) << "the device works on";
}

// A host that writes over a batch as soon as its step is queued.
TEST(DeviceCopies, KeepWhatTheHostHadWhenTheyWereAskedFor) {
  if (tests::device().is_cpu()) GTEST_SKIP() << "on CPUs nothing is copied";
  const DeviceCopies to_device(tests::device());
  std::vector<torch::Tensor> copies;
  torch::Tensor host = torch::empty({1 << 20});
  for (int n = 0; n < 20; ++n) {
    host.fill_(n);
    copies.push_back(to_device({host})[0] * 2);
  }
  for (int n = 0; n < 20; ++n) EXPECT_TRUE((copies[static_cast<std::size_t>(n)] == 2 * n).all().item<bool>()) << n;
}

}  // namespace
}  // namespace crossfade::runner
