#include "runner/study/cohorts.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include "data/publish.hpp"
#include "data/shards/intensity.hpp"
#include "data/shards/turned_shard.hpp"
#include "data/words.hpp"
#include "runner/grid/expand.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/lock_file.hpp"
#include "runner/process/log.hpp"
#include "runner/study/remarks.hpp"
#include "runner/trial/trained_on.hpp"

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

void prepare(const data::Cohort& cohort, const data::CohortHashes& hashes, const std::string& name,
             const fs::path& axial, const std::set<std::string>& planes, int threads,
             const std::function<void()>& alive) {
  data::make_folders(axial);
  // Two studies started together may want the same cohort: the second waits and then finds it whole.
  const LockFile lock(axial / "lock", "cohort " + name, true);
  const auto progress = [&](int done, int total, const std::string& subject) {
    log_info("cohort " + name + ": " + std::to_string(done) + " of " + std::to_string(total) + " subjects  " + subject);
    alive();
  };
  log_remarks(data::prepare_cohort(cohort, hashes, axial, threads, progress, /*named_by_hash=*/true),
              "cohort " + name + ": ");
  if (!cohort.spec.classes.empty())
    log_remarks(data::remarks_on_absent(data::open_shards(axial, data::subject_names(cohort))),
                "cohort " + name + ": ");
  for (const std::string& plane : planes)
    if (plane != "axial") data::turn_shards(axial, data::subject_names(cohort), folder_of_plane(axial, plane), plane);
}

/// Rule ct standardises by the training subjects of the stage, whoever is looked at.
void standardise_by_training(StageData& data) {
  const std::vector<data::Standard> standards = data::standards_over(data.train);
  for (auto* part : {&data.train, &data.validation, &data.test})
    for (data::Shard& shard : *part) shard.standardise_by(standards);
}

/// What the grid could not be asked before its cohorts were open.
void check_stage(const TrialConfig& trial, const StageOptions& stage, const OpenedCohorts& opened) {
  const data::Cohort &cohort = opened.at(stage.cohort), &test = opened.at(test_cohort(stage));
  const auto refuse = [&](const std::string& what) {
    throw std::runtime_error("variant '" + trial.variant + "', stage " + stage.name + ": " + what);
  };
  if (!test.has_manual) refuse("cohort " + test_cohort(stage) + " has no manual labels to score");
  if (stage.labels == "manual" && !cohort.has_manual) refuse("cohort " + stage.cohort + " has no manual labels");
  if (stage.labels == "automatic" && !cohort.has_automatic)
    refuse("cohort " + stage.cohort + " has no automatic labels");
  if (uses_atlases(trial)) return;
  const std::array<int, 2> sides = {cohort.grid.width, cohort.grid.height};
  if (const std::string fault = size_fault(trial.model, "variant '" + trial.variant + "'", stage, sides);
      !fault.empty())
    refuse(fault);
  if (test.grid.width != sides[0] || test.grid.height != sides[1])
    refuse("cohort " + test_cohort(stage) + " has slices of other sizes than cohort " + stage.cohort +
           ", which the net is trained on");
  const auto differ = [&](const char* what, const std::string& own, const std::string& other) {
    if (own != other)
      refuse("cohort " + test_cohort(stage) + " has " + what + " " + other + ", expected " + own + " as in cohort " +
             stage.cohort + ", which the net is trained on");
  };
  differ("axis", cohort.grid.plane, test.grid.plane);
  differ("grid.mm", cohort.spec.grid.mm, test.spec.grid.mm);
  differ("intensity", cohort.spec.intensity, test.spec.intensity);
  const StageOptions& first = trial.stages.front();
  for (const auto& [name, other] : {std::pair(stage.cohort, &cohort), std::pair(test_cohort(stage), &test)})
    if (const std::string unlike = channel_difference(opened.at(first.cohort).channels, other->channels);
        !unlike.empty())
      refuse("cohort " + name + " has other channels than cohort " + first.cohort + ": " + unlike);
}

