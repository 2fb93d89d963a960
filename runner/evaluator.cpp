#include "runner/evaluator.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <span>

#include "data/loader.hpp"
#include "runner/agreement.hpp"
#include "runner/failure.hpp"
#include "runner/trainer.hpp"

namespace crossfade::runner {
namespace {

using analysis::Counts;

/// Slices of scan 0 of one shard: normalised as the loader does, predicted, as class ids.
class Predictor {
 public:
  Predictor(model::Network& network, torch::Device device, int batch, data::LabelKind labels)
      : network_(network),
        device_(device),
        type_(network.parameters().front().scalar_type()),
        batch_(batch),
        labels_(labels) {
    network_.eval();
  }

  /// Calls `use(first slice, truth, prediction)` for one batch after the other of slices [first, first + count).
  template <class Use>
  void run(const data::Shard& shard, int first, int count, Use use) {
    const torch::NoGradGuard no_grad;
    const data::ShardInfo& info = shard.info();
    const auto pixels = static_cast<std::size_t>(info.width()) * static_cast<std::size_t>(info.height());
    const auto mean = static_cast<float>(info.scans.front().mean);
    const auto sd = static_cast<float>(info.scans.front().sd);
    for (int at = first; at < first + count; at += batch_) {
      const int slices = std::min(batch_, first + count - at);
      raw_.resize(static_cast<std::size_t>(slices) * pixels);
      truth_.resize(raw_.size());
      images_.resize(raw_.size());
      shard.read(at, slices, raw_, truth_, labels_);
      std::transform(raw_.begin(), raw_.end(), images_.begin(),
                     [&](std::uint8_t value) { return (static_cast<float>(value) - mean) / sd; });
      const torch::Tensor logits =
          network_.forward(image_tensor(images_.data(), slices, info.height(), info.width(), device_, type_));
      const torch::Tensor classes = logits.argmax(1).to(torch::kByte).cpu().contiguous();
      use(at, std::span<const std::uint8_t>(truth_),
          std::span<const std::uint8_t>(classes.const_data_ptr<std::uint8_t>(), truth_.size()));
    }
  }

 private:
  model::Network& network_;
  torch::Device device_;
  torch::ScalarType type_;
  int batch_;
  data::LabelKind labels_;
  std::vector<std::uint8_t> raw_, truth_;
  std::vector<float> images_;
};

/// Counts of the slices that fall to this rank when all slices of all shards are lined up.
std::vector<Counts> count_part(model::Network& network, const std::vector<data::Shard>& shards, const Group& group,
                               int batch, data::LabelKind labels) {
  int total = 0;
  for (const data::Shard& shard : shards) total += shard.info().slices_per_scan();
  const data::Part part = data::part_of(total, group.rank(), group.size());
  Predictor predictor(network, group.device(), batch, labels);
  std::vector<Counts> counts(shards.size());
  int before = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const int slices = shards[i].info().slices_per_scan();
    const int first = std::clamp(part.first - before, 0, slices);
    const int end = std::clamp(part.first + part.count - before, 0, slices);
    predictor.run(shards[i], first, end - first,
                  [&](int, auto truth, auto prediction) { counts[i] += analysis::count(truth, prediction); });
    before += slices;
  }
  return counts;
}

/// The three tables of each Counts, one behind the other, for one reduction.
template <class Each>
void for_each_table(std::vector<Counts>& counts, Each each) {
  for (Counts& c : counts) {
    each(c.true_positive);
    each(c.false_positive);
    each(c.false_negative);
  }
}

}  // namespace

void sum_over_group(std::vector<Counts>& counts, Group& group) {
  std::vector<std::int64_t> flat;
  for_each_table(counts, [&](const auto& table) { flat.insert(flat.end(), table.begin(), table.end()); });
  group.all_reduce_counts(flat);
  auto from = flat.begin();
  for_each_table(counts, [&](auto& table) {
    std::copy_n(from, table.size(), table.begin());
    from += static_cast<std::ptrdiff_t>(table.size());
  });
}

