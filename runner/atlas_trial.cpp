#include "runner/atlas_trial.hpp"

#include <algorithm>
#include <stdexcept>

#include "runner/agreement.hpp"
#include "runner/evaluator.hpp"
#include "runner/registration_cache.hpp"

namespace crossfade::runner {
namespace {

void check_data(const StageOptions& stage, const StageData& data) {
  const auto fail = [&](const std::string& what) { throw std::runtime_error("stage " + stage.name + ": " + what); };
  if (data.train.empty()) fail("no training subjects, which are the atlases");
  for (const data::Shard& atlas : data.train) {
    if (!atlas.info().has(label_kind(stage)))
      fail("atlas " + atlas.file().string() + " has no " + stage.labels + " labels");
    const auto& pixels =
        atlas.info().scans.at(static_cast<std::size_t>(stage.first_scan)).counts(label_kind(stage)).pixels;
    if (std::all_of(pixels.begin() + 1, pixels.end(), [](std::uint64_t count) { return count == 0; }))
      fail("atlas " + atlas.file().string() + " has no voxel of any structure in its " + stage.labels + " labels");
  }
  for (const data::Shard& target : data.test) {
    if (!target.info().has(data::LabelKind::kManual)) fail(target.file().string() + " has no manual labels");
    if (target.info().grid.spacing() != data.train.front().info().grid.spacing())
      fail("the grids of " + target.file().string() + " and of atlas " + data.train.front().file().string() +
           " have voxels of different sizes, expected cohorts of the same size");
  }
}

std::vector<AtlasPair> pairs_of(const StageOptions& stage, const data::Shard& target, const StageData& data) {
  std::vector<AtlasPair> pairs;
  for (const data::Shard& atlas : data.train) pairs.push_back({&target, &atlas, stage.first_scan});
  return pairs;
}

std::vector<std::uint8_t> fuse(const AtlasOptions& options, const data::Shard& target,
                               const std::vector<model::WarpedAtlas>& atlases, int threads) {
  if (options.fusion == "majority") return model::majority_vote(atlases);
  if (options.fusion == "staple") return model::staple(atlases, target.info().grid.size);
  std::vector<std::uint8_t> image(target.info().grid.voxels());
  target.read(0, target.info().slices_per_scan(), image, {});
  return model::joint_fusion(image, atlases, target.info().grid.size, options.joint, threads);
}

}  // namespace

TrialOutcome run_atlases(const TrialConfig& config, const StageData& data, Group& group,
                         const std::filesystem::path& registrations, int threads, const TrialEvents& events) {
  const StageOptions& stage = config.stages.front();
  const RegistrationCache cache(registrations, config.atlas.registration, config.seed, threads);
  together(group.ranks(), [&] {
    check_data(stage, data);
    std::vector<AtlasPair> pairs;
    for (const data::Shard& target : data.test)
      for (const AtlasPair& pair : pairs_of(stage, target, data)) pairs.push_back(pair);
    // Ranks begin far from one another, so that they seldom meet.
    const std::size_t first =
        pairs.size() * static_cast<std::size_t>(group.rank()) / static_cast<std::size_t>(group.size());
    cache.fill(
        pairs, first,
        [&](std::size_t done) {
          TrialProgress progress;
          progress.step = static_cast<std::int64_t>(done);
          progress.steps = static_cast<std::int64_t>(pairs.size());
          if (group.rank() == 0 && events.on_step) events.on_step(progress);
        },
        [&] { return events.stop_requested && events.stop_requested(); });
  });
  if (asked_to_stop(events, group)) return TrialOutcome::kInterrupted;

  std::vector<double> registering(data.test.size());  // seconds of what this rank fuses
  analysis::StageResult result;
  set_test_scores(score_volumes(data.test, group,
                                [&](std::size_t s) {
                                  std::vector<model::WarpedAtlas> atlases;
                                  for (const AtlasPair& pair : pairs_of(stage, data.test[s], data)) {
                                    RegisteredAtlas atlas = cache.read(pair, label_kind(stage));
                                    registering[s] += atlas.seconds;
                                    atlases.push_back(std::move(atlas.volumes));
                                  }
                                  return fuse(config.atlas, data.test[s], atlases, threads);
                                }),
                  result);
  group.ranks().all_reduce_sum(registering.data(), registering.size(), ElementType::kFloat64);
  for (std::size_t s = 0; s < registering.size(); ++s) result.seconds[s] += registering[s];
  result.best_dice = analysis::mean_over_subjects(result.test);  // nothing is validated; what `converged` is made from
  if (group.rank() == 0 && events.on_stage) events.on_stage(result);
  return TrialOutcome::kFinished;
}

}  // namespace crossfade::runner
