// Parts of training beside the step: the optimiser, batch normalisation, the gradient of a convolution's weights, the
// loader, and the evaluation of a volume beside the forward pass alone.
#include <ATen/Parallel.h>
#include <ATen/ops/convolution_backward.h>
#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/cohorts/subject.hpp"
#include "data/labels/structures.hpp"
#include "data/shards/loader.hpp"
#include "model/autocast.hpp"
#include "model/batch_norm.hpp"
#include "model/convolution.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/process/memory.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr int kBatch = 8;

World& world() {
  static int argc = 0;
  static char** argv = nullptr;
  static World one(argc, argv);
  return one;
}

/// Shards of one phantom on a grid of side³, read from the disk, and written there before.
const std::vector<data::Shard>& phantom(const fs::path& folder, int side) {
  static std::map<int, std::vector<data::Shard>> all;
  if (!all.contains(side)) {
    data::CohortSpec spec;
    spec.source = "phantom";
    spec.subjects = 1;
    spec.size = side;
    const data::Cohort cohort = data::open_cohort(spec);
    const data::ListedSubject& listed = data::subject_of(cohort, data::subject_names(cohort).front());
    const fs::path file = folder / (std::to_string(side) + ".h5");
    data::write_shard(file, data::synthetic_subject(cohort, listed).contents);
    all[side].emplace_back(file);
  }
  return all[side];
}

std::shared_ptr<model::Network> unet(model::Precision precision, const std::string& norm = "none") {
  auto network = model::make_network({.name = "unet", .width = 16, .norm = norm}, 1, data::kClasses, 1);
  network->set_precision(precision);
  place_network(*network, torch::kCPU);
  return network;
}

double seconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The 27 Dice values of a volume: slices read and standardised, the forward pass, classes, counts. The counters are
/// quartiles of its time over that of the bare forward passes, of slices that lie ready, done in turn with it.
void evaluation(benchmark::State& state, const fs::path& folder, model::Precision precision) {
  const auto& shards = phantom(folder, static_cast<int>(state.range(0)));
  at::set_num_threads(static_cast<int>(state.range(1)));
  Group group(world().communicator().duplicate(), torch::kCPU);
  const auto network = unet(precision);
  const data::ShardInfo& info = shards.front().info();
  const torch::Tensor slices = torch::randn({kBatch, 1, info.height(), info.width()});
  const auto whole = [&] { evaluate(*network, shards, group, kBatch, data::LabelKind::kManual); };
  const auto forward = [&] {
    const torch::NoGradGuard no_grad;
    const model::Autocast once(precision, torch::kCPU);  // parameters are converted once a volume, as in evaluate()
    for (int n = 0; n < info.slices_per_scan(); n += kBatch)  // sides are multiples of the batch
      network->forward(image_tensor(slices.const_data_ptr<float>(), {kBatch, 1, info.height(), info.width()},
                                    torch::kCPU, torch::kFloat));
  };
  whole();
  forward();
  std::vector<double> ratios;
  for ([[maybe_unused]] const auto _ : state) {
    const double own = seconds(whole);
    state.SetIterationTime(own);
    ratios.push_back(own / seconds(forward));
  }
  std::sort(ratios.begin(), ratios.end());
  const auto quantile = [&](double q) {
    return ratios[static_cast<std::size_t>(q * static_cast<double>(ratios.size() - 1))];
  };
  state.counters["over_forward_low"] = quantile(0.25);
  state.counters["over_forward"] = quantile(0.5);
  state.counters["over_forward_high"] = quantile(0.75);
}

/// All batches of an epoch, by one thread.
void loader(benchmark::State& state, const fs::path& folder, bool augmented) {
  const auto& shards = phantom(folder, static_cast<int>(state.range(0)));
  data::LoaderOptions options;
  options.batch = kBatch;
  if (augmented) options.augmentation = {.rotation = 10, .scale = 0.1, .translation_mm = 8};
  data::Loader loader(shards, data::training_slices(shards, 1), options);
  std::uint32_t epoch = 0;
  for ([[maybe_unused]] const auto _ : state) {
    loader.start(epoch++);
    while (loader.next()) {
    }
  }
  state.counters["batches"] = loader.steps();
}

/// Adam's update of the net's parameters, and the norm of their gradient.
void optimiser(benchmark::State& state) {
  at::set_num_threads(static_cast<int>(state.range(0)));
  const auto network = unet(model::Precision::kFp32);
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  std::vector<torch::Tensor> gradients;
  for (const auto& item : network->named_parameters()) {
    item.value().mutable_grad() = torch::randn_like(item.value());
    gradients.push_back(item.value().grad());
    parameters.emplace_back(item.key(), item.value());
  }
  Optimizer adam({}, std::move(parameters));
  const torch::Tensor rate = torch::full({}, 1e-4, torch::kFloat64);
  for ([[maybe_unused]] const auto _ : state) {
    benchmark::DoNotOptimize(global_norm(gradients));
    adam.step(rate);
  }
}

