#include "runner/study/measure.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <set>

#include "analysis/tables/text_table.hpp"
#include "data/number_words.hpp"
#include "data/shards/class_weights.hpp"
#include "data/shards/loader.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/scan.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/parameter_json.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/interval.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/ledger.hpp"
#include "runner/study/plan_json.hpp"
#include "runner/trial/stage_net.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trainer.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr int kSteps = 5;    // measured of each kind, over the whole schedule, behind one that isn't
constexpr int kBatches = 2;  // of slices that are predicted, behind one

/// One net in one stage, and what trials of its kind have in common.
struct Kind {
  std::string key, name;
  std::size_t trial = 0, row = 0;  // the first of them
  // Seconds, on one group, mean over all groups.
  double step = 0, slice = 0, score = 0;  // score: of a subject, without predicting it
  double validation_slices = 0, test_slices = 0, test_subjects = 0;
  std::uintmax_t bytes = 0;  // of its checkpoints
};

std::string terms_of(const StageOptions& stage) {
  std::string names;
  for (const schedules::ScheduledTerm& term : stage.loss) names += (names.empty() ? "" : " + ") + term.term;
  return names;
}

std::string key_of(const TrialConfig& trial, const StageRow& row) {
  const StageOptions& stage = trial.stages[row.stage];
  StageOptions alike = stage;  // but for what only says how long it goes on
  alike.epochs = 1;
  alike.patience = 0;
  return trial_model_label(trial) + "\n" + row.plane + "\n" + terms_of(stage) + "\n" + stage.optimizer.name + "\n" +
         parameters_json(alike).dump();
}

/// In the order of the grid; `kind_of`: of each trial's stage_rows(), -1 where nothing is trained.
std::vector<Kind> kinds_of(const Study& study, std::vector<std::vector<int>>& kind_of) {
  std::vector<Kind> kinds;
  for (std::size_t t = 0; t < study.trials.size(); ++t) {
    const TrialConfig& trial = study.trials[t];
    const std::vector<StageRow> rows = stage_rows(trial);
    kind_of.emplace_back(rows.size(), -1);
    for (std::size_t r = 0; r < rows.size() && !uses_atlases(trial); ++r) {
      if (rows[r].plane == "all") continue;
      const StageOptions& stage = trial.stages[rows[r].stage];
      const std::string key = key_of(trial, rows[r]);
      auto found = std::ranges::find(kinds, key, &Kind::key);
      if (found == kinds.end()) {
        kinds.push_back({.key = key,
                         .name = trial_model_label(trial) + ", " + terms_of(stage) + ", " + stage.name + " on " +
                                 stage.cohort + " (" + stage.labels +
                                 (rows[r].plane == "axial" ? "" : ", " + rows[r].plane) + ")" + ", batch " +
                                 std::to_string(stage.batch),
                         .trial = t,
                         .row = r});
        found = kinds.end() - 1;
      }
      kind_of[t][r] = static_cast<int>(found - kinds.begin());
    }
  }
  return kinds;
}

double slices_of(const std::vector<data::Shard>& shards) {
  double slices = 0;
  for (const data::Shard& shard : shards) slices += shard.info().slices_per_scan();
  return slices;
}

/// This group's. Collective over it.
class Measurement {
 public:
  Measurement(const TrialConfig& trial, int stage, const StageData& data, Group& group, const QueueOptions& queue)
      : stage_(trial.stages[static_cast<std::size_t>(stage)]),
        data_(data),
        group_(group),
        labels_(label_kind(stage_)),
        scans_{stage_.first_scan, stage_.scans},
        network_(network_of(trial, data.train.front().info(), group.device())),
        trainer_(*network_, stage_.loss,
                 data::median_frequency_weights(data.train, trial.loss_options.weight_cap, labels_, scans_),
                 trial.loss_options, stage_.optimizer, group, queue),
        loader_(data.train, data::training_slices(data.train, trial.seed, labels_, scans_),
                loader_options(trial, stage, group)),
        options_(trial.model) {}

  void run(Kind& kind) {
    network_->train();
    step(0);
    trainer_.read();
    group_.barrier();
    double begin = now();
    for (int n = 0; n < kSteps; ++n) step((n + 0.5) / kSteps);
    trainer_.read();
    kind.step = (now() - begin) / kSteps;

    const data::Shard& seen = data_.validation.front();
    const int batch = evaluation_batch(stage_, group_), slices = seen.info().slices_per_scan();
    const auto predict_some = [&](int count) {
      predict_slices(*network_, seen, 0, std::min(count, slices), group_.device(), batch,
                     [](int, const torch::Tensor& logits) { logits.sum().item<double>(); });
    };
    predict_some(batch);
    begin = now();
    predict_some(kBatches * batch);
    kind.slice = (now() - begin) / std::min(kBatches * batch, slices) / group_.size();
    kind.score = seconds_of_scores() / group_.size();
    kind.validation_slices = slices_of(data_.validation);
    kind.test_slices = slices_of(data_.test);
    kind.test_subjects = static_cast<double>(data_.test.size());
    const data::ShardInfo& info = data_.train.front().info();
    TensorFile file = save_network(*network_, options_, info.channel_count(), info.classes.count());
    kind.bytes = file.bytes();  // the best one
    save_optimizer(trainer_.optimizer(), file);
    kind.bytes += file.bytes();
  }

