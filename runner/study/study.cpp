#include "runner/study/study.hpp"

#include <optional>

#include "analysis/results/folder.hpp"
#include "runner/grid/grid.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/interrupt.hpp"
#include "runner/process/log.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/batch.hpp"
#include "runner/study/dry_run.hpp"
#include "runner/study/ledger.hpp"
#include "runner/study/measure.hpp"
#include "runner/study/outputs.hpp"
#include "runner/study/search_cost.hpp"
#include "runner/study/search_run.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

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

/// Collective: the search, if the grid has one, and then the trials of `study`, which the finalists join.
BatchResult run_all(World& world, Study& study, const StudyOptions& options, BatchRunner& runner, Ledger& ledger) {
  BatchResult before;
  if (study.search) {
    const SearchOutcome search = run_search(world, study, options, runner, ledger);
    before = search.last;
    if (before.stopped) return before;
    if (!search.ended && world.communicator().rank() == 0)
      log_warning("the search waits for " + std::to_string(before.open) + " of its trials, " +
                  std::to_string(before.failed) + " of which failed: no schedule is found yet" +
                  (before.failed > 0
                       ? ". The table trial says why; the same command tries them again, and search.space "
                         "may leave out what can't be trained"
                       : ""));
    study.trials.insert(study.trials.end(), search.finalists.begin(), search.finalists.end());
  }
  BatchResult result =
      runner.run({.study = study,
                  .title = "study " + study.name + ": " + std::to_string(study.trials.size()) + " trials",
                  .states = ledger.states,
                  .others = {}},
                 ledger);
  result.failed += before.failed;
  result.open += before.open;
  return result;
}

}  // namespace

int run_study(World& world, const StudyOptions& options) {
  Communicator& all = world.communicator();
  const std::string text = on_root(all, [&] { return read_grid(options.grid, options.overrides).text; });
  Study study = read_grid(options.grid, options.overrides);
  agree(all, study.text == text ? "" : world.host() + " sees another " + options.grid.string() + " than rank 0 does");
  on_root(all, [&] {
    require_budget(study);
    require_chosen(study, options.only);
    return std::string();
  });
  if (!options.dry_run.empty()) {
    on_root(all, [&] {
      list_trials(study, options.only);
      list_search(study);
      if (options.share) list_sharing(study);
      return std::string();
    });
    if (options.dry_run == "measure") measure_study(world, study, options);
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
  on_root(all, [&] {
    open_ledger(world, study, options, workers, ledger);
    return std::string();
  });
  BatchRunner runner(world, options, workers, steps ? &*steps : nullptr, profile ? &*profile : nullptr);
  const BatchResult result = run_all(world, study, options, runner, ledger);

  int broken = 0;
  if (all.rank() == 0) {
    const fs::path file = results_file(study, options);
    try {
      if (!result.stopped) {
        ledger.database->record_activity({{.doing = "making tables and figures"}});
        write_outputs(file, analysis::results_folder(file), study.name,
                      {.claims = !study.claims.empty(), .search = study.search.has_value()});
      }
      ledger.database->record_activity({});
    } catch (const std::exception& error) {
      log_error(std::string("the trials are stored, but not all of their tables and figures: ") + error.what());
      broken = 1;
    }
    if (profile && !say_of(*profile, options.profile)) broken = 1;
    if (result.failed > 0) {
      log_error(std::to_string(result.failed) + " trials failed; their reasons are in the table trial of " +
                file.string());
    }
  }
  const int failed = std::stoi(on_root(all, [&] { return std::to_string(result.failed + broken); }));
  if (result.stopped || interrupt_signal() != 0) return kExitStopped;
  return failed > 0 ? kExitFailed : 0;
}

}  // namespace crossfade::runner
