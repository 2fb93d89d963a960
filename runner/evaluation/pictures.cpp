#include "runner/evaluation/pictures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "analysis/figures/slice_drawing.hpp"
#include "analysis/results/folder.hpp"
#include "data/publish.hpp"
#include "data/volumes/box.hpp"
#include "data/volumes/outlines.hpp"
#include "runner/evaluation/scan.hpp"
#include "runner/ranks/agreement.hpp"

namespace crossfade::runner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSlices = 3;  // of a subject
constexpr int kMargin = 6;          // pixels around what is labelled

struct Labels {
  std::vector<std::uint8_t> truth, prediction;  // [slices, H, W]
};

/// Columns and rows of all that truth or prediction label in these slices, and some around them; all where they label
/// nothing.
data::Box cut_to(const Labels& labels, const std::vector<int>& slices, const data::ShardInfo& info) {
  const std::array<int, 3> size = {info.width(), info.height(), 1};
  data::Volume<std::uint8_t> labelled{
      {size, {}}, std::vector<std::uint8_t>(labels.truth.size() / static_cast<std::size_t>(info.grid.size[2]))};
  for (const int slice : slices) {
    const std::size_t begin = static_cast<std::size_t>(slice) * labelled.voxels.size();
    for (std::size_t i = 0; i < labelled.voxels.size(); ++i)
      if (labels.truth[begin + i] != 0 || labels.prediction[begin + i] != 0) labelled.voxels[i] = 1;
  }
  const data::Box box = data::box_of_contents(labelled, {kMargin, kMargin, 0});
  return box.empty() ? data::Box{{0, 0, 0}, size} : box;
}

template <class Value>
std::vector<Value> cut_out(std::span<const Value> slice, const data::Box& cut, int width) {
  std::vector<Value> out;
  for (int y = cut.low[1]; y < cut.high[1]; ++y) {
    const auto row = slice.begin() + static_cast<std::ptrdiff_t>(y) * width;
    out.insert(out.end(), row + cut.low[0], row + cut.high[0]);
  }
  return out;
}

std::string draw(const data::Shard& shard, const Labels& labels) {
  const data::ShardInfo& info = shard.info();
  const auto pixels = static_cast<std::size_t>(info.width()) * static_cast<std::size_t>(info.height());
  const std::vector<int> slices = slices_that_differ(labels.truth, labels.prediction, pixels, kSlices);
  const data::Box cut = cut_to(labels, slices, info);
  const auto spacing = info.grid.spacing();
  std::vector<analysis::ComparedSlice> compared;
  for (const int slice : slices) {
    std::vector<float> values(pixels * info.channels.size());
    shard.read_values(slice, 1, values);
    const std::vector<float> grey = cut_out(std::span<const float>(values).first(pixels), cut, info.width());
    const auto part = [&](const std::vector<std::uint8_t>& volume) {
      return cut_out(std::span(volume).subspan(static_cast<std::size_t>(slice) * pixels, pixels), cut, info.width());
    };
    compared.push_back({.name = "slice " + std::to_string(slice),
                        .width = cut.size(0),
                        .height = cut.size(1),
                        .pixel_width = spacing[0],
                        .pixel_height = spacing[1],
                        .grey = data::grey_levels(grey, data::grey_window(grey)),
                        .truth = part(labels.truth),
                        .prediction = part(labels.prediction)});
  }
  return analysis::compared_slices(compared);
}

}  // namespace

std::vector<int> slices_that_differ(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction,
                                    std::size_t pixels, std::size_t most) {
  struct Slice {
    int index;
    std::size_t different, labelled;
  };
  std::vector<Slice> slices;
  for (std::size_t begin = 0; begin < truth.size(); begin += pixels) {
    Slice slice{static_cast<int>(slices.size()), 0, 0};
    for (std::size_t i = begin; i < begin + pixels; ++i) {
      if (truth[i] == data::kIgnored) continue;
      slice.different += truth[i] != prediction[i] ? 1U : 0U;
      slice.labelled += truth[i] != 0 || prediction[i] != 0 ? 1U : 0U;
    }
    slices.push_back(slice);
  }
  const auto labelled = std::ranges::count_if(slices, [](const Slice& slice) { return slice.labelled > 0; });
  std::ranges::stable_sort(slices, [](const Slice& a, const Slice& b) {
    return std::pair(a.different, a.labelled) > std::pair(b.different, b.labelled);
  });
  std::vector<int> chosen;
  for (const Slice& slice : slices) {
    if (chosen.size() == most || (slice.different == 0 && !chosen.empty())) break;
    if (std::ranges::all_of(chosen, [&](int other) { return 8 * std::abs(other - slice.index) > labelled; }))
      chosen.push_back(slice.index);
  }
  std::ranges::sort(chosen);
  return chosen;
}

void draw_subjects(const std::vector<data::Shard>& shards, const std::vector<analysis::SubjectCounts>& scores,
                   Group& group, const PredictVolume& predict_volume, const fs::path& pictures,
                   const std::string& hash) {
  if (pictures.empty()) return;
  const std::vector<std::size_t> chosen = analysis::worst_median_best(scores);
  together(group.ranks(), [&] {
    for (const std::size_t s : own_volumes(shards.size(), group)) {
      if (std::ranges::find(chosen, s) == chosen.end()) continue;
      const Labels labels{read_labels(shards[s], 0, data::LabelKind::kManual), predict_volume(s)};
      const fs::path file = analysis::picture_file(pictures, hash, scores[s].subject);
      data::make_folders(file.parent_path());
      data::write_whole(file, draw(shards[s], labels));
    }
  });
}

}  // namespace crossfade::runner
