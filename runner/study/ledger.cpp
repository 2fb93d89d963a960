#include "runner/study/ledger.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <system_error>
#include <tuple>

#include "analysis/results/folder.hpp"
#include "data/hash.hpp"
#include "data/publish.hpp"
#include "model/flops.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/interval.hpp"
#include "runner/process/log.hpp"
#include "runner/study/provenance.hpp"
#include "runner/study/search_check.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

}  // namespace

fs::path results_file(const Study& study, const StudyOptions& options) {
  return options.results.empty() ? fs::path("results") / (study.name + ".sqlite") : options.results;
}

std::vector<std::vector<std::string>> hashes_of(const std::vector<TrialConfig>& trials, const Study& study,
                                                const CohortHashList& cohort_hashes) {
  std::vector<std::vector<std::string>> hashes;
  for (const TrialConfig& trial : trials) hashes.push_back(stage_hashes(trial, study, cohort_hashes));
  return hashes;
}

std::vector<analysis::TrialRecord> trial_records(const std::vector<TrialConfig>& trials, const OpenedCohorts& cohorts,
                                                 const std::vector<std::vector<std::string>>& hashes) {
  struct Cost {
    std::int64_t parameters = 0;
    double flops = std::numeric_limits<double>::quiet_NaN();
  };
  std::map<std::tuple<std::string, std::size_t, int, int>, Cost>
      costs;  // counting takes making the net: once a model, not once a trial
  std::vector<analysis::TrialRecord> records;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const TrialConfig& trial = trials[i];
    const std::string model = trial_model_label(trial);
    const auto nets = static_cast<std::int64_t>(views_of(trial.views).size());
    const data::Cohort& data = cohorts.at(trial.stages.front().cohort);
    const auto channels = static_cast<int>(data.channels.size());
    const auto [cost, is_new] = costs.try_emplace({model, data.channels.size(), data.grid.width, data.grid.height});
    if (is_new && !uses_atlases(trial)) {
      const auto network = model::make_network(trial.model, channels, data.table.classes.count(), trial.seed);
      cost->second = {
          nets * model::parameter_count(*network),
          static_cast<double>(nets) * model::forward_flops(*network, channels, data.grid.height, data.grid.width)};
    }
    analysis::TrialRecord record;
    record.hash = hashes[i].back();
    record.variant = trial.variant;
    record.model = model;
    record.loss = trial_loss_label(trial);
    record.seed = trial.seed;
    record.fold = trial.fold;
    record.config = to_json(trial);
    record.parameters = cost->second.parameters;
    record.flops = cost->second.flops;
    const std::vector<StageRow> rows = stage_rows(trial);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const StageOptions& stage = trial.stages[rows[r].stage];
      record.stages.push_back(
          {.name = stage.name,
           .plane = rows[r].plane,
           .hash = hashes[i][r],
           .cohort = stage.cohort,
           .labels = stage.labels,
           .epochs = uses_atlases(trial) ? 0 : stage.epochs,
           .switches = uses_atlases(trial) ? std::vector<double>{} : schedules::switch_points(stage.loss),
           .voxel_mm = data::voxel_mm(cohorts.at(test_cohort(stage))).value_or(0)});
    }
    records.push_back(std::move(record));
  }
  return records;
}

CohortPlans below(const fs::path& parent, CohortPlans plans) {
  for (auto& [cohort, plan] : plans) plan.folder = parent / plan.folder;
  return plans;
}

void plan_cohorts(const Study& whole, Ledger& ledger) {
  ledger.whole = whole;
  ledger.cohorts = open_cohorts(whole);
  check_study(whole, ledger.cohorts);
  for (const auto& [name, cohort] : ledger.cohorts) {
    ledger.hashes[name] = data::hash_cohort(cohort);
    const std::string hash = ledger.hashes[name].cohort;
    const std::string split = data::split_digest(cohort);  // a trial is another where the source's split is
    ledger.hash_list.emplace_back(name, hash + (split.empty() ? "" : "-" + split));
    ledger.plans[name] = {name + "-" + hash, splits_in_use(whole, name, cohort), data::persons_of(cohort)};
  }
}

void open_ledger(World& world, const Study& study, const StudyOptions& options, const Workers& workers,
                 Ledger& ledger) {
  const fs::path file = results_file(study, options);
  const fs::path folder = analysis::results_folder(file);
  std::error_code error;
  if (!file.has_filename() || fs::is_directory(file, error))
    throw std::runtime_error("--results " + file.string() +
                             " is a folder, expected the name of a database file, such as " +
                             (file / (study.name + ".sqlite")).string());
  fs::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot write results to " + folder.string() + ": " + error.message());
  ledger.lock = std::make_unique<LockFile>(folder / "lock", "the results database " + file.string(), false);
  start_log(true, folder / "runner.log");
  data::remove_partials(folder);  // of figures and the page
  for (const fs::path& kept : {folder / "checkpoints", analysis::pictures_folder(file)})
    for (const auto& stage : fs::directory_iterator(kept, error)) data::remove_partials(stage.path());

  plan_cohorts(with_candidates(study), ledger);
  const std::span<const TrialConfig> whole = ledger.whole.trials;
  check_search(whole.first(study.trials.size()), whole.subspan(study.trials.size()), ledger.plans);
  std::map<std::string, std::string> hashes;
  for (const auto& [name, of_cohort] : ledger.hashes) hashes[name] = of_cohort.cohort;
  const bool with_atlases = std::ranges::any_of(study.trials, [](const TrialConfig& t) { return t.method == "atlas"; });
  const auto wait_on = [](const std::string& waiting) {
    if (interrupt_signal() != 0) return false;
    log_warning(waiting);
    return true;
  };
  ledger.database.emplace(file, analysis::DatabasePatience{.go_on = wait_on});
  ledger.states = ledger.database->begin(
      {.name = study.name,
       .caption = study.caption,
       .grid_text = study.text,
       .grid_hash = data::sha256_hex(study.text),
       .claims = study.claims,
       .classes = ledger.cohorts.begin()->second.table.classes,
       .persons = persons_of(ledger.plans),
       .subjects = subjects_of(study, ledger.cohorts),
       .searches = study.search.has_value()},
      provenance(world, workers, hashes, with_atlases),
      trial_records(study.trials, ledger.cohorts, hashes_of(study.trials, study, ledger.hash_list)));
}

void prepare_once(Ledger& ledger, const StudyOptions& options) {
  if (ledger.prepared) return;
  Interval activity(kActivity);
  const auto alive = [&] {
    if (ledger.database && activity.passed()) ledger.database->record_activity({{.doing = "preparing cohorts"}});
  };
  alive();
  prepare_cohorts(ledger.whole, ledger.cohorts, ledger.hashes, below(options.cohorts, ledger.plans), alive);
  ledger.prepared = true;
}

}  // namespace crossfade::runner
