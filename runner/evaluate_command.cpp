#include <iostream>
#include <memory>

#include "analysis/report.hpp"
#include "data/plane.hpp"
#include "runner/agreement.hpp"
#include "runner/commands.hpp"
#include "runner/evaluator.hpp"
#include "runner/prediction.hpp"
#include "runner/trial_state.hpp"
#include "runner/workers.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

struct EvaluateOptions {
  fs::path checkpoint;
  fs::path shards;
  std::vector<std::string> subjects;
  fs::path predictions;
  std::string format = "text";
  int batch = 16;
};

std::vector<std::string> subjects_in(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator files(folder, error);
  if (error) throw std::runtime_error(folder.string() + ": no folder of shards: " + error.message());
  std::vector<std::string> subjects;
  for (const auto& entry : files) {
    if (entry.path().extension() == ".h5") subjects.push_back(entry.path().stem().string());
  }
  if (subjects.empty())
    throw std::runtime_error(folder.string() + ": no shard (SUBJECT.h5) in this folder; `runner prepare` makes them");
  std::sort(subjects.begin(), subjects.end());
  return subjects;
}

/// Writes the volume of every subject, the subjects shared out among the ranks, and counts them on their own grids.
std::vector<analysis::SubjectCounts> write_predictions(model::Network& network, const std::vector<data::Shard>& shards,
                                                       Group& group, const EvaluateOptions& options) {
  return count_volumes(shards, group, [&](std::size_t s) {
    const auto classes = predict(network, shards[s], group.device(), options.batch);
    return write_prediction(options.predictions / (shards[s].info().subject + ".nii.gz"), shards[s], classes);
  });
}

int run(World& world, const EvaluateOptions& options) {
  Communicator& all = world.communicator();
  RunOptions together;
  together.ranks_per_trial = all.size();
  const Workers workers = arrange_workers(all, together);
  std::vector<data::Shard> shards;
  std::shared_ptr<model::Network> network;
  std::string error;
  try {
    network = load_network(options.checkpoint);
    shards =
        data::open_shards(options.shards, options.subjects.empty() ? subjects_in(options.shards) : options.subjects);
    if (!options.predictions.empty()) {
      if (data::merges_sides(shards.front().info().plane))
        throw std::runtime_error(shards.front().file().string() +
                                 ": sagittal slices don't tell left from right, expected axial or coronal ones for "
                                 "--predictions");
      fs::create_directories(options.predictions);
    }
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  agree(all, error);
  network->to(workers.device);
  Group group(all.duplicate(), workers.device);
  const auto print = [&](const std::string& heading, const std::vector<analysis::SubjectCounts>& subjects) {
    if (all.rank() != 0) return;
    if (options.format == "text") std::cout << heading << "\n";
    std::cout << analysis::render_scores(subjects, options.format) << std::flush;
  };
  const bool own_grids = !options.predictions.empty();
  if (!own_grids || options.format == "text") {
    print("Dice on the grid of the shards", evaluate(*network, shards, group, options.batch));
  }
  if (own_grids) print("Dice on the subjects' own grids", write_predictions(*network, shards, group, options));
  return 0;
}

}  // namespace

Action add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      app.add_subcommand("evaluate", "Dice of a trained net on prepared shards, and its predictions as NIfTI");
  command->add_option("--checkpoint", options->checkpoint, "best.safetensors or last.safetensors of a trial")
      ->type_name("FILE")
      ->required();
  command->add_option("--shards", options->shards, "folder of shards, as `runner prepare` or a grid made it")
      ->type_name("DIR")
      ->required();
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
  command->add_option("--batch", options->batch, "slices predicted at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  return [options] { return run_in_world([&](World& world) { return run(world, *options); }); };
}

}  // namespace crossfade::runner
