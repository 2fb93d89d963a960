#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "analysis/tables/report.hpp"
#include "data/cohorts/cohort.hpp"
#include "data/cohorts/made_from.hpp"
#include "data/publish.hpp"
#include "data/shards/plane.hpp"
#include "runner/commands/checks.hpp"
#include "runner/commands/commands.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/prediction.hpp"
#include "runner/evaluation/vote.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/log.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/trial/state.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

struct EvaluateOptions {
  std::vector<fs::path> checkpoints;
  std::vector<fs::path> shards;
  std::vector<double> weights;
  std::vector<std::string> subjects;
  fs::path predictions;
  std::string format = "text";
  int batch = 16;
  bool anyway = false, overwrite = false;
};

/// A net and the subjects in slices of its plane.
struct NetOfPlane {
  std::shared_ptr<model::Network> network;
  std::vector<data::Shard> shards;
  double weight = 1;
  std::optional<TrainedOn> trained_on;  // nothing in checkpoints of before
};

/// Throws std::runtime_error where the nets can't vote on one volume.
void check_views(const std::vector<NetOfPlane>& nets) {
  const data::Shard& first = nets.front().shards.front();
  if (nets.size() > 1 && first.info().plane != "axial" && !first.info().own_grid)
    throw std::runtime_error(first.file().string() + ": " + first.info().plane +
                             " slices, expected the axial ones first, on whose grid nets of several planes vote");
  for (const NetOfPlane& net : nets)
    for (std::size_t s = 0; s < net.shards.size(); ++s)
      if (net.shards[s].info().grid.voxels() != nets.front().shards[s].info().grid.voxels())
        throw std::runtime_error(net.shards[s].file().string() + ": not the volume of " +
                                 nets.front().shards[s].file().string() + ", expected its slices in another plane");
}

/// Each net against its own shards, which are alike among themselves. Throws std::runtime_error naming checkpoint and
/// shard where they differ, unless that is wanted; returns what is to be said.
std::vector<std::string> check_training(const std::vector<NetOfPlane>& nets, const EvaluateOptions& options) {
  std::vector<std::string> said;
  std::string silent;
  for (std::size_t n = 0; n < nets.size(); ++n) {
    const std::string checkpoint = options.checkpoints[n].string();
    if (!nets[n].trained_on) {
      silent += (silent.empty() ? "" : ", ") + checkpoint;
      continue;
    }
    const data::Shard& shard = nets[n].shards.front();
    const std::string differs = differences(*nets[n].trained_on, trained_on(shard));
    if (differs.empty()) continue;
    const std::string what = checkpoint + " was trained on other data than " + shard.file().string() + ": " + differs;
    if (!options.anyway) throw std::runtime_error(what + "; expected the same (--anyway evaluates all the same)");
    said.push_back(what + "; evaluated all the same");
  }
  if (!silent.empty())
    said.push_back(silent +
                   ": older checkpoints, which do not say what they were trained on; voxel size, grid, plane "
                   "and classes are not checked");
  return said;
}

std::vector<NetOfPlane> open_nets(const EvaluateOptions& options) {
  if (options.shards.size() != options.checkpoints.size())
    throw std::runtime_error(data::counted(options.checkpoints.size(), "checkpoint") + " and " +
                             data::counted(options.shards.size(), "folder") + " of shards, expected one folder a net");
  if (!options.weights.empty() && options.weights.size() != options.checkpoints.size())
    throw std::runtime_error(data::counted(options.weights.size(), "weight") + " for " +
                             data::counted(options.checkpoints.size(), "checkpoint") + ", expected one for each");
  std::vector<NetOfPlane> nets;
  for (std::size_t n = 0; n < options.checkpoints.size(); ++n) {
    TrainedNetwork trained = load_trained_network(options.checkpoints[n]);
    nets.push_back({.network = std::move(trained.network),
                    .shards = {},
                    .weight = options.weights.empty() ? 1 : options.weights[n],
                    .trained_on = std::move(trained.trained_on)});
  }
  for (const std::string& subject : options.subjects)
    if (std::ranges::count(options.subjects, subject) > 1)
      throw std::runtime_error("--subjects names " + subject + " twice, expected each once");
  const std::vector<std::string> subjects =
      options.subjects.empty() ? data::prepared_subjects(options.shards.front()) : options.subjects;
  for (std::size_t n = 0; n < nets.size(); ++n) {
    nets[n].shards = data::open_shards(options.shards[n], subjects);
    if (nets[n].trained_on)
      for (data::Shard& shard : nets[n].shards) shard.standardise_by(nets[n].trained_on->standards);
  }
  check_views(nets);
  return nets;
}

/// The nets' vote on this subject, or what the one net says.
std::vector<std::uint8_t> predict_subject(const std::vector<NetOfPlane>& nets, std::size_t subject,
                                          torch::Device device, int batch) {
  if (nets.size() == 1) return predict(*nets.front().network, nets.front().shards[subject], device, batch);
  std::vector<Voter> voters;
  for (const NetOfPlane& net : nets) voters.push_back({*net.network, net.shards[subject], net.weight});
  return vote(voters, device, batch);
}

