#include "runner/study/shared_trials.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <system_error>
#include <tuple>

#include "data/hash.hpp"
#include "data/number_words.hpp"
#include "data/shards/loader.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/log.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

/// Slices of an epoch, by all that they depend on: opening shards takes its time, and many trials train on the same.
using KnownSlices =
    std::map<std::tuple<fs::path, std::vector<std::string>, std::uint64_t, std::string, int, int>, std::size_t>;

/// Those of the shards that a trial trains on. Throws as open_data().
std::vector<std::int64_t> steps_of_rows(const TrialConfig& trial, const CohortPlans& cohorts, KnownSlices& known) {
  const std::vector<data::Split> splits = splits_of(trial, cohorts);
  std::vector<std::int64_t> steps;
  for (const View& view : views_of(trial.views)) {
    for (std::size_t s = 0; s < splits.size(); ++s) {
      const StageOptions& stage = trial.stages[s];
      const fs::path folder = folder_of_plane(cohorts.at(stage.cohort).folder, view.plane);
      const std::tuple key{folder, splits[s].train, trial.seed, stage.labels, stage.first_scan, stage.scans};
      if (!known.contains(key))
        known[key] = data::training_slices(data::open_shards(folder, splits[s].train), trial.seed, label_kind(stage),
                                           {stage.first_scan, stage.scans})
                         .size();
      steps.push_back(static_cast<std::int64_t>(stage.epochs) * data::steps_per_epoch(known.at(key), stage.batch));
    }
  }
  steps.resize(stage_rows(trial).size());
  return steps;
}

/// What the queue knows of a trial's way.
void add_milestones(const SharedTrials& shared, const std::vector<std::string>& stage_hashes, std::size_t trial,
                    QueuedTrial& queued) {
  for (std::size_t r = 0; r < stage_hashes.size(); ++r) {
    const auto row = static_cast<int>(r);
    const std::int64_t steps = shared.steps[trial][r];
    queued.steps += steps;
    for (const Branch& branch : shared.stages[trial][r].branches)
      queued.milestones.push_back({branch.key, row, branch.step, true, branch.leave});
    queued.milestones.push_back({stage_hashes[r], row, steps});
  }
}

}  // namespace

SharedTrials share_trials(const std::vector<TrialConfig>& trials, const std::vector<TrialHashes>& hashes,
                          const StepsOf& steps_of) {
  SharedTrials shared;
  std::vector<Path> paths;
  std::map<std::string, std::int64_t> known;  // steps by beginning
  for (std::size_t t = 0; t < trials.size(); ++t) {
    const std::vector<StageRow> rows = stage_rows(trials[t]);
    const TrialHashes& of = hashes[t];
    shared.stages.emplace_back(rows.size());
    shared.steps.emplace_back(rows.size());
    const auto unknown = [&](const std::string& beginning) { return !beginning.empty() && !known.contains(beginning); };
    if (std::ranges::any_of(of.beginnings, unknown)) {
      const std::vector<std::int64_t> steps = steps_of(trials[t]);
      for (std::size_t r = 0; r < rows.size(); ++r)
        if (!of.beginnings[r].empty()) known[of.beginnings[r]] = steps[r];
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (of.beginnings[r].empty() || known.at(of.beginnings[r]) == 0) continue;
      shared.steps[t][r] = known.at(of.beginnings[r]);
      shared.rows.push_back({t, r});
      paths.push_back(
          {of.beginnings[r], of.stages[r], trials[t].stages[rows[r].stage].loss, shared.steps[t][r], of.open});
    }
  }
  shared.forest = plan_forest(paths);
  for (std::size_t p = 0; p < paths.size(); ++p)
    shared.stages[shared.rows[p].trial][shared.rows[p].row] = shared.forest.stages[p];
  return shared;
}

std::vector<std::int64_t> nominal_steps(const TrialConfig& trial) {
  std::vector<std::int64_t> steps;
  for (const StageRow& row : stage_rows(trial))
    steps.push_back(std::int64_t{kNominalSteps} * trial.stages[row.stage].epochs);
  return steps;
}