/// A person that any stage learns from, be it by choosing its best epoch, must be tested in none.
void require_unseen(const TrialConfig& trial, const std::vector<data::Split>& splits, const CohortPlans& plans) {
  struct Learnt {
    std::string subject;
    const StageOptions* stage;
  };
  std::map<std::string, Learnt> learnt_from;  // by person
  for (std::size_t s = 0; s < splits.size(); ++s)
    for (const auto* part : {&splits[s].train, &splits[s].validation})
      for (const std::string& subject : *part)
        learnt_from.emplace(person_of(subject, plans.at(trial.stages[s].cohort)), Learnt{subject, &trial.stages[s]});
  for (std::size_t s = 0; s < splits.size(); ++s) {
    const std::string& cohort = test_cohort(trial.stages[s]);
    for (const std::string& subject : splits[s].test) {
      const auto learnt = learnt_from.find(person_of(subject, plans.at(cohort)));
      if (learnt == learnt_from.end()) continue;
      const auto& [other, stage] = learnt->second;
      throw std::runtime_error(
          "subject " + subject + " of cohort " + cohort + " is tested in stage " + trial.stages[s].name +
          ", but stage " + stage->name + " learns from " +
          (other == subject ? "the subject of that name" : "subject " + other + ", a scan of the same person,") +
          " in cohort " + stage->cohort + "; give the cohorts the same split and seed, or name test_subjects");
    }
  }
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

OpenedCohorts open_cohorts(const Study& study) {
  OpenedCohorts opened;
  for (const auto& [name, spec] : cohorts_in_use(study)) {
    try {
      opened.emplace(name, data::open_cohort(spec));
    } catch (const std::exception& error) {
      throw std::runtime_error("cohort " + name + ": " + error.what());
    }
  }
  return opened;
}

void check_study(const Study& study, const OpenedCohorts& opened) {
  const auto& [first_name, first] = *opened.begin();
  for (const auto& [name, cohort] : opened) {
    const std::string differs = data::class_difference(first.table.classes.names, cohort.table.classes.names);
    if (!differs.empty())
      throw std::runtime_error("cohorts " + first_name + " and " + name + " have unlike classes: " + differs +
                               "; expected one list of classes in a study");
  }
  for (const analysis::Claim& claim : study.claims)
    for (const std::string& structure : data::words_of(claim.most_in))
      if (std::ranges::find(first.table.classes.names, structure) == first.table.classes.names.end())
        throw std::runtime_error("claim '" + claim.name + "' is of '" + structure +
                                 "', which is no class of the cohorts");
  for (const TrialConfig& trial : study.trials)
    for (const StageOptions& stage : trial.stages) check_stage(trial, stage, opened);
}

std::string person_of(const std::string& subject, const CohortPlan& plan) {
  const auto person = plan.persons.find(subject);
  return person == plan.persons.end() ? subject : person->second;
}

std::map<std::string, std::string> persons_of(const CohortPlans& plans) {
  std::map<std::string, std::string> persons;
  for (const auto& [name, plan] : plans)
    for (const auto& [subject, person] : plan.persons)
      if (const std::string& first = persons.emplace(subject, person).first->second; first != person)
        throw std::runtime_error("cohort " + name + ": subject " + subject + " is a scan of person " + person +
                                 ", but in another cohort of the study of person " + first +
                                 "; give the two scans different names");
  return persons;
}

std::set<std::string> subjects_of(const Study& study, const OpenedCohorts& opened) {
  std::set<std::string> subjects;
  const auto add = [&](const std::vector<std::string>& names) { subjects.insert(names.begin(), names.end()); };
  for (const auto& [name, cohort] : opened) add(data::subject_names(cohort));
  for (const auto& [name, spec] : study.cohorts) {
    add(data::words_of(spec.exclude));
    add(data::named_test_subjects(spec.split));
  }
  return subjects;
}

std::map<int, data::Split> splits_in_use(const Study& study, const std::string& name, const data::Cohort& cohort) {
  std::map<int, data::Split> splits;
  for (const TrialConfig& trial : study.trials)
    for (const StageOptions& stage : trial.stages)
      if ((stage.cohort == name || test_cohort(stage) == name) && !splits.contains(trial.fold)) {
        try {
          splits[trial.fold] = data::split_of(cohort, trial.fold);
        } catch (const std::invalid_argument& error) {
          throw std::runtime_error("cohort " + name + ": " + error.what());
        }
      }
  return splits;
}

void prepare_cohorts(const Study& study, const OpenedCohorts& opened,
                     const std::map<std::string, data::CohortHashes>& hashes, const CohortPlans& plans,
                     const std::function<void()>& alive) {
  for (const auto& [name, cohort] : opened)
    prepare(cohort, hashes.at(name), name, plans.at(name).folder, planes_in_use(study, name), study.run.prepare_threads,
            alive);
}

std::vector<data::Split> splits_of(const TrialConfig& trial, const CohortPlans& plans) {
  std::vector<data::Split> splits;
  for (const StageOptions& stage : trial.stages) {
    data::Split split = plans.at(stage.cohort).splits.at(trial.fold);
    if (const auto count = static_cast<std::size_t>(stage.train_subjects); count > split.train.size()) {
      throw std::runtime_error("stage " + stage.name + " trains on " + std::to_string(count) +
                               " subjects, but cohort " + stage.cohort + " has " + std::to_string(split.train.size()) +
                               " for training: expected train_subjects up to that");
    } else if (count > 0) {
      split.train.resize(count);
    }
    split.test = plans.at(test_cohort(stage)).splits.at(trial.fold).test;
    splits.push_back(std::move(split));
  }
  require_unseen(trial, splits, plans);
  for (data::Split& split : splits)
    if (!trial.tested) split.test.clear();
  return splits;
}

std::vector<std::vector<StageData>> open_data(const TrialConfig& trial, const CohortPlans& plans) {
  const std::vector<data::Split> splits = splits_of(trial, plans);
  std::vector<std::vector<StageData>> planes;
  for (const View& view : views_of(trial.views)) {
    planes.emplace_back();
    for (std::size_t s = 0; s < splits.size(); ++s) {
      const StageOptions& stage = trial.stages[s];
      const fs::path folder = folder_of_plane(plans.at(stage.cohort).folder, view.plane);
      const fs::path test = folder_of_plane(plans.at(test_cohort(stage)).folder, view.plane);
      planes.back().push_back({data::open_shards(folder, splits[s].train),
                               data::open_shards(folder, splits[s].validation),
                               data::open_shards(test, splits[s].test)});
      standardise_by_training(planes.back().back());
    }
  }
  return planes;
}

}  // namespace crossfade::runner
