// One whole training step on one rank: forward, loss, backward, Adam. bench/train_step.py sets it beside PyTorch's.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/cuda.h>

#include <vector>

#include "data/labels/structures.hpp"
#include "runner/process/memory.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

data::Batch random_batch(int count, int side) {
  data::Random random(1, data::Purpose::kAugmentation);
  data::Batch batch;
  batch.count = batch.global_count = count;
  batch.height = batch.width = side;
  for (int i = 0; i < count * side * side; ++i) {
    batch.images.push_back(static_cast<float>(random.normal()));
    batch.labels.push_back(static_cast<std::uint8_t>(random.below(data::kClasses)));
  }
  return batch;
}

/// Arguments: width of the net, side of the images, batch, threads.
void train_step(benchmark::State& state, torch::Device device, const char* norm) {
  static int argc = 0;
  static char** argv = nullptr;
  static World world(argc, argv);
  const auto argument = [&](std::size_t n) { return static_cast<int>(state.range(n)); };
  at::set_num_threads(argument(3));
  Group group(world.communicator().duplicate(), device);
  const auto network = model::make_network({.name = "unet", .width = argument(0), .norm = norm}, 1, data::kClasses, 1);
  place_network(*network, device);
  network->train();
  Trainer trainer(*network, {{"wce", schedules::constant(1)}, {"wdice", schedules::constant(1)}},
                  std::vector<double>(data::kClasses, 1.0), {}, {}, group);
  const data::Batch batch = random_batch(argument(2), argument(1));
  for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(trainer.step(batch, 0).loss);
}

void add(const char* name, torch::Device device, const char* norm,
         const std::vector<std::vector<std::int64_t>>& arguments) {
  auto* added = benchmark::RegisterBenchmark(name, train_step, device, norm);
  added->ArgNames({"width", "side", "batch", "threads"})->Unit(benchmark::kMillisecond);
  added->MinWarmUpTime(1)->MinTime(4)->UseRealTime();
  for (const auto& one : arguments) added->Args(one);
}

}  // namespace
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  crossfade::runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  crossfade::runner::add("train_step", torch::kCPU, "none", {{16, 128, 8, 1}, {16, 128, 8, 2}});
  if (torch::cuda::is_available()) {
    const torch::Device gpu(torch::kCUDA, 0);
    crossfade::runner::add("train_step_gpu", gpu, "none", {{16, 128, 8, 1}, {64, 256, 8, 1}});
    crossfade::runner::add("train_step_gpu_batch_norm", gpu, "batch", {{64, 256, 8, 1}});
  }
  benchmark::RunSpecifiedBenchmarks();
}