fs::path target_of(const data::Shard& shard, const EvaluateOptions& options) {
  return options.predictions / (shard.info().subject + ".nii.gz");
}

/// Writes the volume of every subject, the subjects shared out among the ranks, and counts them on their own grids.
std::vector<analysis::SubjectCounts> write_predictions(const std::vector<NetOfPlane>& nets, Group& group,
                                                       const EvaluateOptions& options) {
  const std::vector<data::Shard>& shards = nets.front().shards;
  return count_volumes(shards, group, [&](std::size_t s) {
    return write_prediction(target_of(shards[s], options), shards[s],
                            predict_subject(nets, s, group.device(), options.batch));
  });
}

std::vector<analysis::SubjectCounts> count_on_shards(const std::vector<NetOfPlane>& nets, Group& group, int batch) {
  const std::vector<data::Shard>& shards = nets.front().shards;
  if (nets.size() == 1) return evaluate(*nets.front().network, shards, group, batch);
  return count_volumes(shards, group, data::LabelKind::kManual,
                       [&](std::size_t s) { return predict_subject(nets, s, group.device(), batch); });
}

int run(World& world, const EvaluateOptions& options) {
  Communicator& all = world.communicator();
  RunOptions together;
  together.ranks_per_trial = all.size();
  const Workers workers = arrange_workers(all, together);
  std::vector<NetOfPlane> nets;
  std::string error;
  std::vector<std::string> warnings;
  try {
    nets = open_nets(options);
    warnings = check_training(nets, options);
    if (!options.predictions.empty()) {
      const data::Shard& first = nets.front().shards.front();
      if (first.info().sides_merged)
        throw std::runtime_error(first.file().string() +
                                 ": sagittal slices don't tell left from right, expected axial or coronal ones for "
                                 "--predictions");
      std::vector<fs::path> targets;
      for (const data::Shard& shard : nets.front().shards) targets.push_back(target_of(shard, options));
      if (!options.overwrite) require_none_there(targets, "--predictions");
      data::make_folders(options.predictions);
    }
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  agree(all, error);
  for (const std::string& warning : warnings) log_warning(warning);
  for (const NetOfPlane& net : nets) move_network(*net.network, workers.device);
  Group group(all.duplicate(), workers.device);
  const data::Classes& classes = nets.front().shards.front().info().classes;
  const auto print = [&](const std::string& heading, const std::vector<analysis::SubjectCounts>& subjects) {
    if (all.rank() != 0) return;
    if (options.format == "text") std::cout << heading << "\n";
    std::cout << analysis::render_scores(subjects, classes, options.format) << std::flush;
  };
  const bool own_grids = !options.predictions.empty();
  if (!own_grids || options.format == "text") {
    print("Dice on the grid of the shards", count_on_shards(nets, group, options.batch));
  }
  if (!own_grids) return 0;
  std::vector<analysis::SubjectCounts> written;
  try {
    written = write_predictions(nets, group, options);
  } catch (const AgreedError& failure) {
    if (all.rank() == 0) log_error(std::string(failure.what()) + "; predictions that were written before stay");
    return kExitFailed;
  }
  print("Dice on the subjects' own grids", written);
  return 0;
}

}  // namespace

Action add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app.add_subcommand("evaluate",
                                         "Dice of a trained net, or the vote of several, on prepared shards, and its "
                                         "predictions as NIfTI");
  command
      ->add_option("--checkpoint", options->checkpoints,
                   "best.safetensors or last.safetensors of a trial; of each plane, where nets of several vote")
      ->type_name("FILE ...")
      ->required();
  command
      ->add_option("--shards", options->shards,
                   "folder of shards, as `runner prepare` or a grid made it; one for each checkpoint, the axial first")
      ->type_name("DIR ...")
      ->required();
  command->add_option("--weights", options->weights, "of the vote, one for each checkpoint (default: all alike)")
      ->type_name("NUMBER ...")
      ->check(fault_of_positive);
  command->add_option("--subjects", options->subjects, "only these subjects (default: all in the folder)")
      ->type_name("NAME ...");
  command
      ->add_option("--predictions", options->predictions,
                   "write SUBJECT.nii.gz here, on the grid and with the label ids that the subject came with, and "
                   "score them there")
      ->type_name("DIR");
  command
      ->add_option("--format", options->format,
                   "text, csv or json; with --predictions, csv and json give the scores on the subjects' own grids")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--overwrite", options->overwrite, "predictions that are there already are replaced, not refused");
  command->add_flag("--anyway", options->anyway,
                    "evaluate a net on shards of another voxel size, grid, plane or classes than it was trained on");
  command->add_option("--batch", options->batch, "slices predicted at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  return [options] { return run_in_world([&](World& world) { return run(world, *options); }); };
}

}  // namespace crossfade::runner