std::vector<analysis::SubjectCounts> evaluate(model::Network& network, const std::vector<data::Shard>& shards,
                                              Group& group, int batch, data::LabelKind labels) {
  std::vector<Counts> counts(shards.size());
  std::string error;
  try {
    counts = count_part(network, shards, group, batch, labels);
  } catch (const std::exception& failure) {
    error = describe_failure(failure);
  }
  agree(group.ranks(), error);

  sum_over_group(counts, group);
  std::vector<analysis::SubjectCounts> result;
  for (std::size_t i = 0; i < shards.size(); ++i) result.push_back({shards[i].info().subject, counts[i]});
  return result;
}

namespace {

std::array<analysis::SurfaceScores, data::kClasses> surfaces_of(const data::Shard& shard,
                                                                const std::vector<std::uint8_t>& prediction) {
  std::vector<std::uint8_t> truth(prediction.size());
  shard.read(0, shard.info().slices_per_scan(), {}, truth);
  const data::Geometry& grid = shard.info().grid;
  return analysis::surface_scores({truth, prediction, grid.size, grid.spacing()}, analysis::kSurfaceToleranceMm);
}

}  // namespace

std::vector<analysis::SubjectSurfaces> evaluate_surfaces(model::Network& network,
                                                         const std::vector<data::Shard>& shards, Group& group,
                                                         int batch) {
  constexpr std::size_t kEach = 3 * data::kClasses;
  std::vector<double> flat(kEach * shards.size());  // 0 where another rank has the number
  std::string error;
  try {
    const auto first = static_cast<std::size_t>(group.rank()), step = static_cast<std::size_t>(group.size());
    for (std::size_t s = first; s < shards.size(); s += step) {
      auto at = flat.begin() + static_cast<std::ptrdiff_t>(kEach * s);
      for (const auto& scores : surfaces_of(shards[s], predict(network, shards[s], group.device(), batch))) {
        for (const double value : {scores.hd95_mm, scores.nsd, scores.volume_difference}) *at++ = value;
      }
    }
  } catch (const std::exception& failure) {
    error = describe_failure(failure);
  }
  agree(group.ranks(), error);
  group.ranks().all_reduce_sum(flat.data(), flat.size(), ElementType::kFloat64);

  std::vector<analysis::SubjectSurfaces> result;
  auto at = flat.begin();
  for (const data::Shard& shard : shards) {
    result.push_back({shard.info().subject, {}});
    for (auto& scores : result.back().scores) {
      scores = {at[0], at[1], at[2]};
      at += 3;
    }
  }
  return result;
}

std::vector<analysis::SubjectSurfaces> surfaces_of_background(const std::vector<data::Shard>& shards) {
  std::vector<analysis::SubjectSurfaces> result;
  for (const data::Shard& shard : shards) {
    result.push_back({shard.info().subject, surfaces_of(shard, std::vector<std::uint8_t>(shard.info().grid.voxels()))});
  }
  return result;
}

std::vector<std::uint8_t> predict(model::Network& network, const data::Shard& shard, torch::Device device, int batch) {
  std::vector<std::uint8_t> result;
  Predictor predictor(network, device, batch, data::LabelKind::kManual);
  predictor.run(shard, 0, shard.info().slices_per_scan(),
                [&](int, auto, auto prediction) { result.insert(result.end(), prediction.begin(), prediction.end()); });
  return result;
}

std::vector<analysis::SubjectCounts> counts_of_background(const std::vector<data::Shard>& shards,
                                                          data::LabelKind labels) {
  std::vector<analysis::SubjectCounts> result;
  for (const data::Shard& shard : shards) {
    const auto& pixels = shard.info().scans.front().counts(labels).pixels;
    analysis::SubjectCounts subject{shard.info().subject, {}};
    subject.counts.true_positive[0] = static_cast<std::int64_t>(pixels[0]);
    for (std::size_t c = 1; c < pixels.size(); ++c) {
      subject.counts.false_negative[c] = static_cast<std::int64_t>(pixels[c]);
      subject.counts.false_positive[0] += static_cast<std::int64_t>(pixels[c]);
    }
    result.push_back(std::move(subject));
  }
  return result;
}

}  // namespace crossfade::runner
