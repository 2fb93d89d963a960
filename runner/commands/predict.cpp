#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "data/cohorts/subject.hpp"
#include "data/publish.hpp"
#include "data/shards/plane.hpp"
#include "data/shards/turned_shard.hpp"
#include "data/sources/subject_patterns.hpp"
#include "data/structured.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/file_geometry.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/volume_file.hpp"
#include "runner/commands/checks.hpp"
#include "runner/commands/commands.hpp"
#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/vote.hpp"
#include "runner/process/exit_codes.hpp"
#include "runner/process/log.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/ranks/workers.hpp"
#include "runner/study/remarks.hpp"
#include "runner/trial/state.hpp"
#include "runner/trial/trained_cohort.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

struct PredictOptions {
  std::vector<fs::path> checkpoints;
  std::vector<double> weights;
  std::string images;
  fs::path output;
  std::string ending;
  int batch = 16;
  bool overwrite = false;
};

struct Net {
  std::shared_ptr<model::Network> network;
  TrainedOn trained_on;
  double weight = 1;
};

/// What nets that vote on one volume must have in common: slices of one image, each in its plane, and classes.
void require_votable(const std::vector<Net>& nets, const std::vector<fs::path>& checkpoints) {
  const TrainedOn& first = nets.front().trained_on;
  for (std::size_t n = 1; n < nets.size(); ++n) {
    TrainedOn other = nets[n].trained_on;
    const bool turned = other.plane != first.plane && first.cube > 0;
    if (turned) other.plane = first.plane;  // the cube has equal slices in every plane
    other.standards = first.standards;
    std::string differs = differences(first, other);
    if (differs.empty() && trained_cohort(first).table.id_of != trained_cohort(other).table.id_of)
      differs = "their classes have other ids";
    if (!differs.empty() || other.cube != first.cube)
      throw std::runtime_error(checkpoints[n].string() + " can't vote with " + checkpoints[0].string() + ": " +
                               (differs.empty() ? "one was trained on slices over 256 mm" : differs));
  }
}

std::vector<Net> load_nets(const PredictOptions& options) {
  if (!options.weights.empty() && options.weights.size() != options.checkpoints.size())
    throw std::runtime_error(data::counted(options.weights.size(), "weight") + " for " +
                             data::counted(options.checkpoints.size(), "checkpoint") + ", expected one for each");
  std::vector<Net> nets;
  for (std::size_t n = 0; n < options.checkpoints.size(); ++n) {
    const fs::path& file = options.checkpoints[n];
    TrainedNetwork trained = load_trained_network(file);
    if (!trained.trained_on)
      throw std::runtime_error(file.string() +
                               ": an older checkpoint, which does not say what it was trained on; `runner evaluate` "
                               "labels prepared shards with it");
    nets.push_back({std::move(trained.network), *trained.trained_on, options.weights.empty() ? 1 : options.weights[n]});
  }
  require_votable(nets, options.checkpoints);
  const auto merges = [](const Net& net) {
    return data::merges_sides(net.trained_on.plane) && net.trained_on.cube > 0;
  };
  if (std::ranges::all_of(nets, merges))
    throw std::runtime_error(
        options.checkpoints.front().string() +
        ": a net of sagittal slices doesn't tell left from right, expected an axial or coronal one "
        "beside it");
  return nets;
}

/// The scans of a folder, or those that patterns name.
std::vector<data::ListedSubject> list_scans(const std::string& images) {
  const bool patterns = images.find('{') != std::string::npos || images.starts_with('[');
  if (patterns) {
    data::SubjectList list =
        data::subjects_by_pattern("", {.images = data::listed_texts(images), .labels = {}, .automatic_labels = {}});
    std::vector<data::Remark> remarks;
    data::remark_on_names(remarks, "left out", list.left_out, "subject");
    log_remarks(remarks, "");
    return list.subjects;
  }
  std::vector<data::ListedSubject> scans;
  for (const auto& [name, file] : data::volumes_in(images, "scans")) {
    data::ListedSubject scan;
    scan.name = name;
    scan.images = {file};
    scans.push_back(std::move(scan));
  }
  if (scans.empty())
    throw std::runtime_error(images + ": no scan (.nii.gz, .nii, .mgz, .mgh, .png or .tif) in this folder");
  return scans;
}

