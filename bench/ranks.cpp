// What a step of two ranks waits for: gradient buckets that the backward pass did not hide, sums of the loss and of
// batch normalisation. `mpirun -n 2 ranks_bench WIDTH SIDE NORM PRECISION STEPS`; bench/ranks.py reads the JSON that
// rank 0 prints: seconds of each step.
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/random_batch.hpp"
#include "runner/process/memory.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

constexpr int kBatch = 8, kWarmUp = 10;

int time_steps(World& world, const std::vector<std::string>& arguments) {
  const int width = std::stoi(arguments.at(0)), side = std::stoi(arguments.at(1)), steps = std::stoi(arguments.at(4));
  at::set_num_threads(1);
  Group group(world.communicator().duplicate(), torch::kCPU);
  const auto network =
      model::make_network({.name = "unet", .width = width, .norm = arguments.at(2)}, 1, data::kClasses, 1);
  network->set_precision(model::precision_named(arguments.at(3)));
  place_network(*network, torch::kCPU);
  network->train();
  Trainer trainer(*network, {{"wce", schedules::constant(1)}, {"wdice", schedules::constant(1)}},
                  std::vector<double>(data::kClasses, 1.0), {}, {}, group);
  const int count = data::part_of(kBatch, group.rank(), group.size()).count;
  const data::Batch batch = random_batch(count, kBatch, side, static_cast<std::uint64_t>(group.rank()));
  nlohmann::json found = nlohmann::json::object();
  for (int n = 0; n < kWarmUp + steps; ++n) {
    const auto begin = std::chrono::steady_clock::now();
    const StepResult result = trainer.step(batch, 0).front();
    if (n < kWarmUp) continue;
    found["step"].push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    found["buckets"].push_back(result.communication.buckets);
    found["loss"].push_back(result.communication.loss);
    found["norm"].push_back(result.communication.norm);
  }
  if (group.rank() == 0) std::cout << found << '\n';
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace crossfade::runner

int main(int argc, char** argv) {
  using namespace crossfade::runner;
  keep_freed_memory();  // as the runner does
  return run_in_world([&](World& world) { return time_steps(world, {argv + 1, argv + argc}); });
}
