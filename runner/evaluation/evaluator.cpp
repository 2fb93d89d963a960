#include "runner/evaluation/evaluator.hpp"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "data/shards/loader.hpp"
#include "data/shards/plane.hpp"
#include "data/utf8.hpp"
#include "model/autocast.hpp"
#include "model/sampling.hpp"
#include "runner/evaluation/network_input.hpp"
#include "runner/evaluation/scan.hpp"
#include "runner/ranks/agreement.hpp"

namespace crossfade::runner {
namespace {

using analysis::Counts;

/// The classes that a batch of logits says, in the order of its pixels.
std::vector<std::uint8_t> classes_of(const torch::Tensor& logits, const data::ShardInfo& info) {
  const torch::Tensor classes = model::largest_channel(logits).cpu().contiguous();
  const auto* first = classes.const_data_ptr<std::uint8_t>();
  std::vector<std::uint8_t> result(first, first + classes.numel());
  if (info.sides_merged)
    for (std::uint8_t& c : result) c = data::merged_sides(info.classes, c);
  return result;
}

/// In single precision, as predictions always were.
void standardise(std::span<float> values, const data::Standard& standard) {
  const auto low = static_cast<float>(standard.low), high = static_cast<float>(standard.high),
             mean = static_cast<float>(standard.mean), sd = static_cast<float>(standard.sd);
  for (float& value : values) value = (std::clamp(value, low, high) - mean) / sd;
}

std::vector<std::uint8_t> labels_of(const data::Shard& shard, int first, int count, data::LabelKind kind) {
  const data::ShardInfo& info = shard.info();
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(count) * static_cast<std::size_t>(info.width()) *
                                   static_cast<std::size_t>(info.height()));
  shard.read(first, count, {}, labels, kind);
  return labels;
}

std::vector<Counts> no_counts(const std::vector<data::Shard>& shards) {
  std::vector<Counts> counts;
  for (const data::Shard& shard : shards) counts.emplace_back(shard.info().classes.count());
  return counts;
}

/// Counts of the slices that fall to this rank when all slices of all shards are lined up.
std::vector<Counts> count_part(model::Network& network, const std::vector<data::Shard>& shards, const Group& group,
                               int batch, data::LabelKind kind, const StopEarly& stop) {
  int total = 0;
  for (const data::Shard& shard : shards) total += shard.info().slices_per_scan();
  const data::Part part = data::part_of(total, group.rank(), group.size());
  std::vector<Counts> counts = no_counts(shards);
  int before = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (stop && stop()) break;
    const int slices = shards[i].info().slices_per_scan();
    const int first = std::clamp(part.first - before, 0, slices);
    const int end = std::clamp(part.first + part.count - before, 0, slices);
    predict_slices(
        network, shards[i], first, end - first, group.device(), batch, [&](int at, const torch::Tensor& logits) {
          const auto truth = labels_of(shards[i], at, static_cast<int>(logits.size(0)), kind);
          counts[i] += analysis::count(truth, classes_of(logits, shards[i].info()), shards[i].info().classes.count());
        });
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

/// Calls `use(index)` for the volumes that fall to this rank.
template <class Use>
void for_each_volume(const std::vector<data::Shard>& shards, Group& group, const StopEarly& stop, Use use) {
  together(group.ranks(), [&] {
    for (const std::size_t s : own_volumes(shards.size(), group)) {
      if (stop && stop()) return;
      use(s);
    }
  });
}

/// Adds up `counts` over the ranks of the group, in place. Collective.
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

std::vector<analysis::SubjectCounts> summed(const std::vector<data::Shard>& shards, std::vector<Counts> counts,
                                            Group& group) {
  sum_over_group(counts, group);
  std::vector<analysis::SubjectCounts> result;
  for (std::size_t i = 0; i < shards.size(); ++i)
    result.push_back({data::valid_utf8(shards[i].info().subject), counts[i]});
  return result;
}

}  // namespace

void predict_slices(model::Network& network, const SliceSource& source, int first, int count, torch::Device device,
                    int batch, const std::function<void(int, const torch::Tensor&)>& use) {
  const torch::NoGradGuard no_grad;
  network.eval();
  const model::Autocast once(network.precision(), device.type());  // for parameters, which stay as they are
  const auto type = network.parameters().front().scalar_type();
  const data::ShardInfo& info = source.info();
  const auto pixels = static_cast<std::size_t>(info.width()) * static_cast<std::size_t>(info.height());
  const std::vector<data::Standard> standards = source.standards();
  std::vector<float> images;
  for (int at = first; at < first + count; at += batch) {
    const int slices = std::min(batch, first + count - at);
    images.resize(static_cast<std::size_t>(slices) * standards.size() * pixels);
    source.read(at, slices, images);
    for (std::size_t i = 0; i < images.size(); i += pixels)
      standardise(std::span(images).subspan(i, pixels), standards[i / pixels % standards.size()]);
    use(at, network.forward(image_tensor(images.data(), {slices, info.channel_count(), info.height(), info.width()},
                                         device, type)));
  }
}

std::vector<std::uint8_t> predict(model::Network& network, const SliceSource& source, torch::Device device, int batch) {
  std::vector<std::uint8_t> result;
  predict_slices(network, source, 0, source.info().slices_per_scan(), device, batch,
                 [&](int, const torch::Tensor& logits) {
                   const auto classes = classes_of(logits, source.info());
                   result.insert(result.end(), classes.begin(), classes.end());
                 });
  return result;
}

std::vector<analysis::SubjectCounts> evaluate(model::Network& network, const std::vector<data::Shard>& shards,
                                              Group& group, int batch, data::LabelKind labels, const StopEarly& stop) {
  std::vector<Counts> counts(shards.size());
  together(group.ranks(), [&] { counts = count_part(network, shards, group, batch, labels, stop); });
  return summed(shards, std::move(counts), group);
}

std::vector<std::size_t> own_volumes(std::size_t count, const Group& group) {
  const auto first = static_cast<std::size_t>(group.rank()), step = static_cast<std::size_t>(group.size());
  std::vector<std::size_t> own;
  for (std::size_t v = first; v < count; v += step) own.push_back(v);
  return own;
}

PredictVolume background(const std::vector<data::Shard>& shards) {
  return [&shards](std::size_t s) { return std::vector<std::uint8_t>(shards[s].info().grid.voxels()); };
}

VolumeScores score_volumes(const std::vector<data::Shard>& shards, Group& group, const PredictVolume& predict_volume,
                           const StopEarly& stop) {
  std::vector<Counts> counts = no_counts(shards);
  const std::size_t each = shards.empty() ? 0 : 3 * shards.front().info().classes.names.size();
  // 0 where another rank has the number.
  std::vector<double> flat(each * shards.size()), seconds(shards.size());
  for_each_volume(shards, group, stop, [&](std::size_t s) {
    const auto begin = std::chrono::steady_clock::now();
    const auto prediction = predict_volume(s);
    seconds[s] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto truth = read_labels(shards[s], 0, data::LabelKind::kManual);
    const int classes = shards[s].info().classes.count();
    counts[s] = analysis::count(truth, prediction, classes);
    const data::Geometry& grid = shards[s].info().grid;
    auto at = flat.begin() + static_cast<std::ptrdiff_t>(each * s);
    for (const auto& scores : analysis::surface_scores({truth, prediction, grid.size, grid.spacing()}, classes,
                                                       analysis::kSurfaceToleranceMm)) {
      for (const double value : {scores.hd95_mm, scores.nsd, scores.volume_difference}) *at++ = value;
    }
  });
  group.ranks().all_reduce_sum(flat.data(), flat.size(), ElementType::kFloat64);
  group.ranks().all_reduce_sum(seconds.data(), seconds.size(), ElementType::kFloat64);

  VolumeScores result{summed(shards, std::move(counts), group), {}, std::move(seconds)};
  auto at = flat.begin();
  for (const data::Shard& shard : shards) {
    result.surfaces.push_back({data::valid_utf8(shard.info().subject), {}});
    result.surfaces.back().scores.resize(shard.info().classes.names.size());
    for (auto& scores : result.surfaces.back().scores) {
      scores = {at[0], at[1], at[2]};
      at += 3;
    }
  }
  return result;
}

void set_test_scores(VolumeScores scores, analysis::StageResult& result) {
  result.test = std::move(scores.counts);
  result.surfaces = std::move(scores.surfaces);
  result.seconds = std::move(scores.seconds);
}

std::vector<analysis::SubjectCounts> count_volumes(const std::vector<data::Shard>& shards, Group& group,
                                                   data::LabelKind labels, const PredictVolume& predict_volume,
                                                   const StopEarly& stop) {
  const auto count_volume = [&](std::size_t s) {
    return analysis::count(read_labels(shards[s], 0, labels), predict_volume(s), shards[s].info().classes.count());
  };
  return count_volumes(shards, group, count_volume, stop);
}

std::vector<analysis::SubjectCounts> count_volumes(const std::vector<data::Shard>& shards, Group& group,
                                                   const std::function<Counts(std::size_t)>& count_volume,
                                                   const StopEarly& stop) {
  std::vector<Counts> counts = no_counts(shards);
  for_each_volume(shards, group, stop, [&](std::size_t s) { counts[s] = count_volume(s); });
  return summed(shards, std::move(counts), group);
}

int evaluation_batch(const StageOptions& stage, const Group& group) {
  return std::max(1, stage.batch / group.size());
}

}  // namespace crossfade::runner
