#include "runner/study/cohorts.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>

#include "data/shards/turned_shard.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/lock_file.hpp"
#include "runner/process/log.hpp"
#include "runner/study/remarks.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

/// The planes that some trial trains a net on with this cohort, or scores one.
std::set<std::string> planes_in_use(const Study& study, const std::string& cohort) {
  std::set<std::string> planes;
  for (const TrialConfig& trial : study.trials) {
    const bool uses = std::any_of(trial.stages.begin(), trial.stages.end(), [&](const StageOptions& stage) {
      return stage.cohort == cohort || test_cohort(stage) == cohort;
    });
    if (!uses) continue;
    for (const View& view : views_of(trial.views)) planes.insert(view.plane);
  }
  return planes;
}

void prepare(const data::CohortSpec& spec, const std::string& name, const fs::path& axial,
             const std::set<std::string>& planes) {
  fs::create_directories(axial);
  // Two studies started together may want the same cohort: the second waits and then finds it whole.
  const LockFile lock(axial / "lock", "cohort " + name, true);
  const int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const auto progress = [&](int done, int total, const std::string& subject) {
    log_info("cohort " + name + ": " + std::to_string(done) + " of " + std::to_string(total) + " subjects  " + subject);
  };
  log_remarks(data::prepare_cohort(spec, axial, threads, progress, /*named_by_hash=*/true), "cohort " + name + ": ");
  for (const std::string& plane : planes)
    if (plane != "axial") data::turn_shards(axial, data::subject_names(spec), folder_of_plane(axial, plane), plane);
}

data::Split split_of(const Study& study, const std::string& cohort, int fold) {
  const data::CohortSpec& spec = cohort_of(study, cohort);
  return data::split_subjects(data::subject_names(spec), spec.split, spec.seed, fold);
}

/// A subject that any stage learns from, be it by choosing its best epoch, must be tested in none.
void require_unseen(const TrialConfig& trial, const std::vector<data::Split>& splits) {
  std::map<std::string, const StageOptions*> learnt_in;
  for (std::size_t s = 0; s < splits.size(); ++s)
    for (const auto* part : {&splits[s].train, &splits[s].validation})
      for (const std::string& subject : *part) learnt_in.emplace(subject, &trial.stages[s]);
  for (std::size_t s = 0; s < splits.size(); ++s) {
    for (const std::string& subject : splits[s].test) {
      const auto learnt = learnt_in.find(subject);
      if (learnt == learnt_in.end()) continue;
      throw std::runtime_error("subject " + subject + " of cohort " + test_cohort(trial.stages[s]) +
                               " is tested in stage " + trial.stages[s].name + ", but stage " + learnt->second->name +
                               " learns from the subject of that name in cohort " + learnt->second->cohort +
                               "; give the cohorts the same split and seed, or name test_subjects");
    }
  }
}

/// Who trains, validates and tests in each stage.
std::vector<data::Split> splits_of(const Study& study, const TrialConfig& trial) {
  std::vector<data::Split> splits;
  for (const StageOptions& stage : trial.stages) {
    data::Split split = split_of(study, stage.cohort, trial.fold);
    if (const auto count = static_cast<std::size_t>(stage.train_subjects); count > split.train.size()) {
      throw std::runtime_error("stage " + stage.name + " trains on " + std::to_string(count) +
                               " subjects, but cohort " + stage.cohort + " has " + std::to_string(split.train.size()) +
                               " for training: expected train_subjects up to that");
    } else if (count > 0) {
      split.train.resize(count);
    }
    split.test = split_of(study, test_cohort(stage), trial.fold).test;
    splits.push_back(std::move(split));
  }
  require_unseen(trial, splits);
  return splits;
}

}  // namespace

const data::CohortSpec& cohort_of(const Study& study, const std::string& name) {
  for (const auto& [key, spec] : study.cohorts) {
    if (key == name) return spec;
  }
  throw std::logic_error("the grid was read with an unknown cohort: " + name);
}

std::vector<std::pair<std::string, data::CohortSpec>> cohorts_in_use(const Study& study) {
  std::vector<std::pair<std::string, data::CohortSpec>> cohorts;
  for (const auto& cohort : study.cohorts) {
    if (!planes_in_use(study, cohort.first).empty()) cohorts.push_back(cohort);
  }
  return cohorts;
}

fs::path folder_of_plane(const fs::path& axial, const std::string& plane) {
  return plane == "axial" ? axial : fs::path(axial.string() + "-" + plane);
}

void prepare_cohorts(const Study& study, const CohortFolders& folders) {
  for (const auto& [name, spec] : cohorts_in_use(study))
    prepare(spec, name, folders.at(name), planes_in_use(study, name));
}

std::vector<std::vector<StageData>> open_data(const Study& study, const TrialConfig& trial,
                                              const CohortFolders& folders) {
  const std::vector<data::Split> splits = splits_of(study, trial);
  std::vector<std::vector<StageData>> planes;
  for (const View& view : views_of(trial.views)) {
    planes.emplace_back();
    for (std::size_t s = 0; s < splits.size(); ++s) {
      const StageOptions& stage = trial.stages[s];
      const fs::path folder = folder_of_plane(folders.at(stage.cohort), view.plane);
      const fs::path test = folder_of_plane(folders.at(test_cohort(stage)), view.plane);
      planes.back().push_back({data::open_shards(folder, splits[s].train),
                               data::open_shards(folder, splits[s].validation),
                               data::open_shards(test, splits[s].test)});
    }
  }
  return planes;
}

}  // namespace crossfade::runner
