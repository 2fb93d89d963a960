// One whole training step on one rank: forward, loss, backward, Adam. bench/train_step.py sets it beside PyTorch's.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "runner/memory.hpp"
#include "runner/trainer.hpp"

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
void train_step(benchmark::State& state) {
  static int argc = 0;
  static char** argv = nullptr;
  static World world(argc, argv);
  const auto argument = [&](std::size_t n) { return static_cast<int>(state.range(n)); };
  at::set_num_threads(argument(3));
  Group group(world.communicator().duplicate(), torch::kCPU);
  const auto network = model::make_network({.name = "unet", .width = argument(0)}, 1, data::kClasses, 1);
  place_network(*network, torch::kCPU);
  network->train();
  Trainer trainer(*network, {{"wce", schedules::constant(1)}, {"wdice", schedules::constant(1)}},
                  std::vector<double>(data::kClasses, 1.0), {}, {}, group);
  const data::Batch batch = random_batch(argument(2), argument(1));
  for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(trainer.step(batch, 0).loss);
}

BENCHMARK(train_step)
    ->ArgNames({"width", "side", "batch", "threads"})
    ->Args({16, 128, 8, 1})
    ->Args({16, 128, 8, 2})
    ->Unit(benchmark::kMillisecond)
    ->MinWarmUpTime(1)
    ->MinTime(4)
    ->UseRealTime();

}  // namespace
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  crossfade::runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