 private:
  void step(double progress) {
    std::optional<data::Batch> batch = loader_.next();
    if (!batch) {
      loader_.start(epoch_++);
      batch = loader_.next();
    }
    trainer_.step(*batch, progress);
  }

  /// Of one test subject, as if it were its own prediction; each rank for itself.
  double seconds_of_scores() const {
    if (data_.test.empty()) return 0;
    const data::Shard& shard = data_.test.front();
    const auto truth = read_labels(shard, 0, data::LabelKind::kManual);
    const data::Geometry& grid = shard.info().grid;
    const int classes = shard.info().classes.count();
    const double begin = now();
    analysis::count(truth, truth, classes);
    analysis::surface_scores({truth, truth, grid.size, grid.spacing()}, classes, analysis::kSurfaceToleranceMm);
    return now() - begin;
  }

  const StageOptions& stage_;
  const StageData& data_;
  Group& group_;
  data::LabelKind labels_;
  data::ScanRange scans_;
  std::shared_ptr<model::Network> network_;
  Trainer trainer_;
  data::Loader loader_;
  std::uint32_t epoch_ = 0;
  model::ModelOptions options_;
};

/// Seconds of all groups become their mean. Collective over the world.
void average(Communicator& all, std::vector<Kind>& kinds) {
  std::vector<double> seconds;
  for (const Kind& kind : kinds) seconds.insert(seconds.end(), {kind.step, kind.slice, kind.score});
  all.all_reduce_sum(seconds.data(), seconds.size(), ElementType::kFloat64);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    kinds[k].step = seconds[3 * k] / all.size();
    kinds[k].slice = seconds[3 * k + 1] / all.size();
    kinds[k].score = seconds[3 * k + 2] / all.size();
  }
}

struct Estimate {
  double alone = 0, shared = 0, longest = 0;  // seconds of a group
  std::uintmax_t checkpoints = 0;             // bytes
};

/// What a stage's end takes: the test part, whose best epoch's validation is known; of a vote both parts, by all its
/// nets.
double seconds_at_end(const TrialConfig& trial, std::size_t row, const std::vector<int>& kind_of,
                      const std::vector<Kind>& kinds) {
  const std::vector<StageRow> rows = stage_rows(trial);
  double seconds = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const bool votes = rows[row].plane == "all";
    const bool counts = votes ? rows[r].stage == rows[row].stage : r == row;
    if (!counts || kind_of[r] < 0) continue;
    const Kind& kind = kinds[static_cast<std::size_t>(kind_of[r])];
    const double slices = kind.test_slices + (votes ? kind.validation_slices : 0);
    seconds += kind.slice * slices + kind.score * kind.test_subjects;
  }
  return seconds;
}

Estimate estimate(const Study& study, const Ledger& ledger, const CohortPlans& plans, bool share,
                  const std::vector<std::vector<int>>& kind_of, const std::vector<Kind>& kinds) {
  std::vector<TrialHashes> hashes;
  for (const TrialConfig& trial : study.trials) {
    hashes.push_back(trial_hashes(trial, study, ledger.hash_list));
    if (!share)
      for (std::string& beginning : hashes.back().beginnings)
        if (!beginning.empty()) beginning += std::to_string(hashes.size());
  }
  const SharedTrials shared = share_trials(study.trials, hashes, prepared_steps(plans));
  const auto seconds_a_step = [&](std::size_t t, std::size_t r) {
    const Kind& kind = kinds[static_cast<std::size_t>(kind_of[t][r])];
    const int epochs = study.trials[t].stages[stage_rows(study.trials[t])[r].stage].epochs;
    return kind.step + kind.slice * kind.validation_slices * epochs / static_cast<double>(shared.steps[t][r]);
  };
  Estimate result;
  for (const ForestNode& node : shared.forest.nodes) {
    const SharedTrials::Row& first = shared.rows[node.paths.front()];
    result.shared += static_cast<double>(node.end - node.begin) * seconds_a_step(first.trial, first.row);
  }
  std::set<std::string> kept;
  for (std::size_t t = 0; t < study.trials.size(); ++t) {
    double seconds = 0, at_ends = 0;
    for (std::size_t r = 0; r < kind_of[t].size(); ++r) {
      at_ends += seconds_at_end(study.trials[t], r, kind_of[t], kinds);
      if (kind_of[t][r] < 0 || shared.steps[t][r] == 0) continue;
      seconds += static_cast<double>(shared.steps[t][r]) * seconds_a_step(t, r);
      if (kept.insert(hashes[t].stages[r]).second)
        result.checkpoints += kinds[static_cast<std::size_t>(kind_of[t][r])].bytes;
    }
    result.shared += at_ends;
    result.alone += seconds + at_ends;
    result.longest = std::max(result.longest, seconds + at_ends);
  }
  return result;
}

