#include "runner/trial/atlas_trial.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>

#include "runner/evaluation/evaluator.hpp"
#include "runner/evaluation/pictures.hpp"
#include "runner/evaluation/scan.hpp"
#include "runner/process/interval.hpp"
#include "runner/ranks/agreement.hpp"
#include "runner/trial/registration_cache.hpp"

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
  for (const data::Shard& target : data.test)
    if (!target.info().has(data::LabelKind::kManual)) fail(target.file().string() + " has no manual labels");
  const data::Shard& first = data.train.front();
  for (const auto* part : {&data.train, &data.test})
    for (const data::Shard& other : *part)
      if (!data::same_spacing(first.info().grid, other.info().grid))
        fail("the grids of " + other.file().string() + " and of atlas " + first.file().string() +
             " have voxels of different sizes, expected cohorts of the same size");
}

std::vector<AtlasPair> pairs_of(const StageOptions& stage, const data::Shard& target, const StageData& data) {
  std::vector<AtlasPair> pairs;
  for (const data::Shard& atlas : data.train) pairs.push_back({&target, &atlas, stage.first_scan});
  return pairs;
}

/// Nothing where it is stopped.
std::optional<std::vector<std::uint8_t>> fuse(const AtlasOptions& options, const data::Shard& target,
                                              const std::vector<model::WarpedAtlas>& atlases, int threads,
                                              const std::function<bool()>& stop_requested) {
  if (options.fusion == "majority") return model::majority_vote(atlases);
  if (options.fusion == "staple") return model::staple(atlases, target.info().grid.size, stop_requested);
  return model::joint_fusion(read_image(target, 0), atlases, target.info().grid.size, options.joint, threads,
                             stop_requested);
}

/// What a rank makes of its own test subjects: nothing of the others.
struct Segmented {
  std::vector<std::vector<std::uint8_t>> classes;
  std::vector<double> seconds;
};

class AtlasTrial {
 public:
  AtlasTrial(const TrialConfig& config, const std::string& hash, const StageData& data, Group& group,
             const std::filesystem::path& registrations, int threads, const TrialEvents& events)
      : config_(config),
        hash_(hash),
        stage_(config.stages.front()),
        data_(data),
        group_(group),
        threads_(threads),
        events_(events),
        stop_requested_([&events] { return events.stop_requested && events.stop_requested(); }) {
    together(group_.ranks(), [&] {
      check_data(stage_, data_);
      cache_.emplace(registrations, config_.atlas.registration, config_.seed);
    });
  }

  TrialOutcome run() {
    bool whole = false;
    together(group_.ranks(), [&] { whole = register_all(); });
    if (!on_all(group_.ranks(), whole)) return TrialOutcome::kInterrupted;
    const double begin = now();
    Segmented segmented;
    together(group_.ranks(), [&] { whole = segment(segmented); });
    if (!on_all(group_.ranks(), whole)) return TrialOutcome::kInterrupted;

    analysis::StageResult result;
    const PredictVolume fused = [&](std::size_t s) { return segmented.classes[s]; };
    const auto scoring = [&](const StopEarly& stop) {
      set_test_scores(score_volumes(data_.test, group_, fused, stop), result);
    };
    if (!worked_to_the_end(events_, group_, scoring)) return TrialOutcome::kInterrupted;
    result.seconds_score = now() - begin;
    draw_subjects(data_.test, result.test, group_, fused, events_.pictures, hash_);
    group_.ranks().all_reduce_sum(segmented.seconds.data(), segmented.seconds.size(), ElementType::kFloat64);
    result.seconds = segmented.seconds;
    result.best_dice = analysis::mean_over_subjects(result.test);  // nothing is validated; `converged` is made from it
    if (group_.rank() == 0 && events_.on_stage) events_.on_stage(result);
    return TrialOutcome::kFinished;
  }

 private:
  /// Whether it came to its end, as segment() says, too.
  bool register_all() {
    std::vector<AtlasPair> pairs;
    for (const data::Shard& target : data_.test)
      for (const AtlasPair& pair : pairs_of(stage_, target, data_)) pairs.push_back(pair);
    // Ranks begin far from one another, so that they seldom meet.
    const std::size_t first =
        pairs.size() * static_cast<std::size_t>(group_.rank()) / static_cast<std::size_t>(group_.size());
    const auto tell = [&](std::size_t done) {
      TrialProgress progress;
      progress.step = static_cast<std::int64_t>(done);
      progress.steps = static_cast<std::int64_t>(pairs.size());
      if (group_.rank() == 0 && events_.on_step) events_.on_step(progress);
    };
    return cache_->fill(pairs, first, threads_, tell, stop_requested_);
  }

  bool segment(Segmented& result) const {
    result.classes.resize(data_.test.size());
    result.seconds.resize(data_.test.size());
    for (const std::size_t s : own_volumes(data_.test.size(), group_)) {
      std::vector<model::WarpedAtlas> atlases;
      for (const AtlasPair& pair : pairs_of(stage_, data_.test[s], data_)) {
        RegisteredAtlas atlas = cache_->read(pair, label_kind(stage_));
        result.seconds[s] += atlas.seconds;
        atlases.push_back(std::move(atlas.volumes));
      }
      const double begin = now();
      auto fused = fuse(config_.atlas, data_.test[s], atlases, threads_, stop_requested_);
      if (!fused || stop_requested_()) return false;
      result.seconds[s] += now() - begin;
      result.classes[s] = std::move(*fused);
    }
    return true;
  }

  const TrialConfig& config_;
  const std::string& hash_;
  const StageOptions& stage_;
  const StageData& data_;
  Group& group_;
  int threads_;
  const TrialEvents& events_;
  std::function<bool()> stop_requested_;
  std::optional<RegistrationCache> cache_;
};

}  // namespace

TrialOutcome run_atlases(const TrialConfig& config, const std::string& hash, const StageData& data, Group& group,
                         const std::filesystem::path& registrations, int threads, const TrialEvents& events) {
  return AtlasTrial(config, hash, data, group, registrations, threads, events).run();
}

}  // namespace crossfade::runner