/// Batch normalisation with its ReLU, forward and backward, at the widest level of a net.
void batch_norm(benchmark::State& state, torch::ScalarType type) {
  const std::int64_t channels = state.range(0);
  at::set_num_threads(static_cast<int>(state.range(1)));
  model::BatchNorm norm(static_cast<int>(channels), std::make_shared<model::GroupContext>());
  const torch::Tensor x = torch::randn({kBatch, channels, 128, 128})
                              .to(type, false, false, torch::MemoryFormat::ChannelsLast)
                              .requires_grad_();
  const torch::Tensor dy = torch::randn_like(x);
  for ([[maybe_unused]] const auto _ : state) norm.forward(x, /*rectify=*/true).values.backward(dy);
}

/// The gradients of a 3 × 3 convolution's weights and bias: ours, and PyTorch's of the same tensors.
void weight_gradient(benchmark::State& state, bool ours) {
  const std::int64_t side = state.range(0), in = state.range(1), out = state.range(2);
  at::set_num_threads(static_cast<int>(state.range(3)));
  const auto noise = [](std::vector<std::int64_t> sizes) {
    return torch::empty(sizes, torch::MemoryFormat::ChannelsLast).normal_();
  };
  const torch::Tensor x = noise({kBatch, in, side, side}), dy = noise({kBatch, out, side, side}),
                      weight = noise({out, in, 3, 3});
  for ([[maybe_unused]] const auto _ : state) {
    if (ours)
      benchmark::DoNotOptimize(model::weight_gradient(x, dy, 3));
    else
      benchmark::DoNotOptimize(at::convolution_backward(dy, x, weight, {{out}}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0},
                                                        1, {false, true, true}));
  }
  const double products = static_cast<double>(kBatch * side * side * 9 * in * out);
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
}

benchmark::internal::Benchmark* add(const std::string& name, const std::function<void(benchmark::State&)>& run) {
  return benchmark::RegisterBenchmark(name.c_str(), run)
      ->Unit(benchmark::kMillisecond)
      ->MinWarmUpTime(0.5)
      ->UseRealTime();
}

void add_all(const fs::path& folder) {
  for (const auto precision : {model::Precision::kFp32, model::Precision::kBf16}) {
    const std::string name(model::name_of(precision));
    benchmark::RegisterBenchmark(("evaluation_" + name).c_str(),
                                 [=](benchmark::State& state) { evaluation(state, folder, precision); })
        ->ArgNames({"side", "threads"})
        ->ArgsProduct({{96, 128}, {1, 2}})
        ->Unit(benchmark::kMillisecond)
        ->Iterations(15)
        ->UseManualTime();
  }
  for (const bool augmented : {false, true})
    add(augmented ? "loader_augmented" : "loader", [=](benchmark::State& state) { loader(state, folder, augmented); })
        ->ArgName("side")
        ->Arg(128);
  add("optimiser", optimiser)->ArgName("threads")->Arg(1)->Arg(2);
  for (const auto type : {torch::kFloat, torch::kBFloat16})
    add(type == torch::kFloat ? "batch_norm_fp32" : "batch_norm_bf16",
        [=](benchmark::State& state) { batch_norm(state, type); })
        ->ArgNames({"channels", "threads"})
        ->ArgsProduct({{8, 16}, {1, 2}});
  for (const bool ours : {true, false}) {
    auto* const rows = add(ours ? "weight_gradient" : "weight_gradient_pytorch", [=](benchmark::State& state) {
                         weight_gradient(state, ours);
                       })->ArgNames({"side", "in", "out", "threads"});
    for (const std::int64_t threads : {1, 2})  // U-Net of width 16, from its widest level down, and one of width 8
      for (const auto& [side, in, out] : {std::array{128, 32, 16}, std::array{64, 64, 32}, std::array{32, 128, 64},
                                          std::array{16, 256, 128}, std::array{8, 256, 256}, std::array{96, 8, 8}})
        rows->Args({side, in, out, threads});
  }
}

}  // namespace
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  crossfade::runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  std::string folder = (fs::temp_directory_path() / "crossfade-parts-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  crossfade::runner::add_all(folder);
  benchmark::RunSpecifiedBenchmarks();
  fs::remove_all(folder);
}
