// How the ranks of the world are arranged: groups that train one trial each, devices, threads.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "runner/grid/config.hpp"
#include "runner/ranks/communicator.hpp"

namespace crossfade::runner {

struct Workers {
  int ranks_per_trial = 1;
  int group = 0;    // of this rank
  int threads = 1;  // of this rank
  torch::Device device = torch::kCPU;
  std::map<int, int> places;  // of all groups, as many as there are: places_of_groups()
  std::string description;    // of all: "2 ranks on CPUs, 1 rank a trial, 1 thread a rank"
};

/// How many ranks train one trial together where a machine has `ranks` ranks and `gpus` GPUs: `asked`, or by default 1
/// on CPUs and all of the machine on GPUs. Ranks share a GPU only where each has trials of its own and that was asked
/// for (asked = 1), since NCCL takes one rank a GPU and all must fit its memory; else throws std::runtime_error.
int ranks_of_a_trial(int ranks, int gpus, int asked);

/// How many threads a rank has cores for: of those that it may run on, each is shared out evenly among the ranks of the
/// machine that may. `cores`: its own; `ranks_on[c]`: how many ranks may run on core c. At least 1.
int threads_for(std::span<const int> cores, std::span<const std::int64_t> ranks_on);

/// The place of `rank` where ranks of a machine stand side by side, in the order of the machines' first ranks: groups
/// are cut from these, so that a trial's gradients stay on one machine however mpirun has dealt ranks out. `first[r]`:
/// the lowest rank of the machine of rank r.
int place_of(int rank, std::span<const std::int64_t> first);

/// Where each group of `ranks_per_trial` works, by its leader's rank: the lowest rank of its machine, or, with all on
/// one machine, its leader. Groups of one place have in common what may be broken. `first`: as above.
std::map<int, int> places_of_groups(std::span<const std::int64_t> first, int ranks_per_trial);

/// Collective. Sets the number of threads that Torch uses on this rank. Throws std::runtime_error (the same on all
/// ranks) where the world can't be split into groups of the size asked for, a machine has too few GPUs, or
/// run.cuda_graph is asked for with more than one rank a trial. Threads that are not asked for are as many as the rank
/// with the fewest has cores for, on all alike: the bits of a trial must not depend on which group trains it. Rank 0
/// warns where mpirun's binding leaves less than there would be without it.
Workers arrange_workers(Communicator& world, const RunOptions& options);

/// Refuses bfloat16 that this rank's processor would only emulate. `variant`: one that computes in it; empty: none
/// does. Throws std::runtime_error naming variant and machine.
void require_bf16(const std::string& variant, torch::Device device);

}  // namespace crossfade::runner