StepsOf prepared_steps(const CohortPlans& cohorts) {
  return [&cohorts, known = KnownSlices()](const TrialConfig& trial) mutable {
    try {
      return steps_of_rows(trial, cohorts, known);
    } catch (const std::exception&) {
      return std::vector<std::int64_t>(stage_rows(trial).size());
    }
  };
}

ForestEpochs forest_epochs(const std::vector<TrialConfig>& trials, const std::vector<TrialHashes>& hashes) {
  const Forest forest = share_trials(trials, hashes, nominal_steps).forest;
  const auto in_epochs = [](std::int64_t steps) { return static_cast<double>(steps) / kNominalSteps; };
  return {in_epochs(forest.alone), in_epochs(forest.shared)};
}

std::string epochs_text(double epochs) {
  return epochs < 1000 ? data::significant(epochs, 4) : std::to_string(std::llround(epochs));
}

TrialHashes trial_hashes(const TrialConfig& trial, const Study& study, const CohortHashList& cohort_hashes) {
  return {stage_hashes(trial, study, cohort_hashes), beginning_hashes(trial, study, cohort_hashes)};
}

CohortHashList names_as_hashes(const Study& study) {
  CohortHashList names;
  for (const auto& [name, spec] : study.cohorts) names.emplace_back(name, name);
  return names;
}

std::vector<std::vector<SharedStage>> plan_sharing(const Study& study, bool share, const CohortHashList& cohort_hashes,
                                                   const CohortPlans& cohorts, const fs::path& checkpoints,
                                                   const std::vector<std::vector<std::string>>& hashes,
                                                   const OtherTrials& others, QueuedStudy& queue) {
  std::vector<TrialConfig> trials = study.trials;
  std::vector<TrialHashes> of_trials;
  const auto add_hashes = [&](const TrialConfig& trial, const std::vector<std::string>& stages, bool open) {
    of_trials.push_back(
        {stages, share ? beginning_hashes(trial, study, cohort_hashes) : std::vector<std::string>(stages.size()),
         open});
  };
  for (std::size_t t = 0; t < trials.size(); ++t) add_hashes(trials[t], hashes[t], !queue.trials[t].finished);
  const StepsOf steps_of = prepared_steps(cohorts);
  SharedTrials shared = share_trials(trials, of_trials, steps_of);
  if (shared.forest.shared < shared.forest.alone)
    log_info("shared beginnings: " + std::to_string(shared.forest.shared) + " of " +
             std::to_string(shared.forest.alone) + " steps of all trials are to be trained");
  if (share && others.past.size() + others.ahead.size() > 0) {
    const auto add = [&](const TrialConfig& trial, bool open) {
      trials.push_back(trial);
      add_hashes(trial, stage_hashes(trial, study, cohort_hashes), open);
    };
    for (const TrialConfig& trial : others.past) add(trial, false);
    for (const TrialConfig& trial : others.ahead) add(trial, true);
    shared = share_trials(trials, of_trials, steps_of);
    for (std::size_t t = trials.size() - others.ahead.size(); t < trials.size(); ++t)
      for (const SharedStage& stage : shared.stages[t])
        for (const Branch& branch : stage.branches) queue.kept.insert(branch.key);
    shared.stages.resize(study.trials.size());
  }
  for (std::size_t t = 0; t < study.trials.size(); ++t) {
    QueuedTrial& trial = queue.trials[t];
    add_milestones(shared, hashes[t], t, trial);
    for (const Milestone& milestone : trial.milestones)
      if (milestone.branch && steps_of_branch(checkpoints, milestone.key) >= milestone.steps)
        queue.there.insert(milestone.key);
  }
  queue.drop = [checkpoints](const std::string& key) { drop_branch(checkpoints, key); };
  return shared.stages;
}

void train_alone(std::vector<std::vector<std::string>>& hashes) {
  for (std::vector<std::string>& of_trial : hashes) {
    const std::string own = of_trial.back();
    for (std::string& hash : of_trial)
      if (hash != own) hash = data::sha256_hex("alone\n" + own + "\n" + hash);
  }
}

}  // namespace crossfade::runner
