#include "runner/study/batch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/results/folder.hpp"
#include "data/utf8.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/log.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/failure.hpp"
#include "runner/study/cohorts.hpp"
#include "runner/study/dry_run.hpp"
#include "runner/study/plan_json.hpp"
#include "runner/study/progress.hpp"
#include "runner/study/queue.hpp"
#include "runner/study/shared_trials.hpp"
#include "runner/trial/atlas_trial.hpp"
#include "runner/trial/voted_trial.hpp"

namespace crossfade::runner {

// Found by argument-dependent lookup, so not in the unnamed namespace.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Branch, step, key, leave)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SharedStage, branches, terms)
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What rank 0 tells the others before training: where the shards of each cohort are, who trains and who is tested, the
/// hashes of each trial; and what all know.
struct Plan {
  CohortPlans cohorts;
  std::vector<std::vector<std::string>> hashes;  // of each trial's stage_rows(), by which it keeps its checkpoints
  std::vector<std::vector<SharedStage>> shared;  // the same; empty: nothing is
  std::string of_bf16;                           // a variant to run that computes in bfloat16, if there is one
  bool has_work = false;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Plan, cohorts, hashes, shared, of_bf16, has_work)

/// On rank 0: what is to be run, and the plan of it, with names for folders.
Plan plan_batch(const Batch& batch, const StudyOptions& options, const Workers& workers, Ledger& ledger,
                QueuedStudy& queue) {
  const Study& study = batch.study;
  Plan plan;
  plan.cohorts = ledger.plans;
  plan.hashes = hashes_of(study.trials, study, ledger.hash_list);
  for (std::size_t i = 0; i < batch.states.size(); ++i) {
    const TrialConfig& trial = study.trials[i];
    const std::string name = trial_name(trial, study);
    const auto named = [&](const std::string& part) { return name.find(part) != std::string::npos; };
    const bool chosen = options.only.empty() || std::any_of(options.only.begin(), options.only.end(), named);
    const bool finished = batch.states[i].state == analysis::TrialState::kFinished;
    const bool failed = batch.states[i].state == analysis::TrialState::kFailed;
    queue.trials.push_back(
        {.id = batch.states[i].id, .name = name, .order = {failed, trial.seed, trial.fold}, .finished = finished});
    if (!chosen || finished) continue;
    queue.pending.push_back(static_cast<int>(i));
    if (trial.precision == model::Precision::kBf16 && plan.of_bf16.empty()) plan.of_bf16 = trial.variant;
  }
  plan.has_work = !queue.pending.empty();
  require_bf16(plan.of_bf16,
               workers.device);  // before cohorts are prepared; on the other ranks once they know the plan
  if (plan.has_work || !batch.quiet)
    log_info(batch.title + ", " + std::to_string(queue.pending.size()) + " to run, on " + workers.description +
             ", results in " + results_file(study, options).string());
  if (!plan.has_work) return plan;
  prepare_once(ledger, options);
  if (!options.share) train_alone(plan.hashes);
  plan.shared = plan_sharing(study, options.share, ledger.hash_list, below(options.cohorts, plan.cohorts),
                             analysis::results_folder(results_file(study, options)) / "checkpoints", plan.hashes,
                             batch.others, queue);
  return plan;
}

/// Takes trials from the queue until none is left. Every rank of `ranks` comes here.
void work(const Study& study, const Plan& plan, const StudyOptions& options, const Workers& workers,
          Communicator& ranks, Group& group, QueueClient& queue, StepLog* steps, StepProfile* profile) {
  const fs::path checkpoints = analysis::results_folder(results_file(study, options)) / "checkpoints";
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
      last.dice = record.validation.mean;
      queue.epoch(index, last, record);
    };
    events.on_stage = [&](const analysis::StageResult& result) { queue.stage(index, result); };
    events.on_branch = [&](const std::string& key, BranchOutcome outcome) { queue.branch(index, key, outcome); };
    events.on_warning = [&](const std::string& text) { queue.warning(text); };
    events.branch_bytes = static_cast<std::uintmax_t>(study.run.branches_gb * 1e9);
    if (study.run.pictures) events.pictures = analysis::pictures_folder(results_file(study, options));
    events.stop_requested = [] { return interrupt_signal() != 0; };
    events.profile = profile;
    events.queue.graph = study.run.cuda_graph;
    try {
      std::vector<std::vector<StageData>> planes;
      together(ranks, [&] { planes = open_data(trial, plan.cohorts); });
      const TrialOutcome outcome = uses_atlases(trial)
                                       ? run_atlases(trial, hashes.front(), planes.front().front(), group,
                                                     options.cohorts / "registrations", workers.threads, events)
                                       : run_views(trial, hashes, planes, group, checkpoints, events,
                                                   plan.shared.at(static_cast<std::size_t>(index)));
      if (leads) queue.ended(index, outcome == TrialOutcome::kFinished ? Ending::kFinished : Ending::kInterrupted);
    } catch (const std::exception& failure) {
      const std::string error = data::valid_utf8(describe_failure(failure));
      // Within a group of more than one, what it has not agreed on leaves its other ranks in a collective.
      if (ranks.size() > 1 && dynamic_cast<const AgreedError*>(&failure) == nullptr) {
        try {
          queue.ended(index, Ending::kFailedWithTheRun, error);
        } catch (const std::exception&) {
          // The first error is the one to say.
        }
        throw std::runtime_error(trial_name(trial, study) + ": " + error);
      }
      if (leads) queue.ended(index, Ending::kFailed, error);
    }
  }
}

}  // namespace