/// That the labels' file has: the scan's own, but for pictures, whose labels are PNG.
std::string ending_of(const fs::path& scan, const PredictOptions& options) {
  if (!options.ending.empty()) return options.ending;
  if (const std::string volume = data::volume_ending(scan); !volume.empty())
    return volume == ".nii" ? ".nii.gz" : volume;
  return ".png";
}

struct Labelled {
  data::Volume<std::int32_t> ids;
  bool cut = false;  // the scan reaches beyond the slices of the net
};

/// Labels of one scan on its own grid, with the ids of the net's table.
Labelled label(const data::ListedSubject& scan, const std::vector<Net>& nets, const data::Cohort& cohort,
               torch::Device device, int batch) {
  data::PreparedSubject prepared = data::scanned_subject(cohort, scan);
  data::measure(prepared.contents);
  std::vector<data::ShardContents> planes;
  for (const Net& net : nets) {
    const bool turns = net.trained_on.plane != prepared.contents.info.plane;
    planes.push_back(turns ? data::turned(prepared.contents, net.trained_on.plane) : prepared.contents);
  }
  std::vector<Voter> voters;
  for (std::size_t n = 0; n < nets.size(); ++n)
    voters.push_back({*nets[n].network, SliceSource(planes[n], nets[n].trained_on.standards), nets[n].weight});
  const std::vector<std::uint8_t> classes = nets.size() == 1
                                                ? predict(voters.front().network, voters.front().source, device, batch)
                                                : vote(voters, device, batch);
  const data::ShardInfo& info = nets.size() == 1 ? planes.front().info : prepared.contents.info;
  const data::Volume<std::uint8_t> on_scan =
      data::nearest_on(data::Volume<std::uint8_t>{info.grid, classes}, data::read_geometry(scan.images.front()));
  Labelled result{.ids = {on_scan.geometry, {}}, .cut = !data::lies_within(on_scan.geometry, info.grid)};
  for (const std::uint8_t c : on_scan.voxels) result.ids.voxels.push_back(cohort.table.id_of[c]);
  return result;
}

/// Collective: the names that any rank comes with, sorted, on rank 0.
std::vector<std::string> gathered(Communicator& ranks, const std::vector<std::string>& names) {
  constexpr int kTag = 1;
  if (ranks.rank() > 0) {
    ranks.send(nlohmann::json(names).dump(), 0, kTag);
    return {};
  }
  std::vector<std::string> all = names;
  for (int r = 1; r < ranks.size(); ++r)
    for (const auto& name : nlohmann::json::parse(ranks.receive(r, kTag).text)) all.push_back(name);
  std::ranges::sort(all);
  return all;
}

fs::path target_of(const data::ListedSubject& scan, const PredictOptions& options) {
  return options.output / (scan.name + ending_of(scan.images.front(), options));
}

/// Labels may well have their scans' names, but not in the same folder.
void require_no_scan_there(const std::vector<data::ListedSubject>& scans, const PredictOptions& options) {
  std::set<fs::path> images;
  for (const data::ListedSubject& scan : scans)
    for (const fs::path& image : scan.images) images.insert(fs::weakly_canonical(image));
  for (const data::ListedSubject& scan : scans)
    if (const fs::path target = target_of(scan, options); images.contains(fs::weakly_canonical(target)))
      throw std::runtime_error("labels would overwrite the scan " + target.string() + ", expected another --output");
}

