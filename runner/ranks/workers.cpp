#include "runner/ranks/workers.hpp"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

#include "data/cores.hpp"
#include "data/number_words.hpp"
#include "runner/process/log.hpp"
#include "runner/process/machine.hpp"
#include "runner/ranks/agreement.hpp"

namespace crossfade::runner {
namespace {

/// What each rank says, by rank.
std::vector<std::int64_t> said_by_all(Communicator& world, int value) {
  std::vector<std::int64_t> said(static_cast<std::size_t>(world.size()));
  said[static_cast<std::size_t>(world.rank())] = value;
  world.all_reduce_sum(said.data(), said.size(), ElementType::kInt64);
  return said;
}

/// Of each rank's machine.
std::vector<std::int64_t> first_ranks(Communicator& world, Communicator& machine) {
  int first = world.rank();
  machine.broadcast(&first, sizeof first, 0);
  return said_by_all(world, first);
}

int threads_here(Communicator& machine) {
  const std::vector<int> cores = data::usable_cores();
  std::vector<std::int64_t> ranks_on(data::kMostCores);
  for (const int core : cores) ranks_on[static_cast<std::size_t>(core)] = 1;
  machine.all_reduce_sum(ranks_on.data(), ranks_on.size(), ElementType::kInt64);
  return threads_for(cores, ranks_on);
}

/// Of Open MPI, which binds each rank to one core or one socket unless it is told otherwise. `threads`: that this rank
/// has cores for; `asked`: run.threads.
void warn_of_binding(const Communicator& machine, int threads, int asked) {
  if (std::getenv("OMPI_MCA_orte_bound_at_launch") == nullptr) return;
  const int unbound = static_cast<int>(data::usable_cores(getppid()).size()) / machine.size();  // as mpirun itself is
  if (threads >= unbound || (asked > 0 && threads >= asked)) return;
  log_warning("mpirun binds each rank to " + data::counted(data::usable_cores().size(), "core") + ", enough for " +
              data::counted(threads, "thread") + " where there could be " + std::to_string(unbound) +
              ": expected mpirun --bind-to none, or `. scripts/mpi-environment` before");
}

}  // namespace

int threads_for(std::span<const int> cores, std::span<const std::int64_t> ranks_on) {
  double share = 1e-9;  // thirds of cores add up to whole ones
  for (const int core : cores) share += 1.0 / static_cast<double>(ranks_on[static_cast<std::size_t>(core)]);
  return std::max(1, static_cast<int>(share));
}

int place_of(int rank, std::span<const std::int64_t> first) {
  const auto stands = [&](int r) { return std::pair(first[static_cast<std::size_t>(r)], r); };
  int place = 0;
  for (int other = 0; std::cmp_less(other, first.size()); ++other) place += stands(other) < stands(rank) ? 1 : 0;
  return place;
}

std::map<int, int> places_of_groups(std::span<const std::int64_t> first, int ranks_per_trial) {
  const bool one_machine = std::ranges::count(first, first.front()) == std::ssize(first);
  std::map<int, int> leaders;  // by group
  for (int rank = 0; std::cmp_less(rank, first.size()); ++rank)
    leaders.try_emplace(place_of(rank, first) / ranks_per_trial, rank);
  std::map<int, int> places;
  for (const auto& [group, leader] : leaders)
    places[leader] = one_machine ? leader : static_cast<int>(first[static_cast<std::size_t>(leader)]);
  return places;
}

int ranks_of_a_trial(int ranks, int gpus, int asked) {
  if (gpus > 0 && ranks > gpus && asked != 1) {
    throw std::runtime_error(data::counted(ranks, "rank") + " on a machine with " + data::counted(gpus, "GPU") +
                             ": start at most one rank a GPU (mpirun --map-by ppr:" + std::to_string(gpus) +
                             ":node), or let ranks share a GPU, each with a trial of its own (run.ranks_per_trial=1)");
  }
  if (asked > 0) return asked;
  return gpus > 0 ? ranks : 1;
}

Workers arrange_workers(Communicator& world, const RunOptions& options) {
  Communicator machine = world.split_by_host();
  const int gpus = static_cast<int>(torch::cuda::device_count());
  Workers workers;
  together(world, [&] { workers.ranks_per_trial = ranks_of_a_trial(machine.size(), gpus, options.ranks_per_trial); });
  // Rank 0's view decides: nodes of unlike size would otherwise ask for unlike groups.
  world.broadcast(&workers.ranks_per_trial, sizeof workers.ranks_per_trial, 0);
  agree(world, world.size() % workers.ranks_per_trial != 0
                   ? std::to_string(world.size()) + " ranks cannot be split into groups of run.ranks_per_trial = " +
                         std::to_string(workers.ranks_per_trial) + "; start a multiple of it"
                   : "");
  agree(world, options.cuda_graph && workers.ranks_per_trial > 1
                   ? "run.cuda_graph records the step of one rank, but run.ranks_per_trial is " +
                         std::to_string(workers.ranks_per_trial) + "; set one of them otherwise"
                   : "");
  const std::vector<std::int64_t> first = first_ranks(world, machine);
  workers.group = place_of(world.rank(), first) / workers.ranks_per_trial;
  workers.places = places_of_groups(first, workers.ranks_per_trial);

  const int threads = threads_here(machine);
  const auto fewest = static_cast<int>(std::ranges::min(said_by_all(world, threads)));
  warn_of_binding(machine, threads, options.threads);
  workers.threads = options.threads > 0 ? options.threads : fewest;
  at::set_num_threads(workers.threads);
  if (gpus > 0) workers.device = torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(machine.rank() % gpus));
  const std::string where = gpus == 0               ? " on CPUs, "
                            : machine.size() > gpus ? " sharing " + data::counted(gpus, "GPU") + ", "
                                                    : " on GPUs, ";
  workers.description = data::counted(world.size(), "rank") + where + data::counted(workers.ranks_per_trial, "rank") +
                        " a trial, " + data::counted(workers.threads, "thread") + " a rank";
  return workers;
}

void require_bf16(const std::string& variant, torch::Device device) {
  if (variant.empty() || !device.is_cpu() || computes_bf16()) return;
  throw std::runtime_error(
      "variant '" + variant + "' has precision bf16, which the processor of " + World::host() + " (" + machine() +
      ") would only emulate, slowly: expected precision fp32, or a processor with AVX512-BF16 or AMX-BF16");
}

}  // namespace crossfade::runner
