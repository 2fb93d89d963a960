// The trials of a study as a forest: what several train alike is trained once. After stage trees (Shin et al., "Hippo",
// PVLDB 15(5), 2022).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runner/trial/branches.hpp"
#include "schedules/schedule.hpp"

namespace crossfade::runner {

/// The training of one net in one stage of one trial.
struct Path {
  std::string beginning;  // digest of all that makes the net but the loss of this stage; others' paths are apart
  std::string hash;       // of the whole stage: equal ones end with the same net
  std::vector<schedules::ScheduledTerm> loss;
  std::int64_t steps = 0;  // of the stage; the same for one beginning
  bool open = true;        // its trial is not finished
};

/// Steps that some paths have in common, and no other with them.
struct ForestNode {
  int parent = -1;                  // index into Forest::nodes; -1: a root
  std::int64_t begin = 0, end = 0;  // steps of the stage
  std::vector<std::size_t> paths;   // in the order given
};

struct Forest {
  std::vector<ForestNode> nodes;       // parents first
  std::vector<SharedStage> stages;     // of each path
  std::int64_t alone = 0, shared = 0;  // steps that are trained if each path is for itself, and in the forest
};

/// Two paths of one beginning train alike as long as each step's active terms, their weights and their order are the
/// same. The key of a branch is a digest of the beginning and of these.
Forest plan_forest(const std::vector<Path>& paths);

}  // namespace crossfade::runner
