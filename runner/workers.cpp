#include "runner/workers.hpp"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <algorithm>
#include <thread>

#include "runner/agreement.hpp"

namespace crossfade::runner {

Workers arrange_workers(Communicator& world, const RunOptions& options) {
  const Communicator machine = world.split_by_host();
  const int gpus = static_cast<int>(torch::cuda::device_count());
  agree(world, gpus > 0 && gpus < machine.size()
                   ? std::to_string(machine.size()) + " ranks on a machine with " + std::to_string(gpus) +
                         " GPUs: start at most one rank a GPU (mpirun --map-by ppr:" + std::to_string(gpus) + ":node)"
                   : "");
  Workers workers;
  workers.ranks_per_trial = options.ranks_per_trial > 0 ? options.ranks_per_trial : gpus > 0 ? machine.size() : 1;
  // Rank 0's view decides: nodes of unlike size would otherwise ask for unlike groups.
  world.broadcast(&workers.ranks_per_trial, sizeof workers.ranks_per_trial, 0);
  agree(world, world.size() % workers.ranks_per_trial != 0
                   ? std::to_string(world.size()) + " ranks cannot be split into groups of run.ranks_per_trial = " +
                         std::to_string(workers.ranks_per_trial) + "; start a multiple of it"
                   : "");
  workers.groups = world.size() / workers.ranks_per_trial;
  workers.group = world.rank() / workers.ranks_per_trial;

  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  workers.threads = options.threads > 0 ? options.threads : std::max(1, cores / machine.size());
  at::set_num_threads(workers.threads);
  if (gpus > 0) workers.device = torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(machine.rank()));
  const auto count = [](int n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  workers.description = count(world.size(), "rank") + (gpus > 0 ? " on GPUs, " : " on CPUs, ") +
                        count(workers.ranks_per_trial, "rank") + " a trial, " + count(workers.threads, "thread") +
                        " a rank";
  return workers;
}

}  // namespace crossfade::runner