int run(World& world, const PredictOptions& options) {
  Communicator& all = world.communicator();
  RunOptions together_options;
  together_options.ranks_per_trial = all.size();
  const Workers workers = arrange_workers(all, together_options);
  std::vector<Net> nets;
  std::vector<data::ListedSubject> scans;
  together(all, [&] {
    nets = load_nets(options);
    scans = list_scans(options.images);
    if (fs::exists(options.output) && !fs::is_directory(options.output))
      throw std::runtime_error("--output " + options.output.string() + " is a file, expected a folder");
    require_no_scan_there(scans, options);
    std::vector<fs::path> targets;
    for (const data::ListedSubject& scan : scans) targets.push_back(target_of(scan, options));
    if (!options.overwrite) require_none_there(targets, "--output");
    data::make_folders(options.output);
  });
  if (nets.front().trained_on.label_table.empty())
    log_warning(options.checkpoints.front().string() +
                ": an older checkpoint, which does not say its label table; labels get FreeSurfer's ids");
  for (const Net& net : nets) move_network(*net.network, workers.device);
  const data::Cohort cohort = trained_cohort(nets.front().trained_on);
  std::size_t done = 0;
  std::vector<std::string> cut;
  const auto label_all = [&] {
    for (auto s = static_cast<std::size_t>(all.rank()); s < scans.size(); s += static_cast<std::size_t>(all.size())) {
      const data::ListedSubject& scan = scans[s];
      const Labelled labelled = label(scan, nets, cohort, workers.device, options.batch);
      data::write_labels(target_of(scan, options), labelled.ids);
      if (labelled.cut) cut.push_back(scan.name);
      done += static_cast<std::size_t>(all.size());
      log_info(std::to_string(std::min(done, scans.size())) + " of " + std::to_string(scans.size()) + " scans  " +
               scan.name);
    }
  };
  try {
    together(all, label_all);
  } catch (const AgreedError& error) {
    if (all.rank() == 0) log_error(std::string(error.what()) + "; labels that were written before stay");
    return kExitFailed;
  }
  const data::SliceGrid& grid = cohort.grid;
  std::vector<data::Remark> remarks;
  data::remark_on_names(
      remarks,
      "background beyond the " +
          (grid.cube > 0 ? std::string("256 mm") : std::to_string(grid.width) + " x " + std::to_string(grid.height)) +
          (grid.cube > 0 ? "" : " pixels") + " around the middle, which is all that the net was trained on",
      gathered(all, cut), "scan");
  log_remarks(remarks, "");
  return 0;
}

}  // namespace

Action add_predict(CLI::App& app) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* command = app.add_subcommand(
      "predict", "Labels of scans by a trained net, or the vote of several, each on the scan's own grid");
  command
      ->add_option("--checkpoint", options->checkpoints,
                   "best.safetensors of a trial; several vote, of one plane or of several")
      ->type_name("FILE ...")
      ->required();
  command
      ->add_option("--images", options->images,
                   "folder of scans, or a pattern such as sub-{subject}/anat/*_T1w.nii.gz, or a JSON list of patterns, "
                   "one a channel")
      ->type_name("DIR|PATTERN")
      ->required();
  command->add_option("--output", options->output, "folder for the labels, one file a scan")
      ->type_name("DIR")
      ->required();
  command->add_option("--weights", options->weights, "of the vote, one for each checkpoint (default: all alike)")
      ->type_name("NUMBER ...")
      ->check(fault_of_positive);
  command
      ->add_option("--ending", options->ending,
                   "of the labels' files (default: that of the scans, .nii.gz for .nii, .png for pictures)")
      ->check(CLI::IsMember({".nii.gz", ".nii", ".mgz", ".mgh", ".png"}));
  command->add_flag("--overwrite", options->overwrite, "labels that are there already are replaced, not refused");
  command->add_option("--batch", options->batch, "slices predicted at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  return [options] { return run_in_world([&](World& world) { return run(world, *options); }); };
}

}  // namespace crossfade::runner
