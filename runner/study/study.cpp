#include "runner/study/study.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

#include "analysis/results/results.hpp"
#include "data/hash.hpp"
#include "data/publish.hpp"
#include "data/utf8.hpp"
#include "model/flops.hpp"
#include "runner/grid/grid.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/lock_file.hpp"
#include "runner/process/log.hpp"
#include "runner/process/machine.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/failure.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/dry_run.hpp"
#include "runner/study/outputs.hpp"
#include "runner/study/progress.hpp"
#include "runner/study/provenance.hpp"
#include "runner/study/queue.hpp"
#include "runner/study/shared_trials.hpp"
#include "runner/study/step_log.hpp"
#include "runner/trial/atlas_trial.hpp"
#include "runner/trial/voted_trial.hpp"

namespace crossfade::data {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Split, train, validation, test)

}  // namespace crossfade::data

namespace crossfade::runner {

// Found by argument-dependent lookup, so not in the unnamed namespace. The folder is a name yet.
static void to_json(nlohmann::json& value, const CohortPlan& plan) {
  value = {{"folder", plan.folder.string()}, {"splits", plan.splits}, {"persons", plan.persons}};
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Branch, step, key, leave)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SharedStage, branches, terms)
static void from_json(const nlohmann::json& value, CohortPlan& plan) {
  plan.folder = value.at("folder").get<std::string>();
  value.at("splits").get_to(plan.splits);
  value.at("persons").get_to(plan.persons);
}

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What rank 0 tells the others before training: where the shards of each cohort are, who trains and who is tested, the
/// hashes of each trial; and what all know.
struct Plan {
  CohortPlans cohorts;
  std::vector<std::vector<std::string>> hashes;  // of each trial's stage_rows(), by which it keeps its checkpoints
  std::vector<std::vector<SharedStage>> shared;  // the same; empty: nothing is
  fs::path registrations;                        // the folder of their cache
  std::string of_bf16;                           // a variant to run that computes in bfloat16, if there is one
};

/// Rank 0's own: the database, and which trials are to be run.
struct Ledger {
  std::unique_ptr<LockFile> lock;
  std::optional<analysis::ResultsDatabase> database;
  QueuedStudy queue;
  int finished = 0;
};

/// Refuses bfloat16 that the rank's processor would only emulate.
void require_bf16(const Plan& plan, const Workers& workers) {
  if (plan.of_bf16.empty() || !workers.device.is_cpu() || computes_bf16()) return;
  throw std::runtime_error(
      "variant '" + plan.of_bf16 + "' has precision bf16, which the processor of " + World::host() + " (" + machine() +
      ") would only emulate, slowly: expected precision fp32, or a processor with AVX512-BF16 or AMX-BF16");
}

fs::path results_file(const Study& study, const StudyOptions& options) {
  return options.results.empty() ? fs::path("results") / (study.name + ".sqlite") : options.results;
}

/// FILE for FILE.sqlite; NAME-files for NAME, whose own name the database has.
fs::path results_folder(const fs::path& database) {
  return database.has_extension() ? fs::path(database).replace_extension() : fs::path(database.string() + "-files");
}