BatchRunner::BatchRunner(World& world, const StudyOptions& options, const Workers& workers, StepLog* steps,
                         StepProfile* profile)
    : world_(world),
      options_(options),
      workers_(workers),
      steps_(steps),
      profile_(profile),
      channel_(world.communicator().duplicate()),
      ranks_(world.communicator().split(workers.group)) {}

BatchResult BatchRunner::run(const Batch& batch, Ledger& ledger) {
  Communicator& all = world_.communicator();
  QueuedStudy queued;
  Plan plan = from_root<Plan>(all, [&] { return plan_batch(batch, options_, workers_, ledger, queued); });
  plan.cohorts = below(options_.cohorts, std::move(plan.cohorts));
  together(all, [&] { require_bf16(plan.of_bf16, workers_.device); });
  watch_interrupts();  // until here a signal ends the process: what is prepared appears whole

  const auto trials = static_cast<int>(queued.trials.size());
  const auto finished = static_cast<int>(std::ranges::count_if(queued.trials, &QueuedTrial::finished));
  QueueSummary summary;
  if (plan.has_work) {
    if (!group_) group_.emplace(all.split(workers_.group), workers_.device);
    std::optional<ProgressDisplay> display;
    std::optional<QueueServer> server;
    if (all.rank() == 0) {
      queued.stop_requested = [] { return interrupt_signal() != 0; };
      const bool bar = options_.progress == "bar" || (options_.progress == "auto" && on_terminal());
      display.emplace(trials, finished, bar);
      server.emplace(channel_, workers_.places, std::move(queued), *ledger.database, *display,
                     [this](const std::string& error) {
                       log_error(error);
                       world_.abort(interrupt_signal() != 0 ? kExitStopped : kExitFailed);
                     });
    }
    QueueClient queue(channel_);
    try {
      work(batch.study, plan, options_, workers_, ranks_, *group_, queue, steps_, profile_);
    } catch (const std::exception& error) {
      end_world(world_, error);  // here, as the server's thread would be waited for on the way out
    }
    if (server) summary = server->finish();
    all.barrier();
  }
  const json result = json::parse(on_root(all, [&] {
    return json::array({summary.failed, trials - finished - summary.finished,
                        summary.interrupted > 0 || interrupt_signal() != 0})
        .dump();
  }));
  return {result[0].get<int>(), result[1].get<int>(), result[2].get<bool>()};
}

}  // namespace crossfade::runner
