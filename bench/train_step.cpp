// One whole training step on one rank: forward, loss, backward, Adam. bench/train_step.py sets it beside PyTorch's.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/cuda.h>

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/random_batch.hpp"
#include "runner/process/memory.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

/// MiB of tensors at the height of a step above those between steps.
double peak_allocated(const std::function<void()>& step) {
  using torch::profiler::impl::ActivityType;
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO,
                                                     /*report_input_shapes=*/false, /*profile_memory=*/true);
  torch::autograd::profiler::prepareProfiler(config, {ActivityType::CPU});
  torch::autograd::profiler::enableProfiler(config, {ActivityType::CPU});
  step();
  const auto result = torch::autograd::profiler::disableProfiler();
  std::vector<std::pair<std::int64_t, std::int64_t>> changes;  // when, bytes
  for (const auto& event : result->events())
    if (event.name() == "[memory]") changes.emplace_back(event.startNs(), event.nBytes());
  std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::int64_t now = 0, peak = 0;
  for (const auto& [when, bytes] : changes) peak = std::max(peak, now += bytes);
  return static_cast<double>(peak) / (1 << 20);
}

/// MiB of the process at the height of a step.
double peak_resident(const std::function<void()>& step) {
  std::ofstream("/proc/self/clear_refs") << "5";  // begins VmHWM anew
  step();
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

/// Arguments: width of the net, side of the images, batch, threads.
void train_step(benchmark::State& state, torch::Device device, const std::string& norm, model::Precision precision,
                bool graph) {
  static int argc = 0;
  static char** argv = nullptr;
  static World world(argc, argv);
  const auto argument = [&](std::size_t n) { return static_cast<int>(state.range(n)); };
  at::set_num_threads(argument(3));
  Group group(world.communicator().duplicate(), device);
  const auto network = model::make_network({.name = "unet", .width = argument(0), .norm = norm}, 1, data::kClasses, 1);
  network->set_precision(precision);
  place_network(*network, device);
  network->train();
  Trainer trainer(*network, {{"wce", schedules::constant(1)}, {"wdice", schedules::constant(1)}},
                  std::vector<double>(data::kClasses, 1.0), {}, {}, group, {.graph = graph});
  const data::Batch batch = random_batch(argument(2), argument(2), argument(1), /*seed=*/1);
  const auto step = [&] { trainer.step(batch, 0); };
  // As the peers': the first allocates gradients and moments; a graph is recorded in the fourth.
  for (int warm = 0; warm < (graph ? 5 : 3); ++warm) step();
  benchmark::IterationCount made = 0;
  for ([[maybe_unused]] const auto _ : state) {
    benchmark::DoNotOptimize(trainer.step(batch, 0));
    if (++made == state.max_iterations) benchmark::DoNotOptimize(trainer.read());  // what a GPU has still to do
  }
  peak_allocated(step);  // in the second it knows the sizes of the gradients that the step gives back
  state.counters["tensors_mib"] = peak_allocated(step);
  state.counters["resident_mib"] = peak_resident(step);
}

/// Named by device, precision and norm; arguments that bench/train_step.py may ask for. `graph`: as run.cuda_graph.
void add(torch::Device device, model::Precision precision, const std::string& norm,
         const std::vector<std::vector<std::int64_t>>& arguments, bool graph = false) {
  const std::string where = device.is_cuda() ? "cuda_" : "cpu_";
  const std::string name = where + (graph ? "graph_" : "") + std::string(model::name_of(precision)) + "_" + norm;
  auto* added = benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { train_step(state, device, norm, precision, graph); });
  added->ArgNames({"width", "side", "batch", "threads"})->Unit(benchmark::kMillisecond);
  added->UseRealTime();
  for (const auto& one : arguments) added->Args(one);
}

}  // namespace
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  using namespace crossfade;
  runner::keep_freed_memory();  // as the runner does
  benchmark::Initialize(&argc, argv);
  std::vector<std::vector<std::int64_t>> on_cpu;
  std::vector<std::vector<std::int64_t>> on_gpu;
  for (const int side : {128, 256}) {
    for (const int width : {16, 32})
      for (const int threads : {1, 2}) on_cpu.push_back({width, side, 8, threads});
    for (const int width : {16, 32, 64}) on_gpu.push_back({width, side, 8, 1});
  }
  for (const auto precision : {model::Precision::kFp32, model::Precision::kBf16}) {
    for (const char* norm : {"none", "batch"}) {
      runner::add(torch::kCPU, precision, norm, on_cpu);
      for (const bool graph : {false, true})
        if (torch::cuda::is_available()) runner::add(torch::Device(torch::kCUDA, 0), precision, norm, on_gpu, graph);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