std::vector<analysis::TrialRecord> trial_records(const Study& study, const OpenedCohorts& cohorts,
                                                 const std::vector<std::vector<std::string>>& hashes) {
  struct Cost {
    std::int64_t parameters = 0;
    double flops = std::numeric_limits<double>::quiet_NaN();
  };
  std::map<std::tuple<std::string, std::size_t, int, int>, Cost>
      costs;  // counting takes making the net: once a model, not once a trial
  std::vector<analysis::TrialRecord> records;
  for (std::size_t i = 0; i < study.trials.size(); ++i) {
    const TrialConfig& trial = study.trials[i];
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

/// The plans with `parent` before their folders. A path may be of any bytes, which text on its way to other ranks may
/// not: so each rank puts its own before the names.
CohortPlans below(const fs::path& parent, CohortPlans plans) {
  for (auto& [cohort, plan] : plans) plan.folder = parent / plan.folder;
  return plans;
}

/// On rank 0: opens the database, finds what is left to do, prepares the cohorts that needs.
Plan open_ledger(World& world, const Study& study, const StudyOptions& options, const Workers& workers,
                 Ledger& ledger) {
  const fs::path file = results_file(study, options);
  const fs::path folder = results_folder(file);
  std::error_code error;
  if (!file.has_filename() || fs::is_directory(file, error))
    throw std::runtime_error("--results " + file.string() +
                             " is a folder, expected the name of a database file, such as " +
                             (file / (study.name + ".sqlite")).string());
  fs::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot write results to " + folder.string() + ": " + error.message());
  ledger.lock = std::make_unique<LockFile>(folder / "lock", "the results database " + file.string(), false);
  start_log(true, folder / "runner.log");
  for (const auto& stage : fs::directory_iterator(folder / "checkpoints", error)) data::remove_partials(stage.path());

  Plan plan;
  const OpenedCohorts cohorts = open_cohorts(study);
  check_study(study, cohorts);
  std::map<std::string, std::string> hashes;
  std::map<std::string, data::CohortHashes> all_hashes;
  CohortHashList hash_list;
  for (const auto& [name, cohort] : cohorts) {
    all_hashes[name] = data::hash_cohort(cohort);
    hashes[name] = all_hashes[name].cohort;
    const std::string split = data::split_digest(cohort);  // a trial is another where the source's split is
    hash_list.emplace_back(name, hashes[name] + (split.empty() ? "" : "-" + split));
    plan.cohorts[name] = {name + "-" + hashes[name], splits_in_use(study, name, cohort), data::persons_of(cohort)};
  }
  for (const TrialConfig& trial : study.trials) plan.hashes.push_back(stage_hashes(trial, study, hash_list));

  const bool with_atlases = std::ranges::any_of(study.trials, [](const TrialConfig& t) { return t.method == "atlas"; });
  ledger.database.emplace(file);
  const auto states = ledger.database->begin({.name = study.name,
                                              .caption = study.caption,
                                              .grid_text = study.text,
                                              .grid_hash = data::sha256_hex(study.text),
                                              .claims = study.claims,
                                              .classes = cohorts.begin()->second.table.classes,
                                              .persons = persons_of(plan.cohorts)},
                                             provenance(world, workers, hashes, with_atlases),
                                             trial_records(study, cohorts, plan.hashes));
  for (std::size_t i = 0; i < states.size(); ++i) {
    const TrialConfig& trial = study.trials[i];
    const std::string name = trial_name(trial, study);
    const auto named = [&](const std::string& part) { return name.find(part) != std::string::npos; };
    const bool chosen = options.only.empty() || std::any_of(options.only.begin(), options.only.end(), named);
    const bool finished = states[i].state == analysis::TrialState::kFinished;
    ledger.queue.trials.push_back(
        {.id = states[i].id, .name = name, .order = {trial.seed, trial.fold}, .finished = finished});
    if (finished) ++ledger.finished;
    if (chosen && !finished) ledger.queue.pending.push_back(static_cast<int>(i));
  }
  for (const int index : ledger.queue.pending) {
    const TrialConfig& trial = study.trials[static_cast<std::size_t>(index)];
    if (trial.precision == model::Precision::kBf16 && plan.of_bf16.empty()) plan.of_bf16 = trial.variant;
  }
  require_bf16(plan, workers);  // before cohorts are prepared; on the other ranks once they know the plan
  log_info("study " + study.name + ": " + std::to_string(study.trials.size()) + " trials, " +
           std::to_string(ledger.queue.pending.size()) + " to run, on " + workers.description + ", results in " +
           file.string());
  if (ledger.queue.pending.empty()) return plan;
  const CohortPlans placed = below(options.cohorts, plan.cohorts);
  prepare_cohorts(study, cohorts, all_hashes, placed);
  if (!options.share) train_alone(plan.hashes);
  plan.shared =
      plan_sharing(study, options.share, hash_list, placed, folder / "checkpoints", plan.hashes, ledger.queue);
  return plan;
}

/// Takes trials from the queue until none is left. Every rank of `ranks` comes here.
void work(const Study& study, const Plan& plan, const fs::path& folder, const Workers& workers, Communicator& ranks,
          Group& group, QueueClient& queue, StepLog* steps, StepProfile* profile) {
  const bool leads = ranks.rank() == 0;
  for (;;) {
    int index = leads ? queue.next() : kNoTrial;
    ranks.broadcast(&index, sizeof index, 0);
    if (index == kNoTrial) return;
    const TrialConfig& trial = study.trials[static_cast<std::size_t>(index)];
    const std::string name = steps == nullptr ? "" : trial_name(trial, study);
    const std::vector<std::string>& hashes = plan.hashes[static_cast<std::size_t>(index)];
    TrialProgress last;
    TrialEvents events;
    events.on_step = [&](const TrialProgress& progress) {
      last = progress;
      if (steps != nullptr) steps->append(step_line(name, trial, progress));
      queue.step(index, progress);
    };
    events.on_epoch = [&](const analysis::EpochRecord& record) {
      last.dice = analysis::mean_over_subjects(record.validation);
      queue.epoch(index, last, record);
    };
    events.on_stage = [&](const analysis::StageResult& result) { queue.stage(index, result); };
    events.on_branch = [&](const std::string& key, BranchOutcome outcome) { queue.branch(index, key, outcome); };
    events.branch_bytes = static_cast<std::uintmax_t>(study.run.branches_gb * 1e9);
    events.stop_requested = [] { return interrupt_signal() != 0; };
    events.profile = profile;
    events.queue.graph = study.run.cuda_graph;
    try {
      std::vector<std::vector<StageData>> planes;
      together(ranks, [&] { planes = open_data(trial, plan.cohorts); });
      const TrialOutcome outcome =
          uses_atlases(trial)
              ? run_atlases(trial, planes.front().front(), group, plan.registrations, workers.threads, events)
              : run_views(trial, hashes, planes, group, folder / "checkpoints", events,
                          plan.shared.at(static_cast<std::size_t>(index)));
      if (leads) queue.ended(index, outcome == TrialOutcome::kFinished ? Ending::kFinished : Ending::kInterrupted);
    } catch (const std::exception& failure) {
      // Within a group of more than one, what it has not agreed on leaves its other ranks in a collective.
      if (ranks.size() > 1 && dynamic_cast<const AgreedError*>(&failure) == nullptr) throw;
      if (leads) queue.ended(index, Ending::kFailed, data::valid_utf8(describe_failure(failure)));
    }
  }
}

/// Whether the trace is there, or need not be.
bool say_of(const StepProfile& profile, const fs::path& file) {
  if (!profile.error().empty())
    log_error(profile.error());
  else if (profile.steps() > 0)
    log_info("--profile: " + std::to_string(profile.steps()) + " steps of rank 0 in " + file.string() +
             ", for ui.perfetto.dev");
  else
    log_info("--profile: rank 0 trained no step, so " + file.string() + " is not written");
  return profile.error().empty();
}

}  // namespace

int run_study(World& world, const StudyOptions& options) {
  Communicator& all = world.communicator();
  const std::string text = on_root(all, [&] { return read_grid(options.grid, options.overrides).text; });
  const Study study = read_grid(options.grid, options.overrides);
  agree(all, study.text == text ? "" : world.host() + " sees another " + options.grid.string() + " than rank 0 does");
  if (options.dry_run) {
    on_root(all, [&] {
      list_trials(study);
      if (options.share) list_sharing(study);
      return std::string();
    });
    return 0;
  }

  const Workers workers = arrange_workers(all, study.run);
  std::optional<StepLog> steps;
  if (!options.log_steps.empty()) {
    on_root(all, [&] {
      begin_step_log(options.log_steps);
      return std::string();
    });
    together(all, [&] { steps.emplace(options.log_steps); });
  }
  std::optional<StepProfile> profile;  // on rank 0
  if (!options.profile.empty()) {
    on_root(all, [&] {
      require_profile_path(options.profile);
      profile.emplace(options.profile, workers.device.is_cuda());
      return std::string();
    });
  }
  Ledger ledger;
  Plan plan;
  const json shared = json::from_cbor(on_root(all, [&] {
    plan = open_ledger(world, study, options, workers, ledger);
    // CBOR rather than text: names of subjects may be of any bytes.
    const auto bytes = json::to_cbor(
        json{{"cohorts", plan.cohorts}, {"hashes", plan.hashes}, {"shared", plan.shared}, {"of_bf16", plan.of_bf16}});
    return std::string(bytes.begin(), bytes.end());
  }));
  plan.cohorts = below(options.cohorts, shared.at("cohorts").get<CohortPlans>());
  shared.at("hashes").get_to(plan.hashes);
  shared.at("shared").get_to(plan.shared);
  shared.at("of_bf16").get_to(plan.of_bf16);
  together(all, [&] { require_bf16(plan, workers); });
  plan.registrations = options.cohorts / "registrations";

  const fs::path file = results_file(study, options);
  watch_interrupts();  // until here a signal ends the process: what is prepared appears whole
  Communicator channel = all.duplicate();
  Communicator ranks = all.split(workers.group);
  std::optional<ProgressDisplay> display;
  std::optional<QueueServer> server;
  const bool has_work = on_root(all, [&] { return std::string(ledger.queue.pending.empty() ? "" : "work"); }) == "work";
  QueueSummary summary;
  if (has_work) {
    Group group(all.split(workers.group), workers.device);
    if (all.rank() == 0) {
      const bool bar = options.progress == "bar" || (options.progress == "auto" && on_terminal());
      display.emplace(static_cast<int>(ledger.queue.trials.size()), ledger.finished, bar);
      server.emplace(channel, workers.groups, ledger.queue, *ledger.database, *display,
                     [&world](const std::string& error) {
                       log_error(error);
                       world.abort(1);
                     });
    }
    QueueClient queue(channel);
    try {
      work(study, plan, results_folder(file), workers, ranks, group, queue, steps ? &*steps : nullptr,
           profile ? &*profile : nullptr);
    } catch (const std::exception& error) {
      end_world(world, error);  // here, as the server's thread would be waited for on the way out
    }
    if (server) summary = server->finish();
    all.barrier();
  }

  int broken = 0;
  if (all.rank() == 0) {
    display.reset();
    try {
      if (interrupt_signal() == 0) write_outputs(file, results_folder(file), study.name, !study.claims.empty());
    } catch (const std::exception& error) {
      log_error(std::string("the trials are stored, but not all of their tables and figures: ") + error.what());
      broken = 1;
    }
    if (profile && !say_of(*profile, options.profile)) broken = 1;
    if (summary.failed > 0) {
      log_error(std::to_string(summary.failed) + " trials failed; their reasons are in the table trial of " +
                file.string());
    }
  }
  const int failed = std::stoi(on_root(all, [&] { return std::to_string(summary.failed + broken); }));
  if (interrupt_signal() != 0) return kExitStopped;
  return failed > 0 ? kExitFailed : 0;
}

}  // namespace crossfade::runner
