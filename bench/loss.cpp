// The loss alone, forward and backward, on logits as a net leaves them. bench/loss.py sets it beside its peers.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <vector>

#include "runner/process/memory.hpp"
#include "schedules/scheduled_loss.hpp"

namespace crossfade::schedules {
namespace {

constexpr std::int64_t kImages = 8, kClasses = 28;

/// Arguments: side of the images, threads.
void loss(benchmark::State& state, torch::ScalarType type, const char* cross_entropy) {
  at::set_num_threads(static_cast<int>(state.range(1)));
  const std::int64_t side = state.range(0);
  const torch::Tensor made =
      torch::randn({kImages, kClasses, side, side}).to(type, false, true, torch::MemoryFormat::ChannelsLast);
  const torch::Tensor labels = torch::randint(kClasses, {kImages, side, side}, torch::kUInt8);
  std::vector<double> weights;
  for (int c = 0; c < kClasses; ++c) weights.push_back(0.1 + 0.1 * c);
  const ScheduledLoss scheduled({{cross_entropy, constant(1)}, {"wdice", constant(1)}}, weights, {}, 1,
                                [](torch::Tensor&) {});
  for ([[maybe_unused]] const auto _ : state) {
    state.PauseTiming();
    torch::Tensor logits = made.clone().requires_grad_();
    state.ResumeTiming();
    // Not a leaf, so that the gradient is not added to one: as in a net.
    torch::autograd::grad({scheduled(logits, labels, 0, false, /*consume=*/true).total}, {logits});
  }
}

void add(const char* name, torch::ScalarType type, const char* cross_entropy) {
  auto* added = benchmark::RegisterBenchmark(name, loss, type, cross_entropy);
  added->ArgNames({"side", "threads"})->Unit(benchmark::kMillisecond)->MinWarmUpTime(0.5)->UseRealTime();
  for (const std::int64_t threads : {1, 2}) added->Args({256, threads});
}

}  // namespace
}  // namespace crossfade::schedules

int main(int argc, char** argv) {
  crossfade::runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  crossfade::schedules::add("loss", torch::kFloat32, "wce");
  crossfade::schedules::add("loss_bf16", torch::kBFloat16, "wce");
  crossfade::schedules::add("loss_boundary", torch::kFloat32, "wce_boundary");
  benchmark::RunSpecifiedBenchmarks();
}