std::uintmax_t bytes_below(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    if (entry.is_regular_file(none)) bytes += entry.file_size(none);
  return bytes;
}

std::string gigabytes(std::uintmax_t bytes) {
  return data::significant(static_cast<double>(bytes) / 1e9, 3) + " GB";
}

void print(const Study& study, const Estimate& estimate, const std::vector<Kind>& kinds,
           const std::vector<std::vector<int>>& kind_of, const Workers& workers, const CohortPlans& plans) {
  using analysis::fixed;
  std::vector<int> trials(kinds.size());
  for (const std::vector<int>& rows : kind_of)
    for (const int kind : std::set<int>(rows.begin(), rows.end()))
      if (kind >= 0) ++trials[static_cast<std::size_t>(kind)];
  analysis::TextTable table{{{"training"},
                             {"trials", true},
                             {"ms a step", true},
                             {"images/s", true},
                             {"s to validate", true},
                             {"s to test", true}},
                            {}};
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const Kind& kind = kinds[k];
    const StageRow row = stage_rows(study.trials[kind.trial])[kind.row];
    table.rows.push_back({kind.name, std::to_string(trials[k]), fixed(1e3 * kind.step, 1),
                          fixed(study.trials[kind.trial].stages[row.stage].batch / kind.step, 1),
                          fixed(kind.slice * kind.validation_slices, 1),
                          fixed(kind.slice * kind.test_slices + kind.score * kind.test_subjects, 1)});
  }
  std::uintmax_t cohorts = 0;
  std::set<fs::path> seen;
  for (const auto& [name, plan] : plans)
    for (const char* plane : {"axial", "coronal", "sagittal"})
      if (const fs::path folder = folder_of_plane(plan.folder, plane); seen.insert(folder).second)
        cohorts += bytes_below(folder);
  const bool atlases = std::ranges::any_of(study.trials, uses_atlases);
  const std::size_t groups = workers.places.size();
  std::cout << "measured on " << workers.description << ": " << kSteps
            << " steps of each kind of training, all groups side by side\n"
            << analysis::as_text(table) << "time: about "
            << data::duration(std::max(estimate.longest, estimate.shared / static_cast<double>(groups)))
            << " for all trials on " << groups << (groups == 1 ? " group" : " groups") << "; a group alone "
            << data::duration(estimate.shared) << ", without shared beginnings " << data::duration(estimate.alone)
            << ", the longest trial " << data::duration(estimate.longest) << '\n'
            << "disk: " << gigabytes(estimate.checkpoints) << " of checkpoints, while it runs up to "
            << data::significant(study.run.branches_gb, 3) << " GB more (run.branches_gb); " << gigabytes(cohorts)
            << " of prepared cohorts, which are there\n"
            << "not counted: " << (atlases ? "registrations of atlases, " : "") << (study.search ? "the search, " : "")
            << "tables and figures\n"
            << std::flush;
}

}  // namespace

void measure_study(World& world, const Study& study, const StudyOptions& options) {
  Communicator& all = world.communicator();
  const Workers workers = arrange_workers(all, study.run);
  const auto of_bf16 = std::ranges::find(study.trials, model::Precision::kBf16, &TrialConfig::precision);
  together(all, [&] { require_bf16(of_bf16 == study.trials.end() ? "" : of_bf16->variant, workers.device); });
  Ledger ledger;
  const CohortPlans plans = below(options.cohorts, from_root<CohortPlans>(all, [&] {
                                    plan_cohorts(study, ledger);
                                    prepare_once(ledger, options);
                                    return ledger.plans;
                                  }));
  std::vector<std::vector<int>> kind_of;
  std::vector<Kind> kinds = kinds_of(study, kind_of);
  Group group(all.split(workers.group), workers.device);
  const QueueOptions queue{.graph = study.run.cuda_graph};
  for (Kind& kind : kinds) {
    const TrialConfig& trial = study.trials[kind.trial];
    const std::size_t stages = trial.stages.size();
    std::vector<std::vector<StageData>> planes;
    together(all, [&] { planes = open_data(trial, plans); });
    const StageData& data = planes[kind.row / stages][kind.row % stages];
    Measurement(trial, static_cast<int>(kind.row % stages), data, group, queue).run(kind);
    all.barrier();
  }
  average(all, kinds);
  on_root(all, [&] {
    print(study, estimate(study, ledger, plans, options.share, kind_of, kinds), kinds, kind_of, workers, plans);
    return std::string();
  });
}

}  // namespace crossfade::runner
