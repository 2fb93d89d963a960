#include "runner/trial/voted_trial.hpp"

#include <optional>
#include <stdexcept>

#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/pictures.hpp"
#include "runner/evaluation/vote.hpp"
#include "runner/grid/views.hpp"
#include "runner/process/interval.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/trial/stage_net.hpp"
#include "runner/trial/trial.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

/// The nets of one stage, one a view, each at its best checkpoint.
struct Nets {
  std::vector<std::shared_ptr<model::Network>> networks;
  int best_epoch = 0;   // the latest of them
  std::string missing;  // the plane of the first that has no checkpoint
};

Nets load_nets(const TrialConfig& config, const std::vector<View>& views, const std::vector<std::string>& hashes,
               const data::ShardInfo& data, Group& group, const fs::path& checkpoints) {
  Nets nets;
  for (std::size_t v = 0; v < views.size(); ++v) {
    auto network = network_of(config, data, group.device());
    const std::optional<Position> best = restore_best(checkpoints, hashes[v], *network, group);
    if (!best && nets.missing.empty()) nets.missing = views[v].plane;
    nets.best_epoch = std::max(nets.best_epoch, best ? best->best_epoch : 0);
    nets.networks.push_back(std::move(network));
  }
  return nets;
}

/// `events` told of rows of the database that begin at `before`; `stopped` learns what stopped each row's net, on group
/// rank 0.
TrialEvents shifted(const TrialEvents& events, int before, std::vector<std::string>& stopped) {
  TrialEvents own;
  own.stop_requested = events.stop_requested;
  own.profile = events.profile;
  own.queue = events.queue;
  own.on_branch = events.on_branch;
  own.on_warning = events.on_warning;
  own.branch_bytes = events.branch_bytes;
  own.pictures = events.pictures;
  own.on_step = [&events, before](TrialProgress progress) {
    progress.stage += before;
    events.on_step(progress);
  };
  own.on_epoch = [&events, before](analysis::EpochRecord record) {
    record.stage += before;
    events.on_epoch(record);
  };
  own.on_stage = [&events, &stopped, before](analysis::StageResult result) {
    result.stage += before;
    stopped[static_cast<std::size_t>(result.stage)] = result.stopped;
    events.on_stage(result);
  };
  return own;
}

/// The vote after one stage, or nothing where it was interrupted; `planes` are that stage's shards, one for each view.
/// `row` of the database, and its hash.
std::optional<analysis::StageResult> vote_on(const StageOptions& stage, int row, const std::string& hash,
                                             const std::vector<View>& views, const Nets& nets,
                                             const std::vector<const StageData*>& planes, Group& group,
                                             const TrialEvents& events) {
  const double begin = now();
  const StageData& axial = *planes.front();
  if (!nets.missing.empty())
    return background_result(row, "no vote: the " + nets.missing + " net has no checkpoint", axial, stage, group);
  const auto voted = [&](std::vector<data::Shard> StageData::*part) -> PredictVolume {
    return [&, part](std::size_t subject) {
      std::vector<Voter> voters;
      for (std::size_t v = 0; v < views.size(); ++v)
        voters.push_back({*nets.networks[v], (planes[v]->*part)[subject], views[v].weight});
      return vote(voters, group.device(), evaluation_batch(stage, group));
    };
  };
  analysis::StageResult result;
  result.stage = row;
  result.best_epoch = nets.best_epoch;
  const auto scoring = [&](const StopEarly& stop) {
    result.validation = count_volumes(axial.validation, group, label_kind(stage), voted(&StageData::validation), stop);
    set_test_scores(score_volumes(axial.test, group, voted(&StageData::test), stop), result);
  };
  if (!worked_to_the_end(events, group, scoring)) return std::nullopt;
  result.seconds_score = now() - begin;
  result.best_dice = analysis::mean_over_subjects(result.validation);
  draw_subjects(axial.test, result.test, group, voted(&StageData::test), events.pictures, hash);
  return result;
}

}  // namespace

TrialOutcome run_views(const TrialConfig& config, const std::vector<std::string>& hashes,
                       const std::vector<std::vector<StageData>>& planes, Group& group, const fs::path& checkpoints,
                       const TrialEvents& events, const std::vector<SharedStage>& shared) {
  const std::vector<View> views = views_of(config.views);
  const std::size_t stages = config.stages.size();
  if (planes.size() != views.size() || hashes.size() != stage_rows(config).size())
    throw std::invalid_argument("run_views: one list of StageData for each view, one hash for each row");

  std::vector<std::string> stopped(hashes.size());
  for (std::size_t v = 0; v < views.size(); ++v) {
    const auto before = static_cast<int>(v * stages);
    const auto part = [&](const auto& rows) {
      using Rows = std::decay_t<decltype(rows)>;
      return rows.empty() ? Rows() : Rows(rows.begin() + before, rows.begin() + before + static_cast<int>(stages));
    };
    if (run_trial(config, part(hashes), planes[v], group, checkpoints, shifted(events, before, stopped), part(shared),
                  hashes.back()) == TrialOutcome::kInterrupted)
      return TrialOutcome::kInterrupted;
  }
  if (views.size() == 1) return TrialOutcome::kFinished;

  for (std::size_t s = 0; s < stages; ++s) {
    if (asked_to_stop(events, group)) return TrialOutcome::kInterrupted;
    std::vector<std::string> stage_hashes;
    std::vector<const StageData*> stage_planes;
    for (std::size_t v = 0; v < views.size(); ++v) {
      stage_hashes.push_back(hashes[v * stages + s]);
      stage_planes.push_back(&planes[v][s]);
    }
    const Nets nets =
        load_nets(config, views, stage_hashes, stage_planes.front()->validation.front().info(), group, checkpoints);
    const auto row = static_cast<int>(views.size() * stages + s);
    auto result =
        vote_on(config.stages[s], row, hashes[static_cast<std::size_t>(row)], views, nets, stage_planes, group, events);
    if (!result) return TrialOutcome::kInterrupted;
    for (std::size_t v = 0; v < views.size() && result->stopped.empty(); ++v)
      if (const std::string& why = stopped[v * stages + s]; !why.empty())
        result->stopped = "the " + std::string(views[v].plane) + " net stopped: " + why;
    if (group.rank() == 0) events.on_stage(*result);
  }
  return TrialOutcome::kFinished;
}

}  // namespace crossfade::runner
