#include "runner/commands/cohort_check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "analysis/tables/text_table.hpp"
#include "data/shards/class_weights.hpp"
#include "data/volumes/outlines.hpp"

namespace crossfade::runner {
namespace {

using analysis::fixed;

data::LabelKind kind_of(const data::ShardInfo& info) {
  return info.has_manual ? data::LabelKind::kManual : data::LabelKind::kAutomatic;
}

/// "48 x 64 x 35".
template <class Sizes>
std::string times(const Sizes& sizes) {
  std::string text;
  for (const int size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

/// "1 x 1 x 2.5", to a thousandth.
std::string times_mm(const std::array<double, 3>& spacing) {
  std::string text;
  for (const double mm : spacing) {
    std::string number = fixed(mm, 3);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    text += (text.empty() ? "" : " x ") + number;
  }
  return text;
}

std::string absent_classes(const data::ShardInfo& info) {
  const std::vector<std::uint64_t>& pixels = info.scans.front().counts(kind_of(info)).pixels;
  std::string absent;
  for (std::size_t c = 1; c < pixels.size(); ++c)
    if (pixels[c] == 0) absent += (absent.empty() ? "" : ", ") + info.classes.names[c];
  return absent;
}

/// The slice of scan 0 with most labelled pixels.
struct ChosenSlice {
  int index = 0;
  std::vector<float> grey;
  std::vector<std::uint8_t> labels;
};

ChosenSlice choose_slice(const data::Shard& shard) {
  const data::ShardInfo& info = shard.info();
  const auto pixels = static_cast<std::size_t>(info.width()) * static_cast<std::size_t>(info.height());
  ChosenSlice chosen;
  std::ptrdiff_t most = -1;
  std::vector<std::uint8_t> labels(pixels);
  for (int slice = 0; slice < info.slices_per_scan(); ++slice) {
    shard.read(slice, 1, {}, labels, kind_of(info));
    const std::ptrdiff_t labelled =
        std::ranges::count_if(labels, [](std::uint8_t label) { return label > 0 && label != data::kIgnored; });
    if (labelled <= most) continue;
    most = labelled;
    chosen.index = slice;
    chosen.labels = labels;
  }
  std::vector<float> values(pixels * info.channels.size());
  shard.read_values(chosen.index, 1, values);
  chosen.grey.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(pixels));
  return chosen;
}

}  // namespace

std::string cohort_summary(const std::vector<data::Shard>& shards) {
  const data::ShardInfo& info = shards.front().info();
  const data::LabelKind kind = kind_of(info);
  const auto weights = data::median_frequency_weights(shards, 0, kind);
  const std::vector<data::ClassCounts> scans = data::counts_of_scans(shards, kind);
  const auto [least, most] =
      std::ranges::minmax_element(shards, {}, [](const data::Shard& shard) { return shard.info().slices_per_scan(); });
  std::string slices = std::to_string(least->info().slices_per_scan());
  if (most->info().slices_per_scan() != least->info().slices_per_scan())
    slices += " to " + std::to_string(most->info().slices_per_scan());
  std::string text = std::to_string(shards.size()) + " subjects of " + slices + " " + info.plane + " slices, " +
                     std::to_string(info.width()) + " x " + std::to_string(info.height()) + " pixels, voxels of " +
                     (info.own_spacing ? "each subject's own size" : times_mm(info.grid.spacing()) + " mm") +
                     "; intensity " + info.intensity + "; " + (info.has_manual ? "manual" : "automatic") + " labels\n";
  if (info.channels.size() > 1) text += std::to_string(info.channels.size()) + " channels\n";
  analysis::TextTable table{
      {{"class"}, {"voxels a scan", true}, {"slices a scan", true}, {"in subjects", true}, {"weight", true}}, {}};
  const auto number = static_cast<double>(scans.size());
  for (std::size_t c = 0; c < info.classes.names.size(); ++c) {
    std::uint64_t voxels = 0, in_slices = 0;
    for (const data::ClassCounts& scan : scans) {
      voxels += scan.pixels[c];
      in_slices += scan.slices[c];
    }
    const auto subjects = std::ranges::count_if(
        shards, [&](const data::Shard& shard) { return shard.info().scans.front().counts(kind).pixels[c] > 0; });
    table.rows.push_back({info.classes.names[c], fixed(static_cast<double>(voxels) / number, 1),
                          fixed(static_cast<double>(in_slices) / number, 1), std::to_string(subjects),
                          fixed(weights[c], 4)});
  }
  return text + analysis::as_text(table);
}

std::string subject_table(const std::vector<data::Shard>& shards) {
  analysis::TextTable table{{{"subject"},
                             {"slices"},
                             {"mm"},
                             {"labels came as"},
                             {"mm"},
                             {"least", true},
                             {"largest", true},
                             {"mean", true},
                             {"sd", true},
                             {"classes without a voxel"}},
                            {}};
  for (const data::Shard& shard : shards) {
    const data::ShardInfo& info = shard.info();
    std::string came_as = "–", came_mm = "–";
    if (info.has_manual) {
      const data::Geometry original = shard.original_labels().geometry;
      came_as = times(original.size);
      came_mm = times_mm(original.spacing());
    }
    for (std::size_t c = 0; c < info.channels.size(); ++c) {
      const data::ChannelIntensities& channel = info.scans.front().channels[c];
      const bool first = c == 0;
      table.rows.push_back({first ? info.subject : "  " + info.channels[c], first ? times(info.grid.size) : "",
                            first ? times_mm(info.grid.spacing()) : "", first ? came_as : "", first ? came_mm : "",
                            fixed(channel.low, 1), fixed(channel.high, 1), fixed(channel.mean, 2), fixed(channel.sd, 2),
                            first ? absent_classes(info) : ""});
    }
  }
  return analysis::as_text(table);
}

void write_check_sheet(const std::filesystem::path& file, const std::vector<data::Shard>& shards, std::size_t most) {
  const std::size_t count = std::min(most, shards.size());
  std::vector<ChosenSlice> chosen;
  std::vector<data::SheetSlice> slices;
  chosen.reserve(count);  // slices look into its elements
  for (std::size_t n = 0; n < count; ++n) {
    const data::Shard& shard = shards[n * shards.size() / count];
    const data::ShardInfo& info = shard.info();
    chosen.push_back(choose_slice(shard));
    const ChosenSlice& slice = chosen.back();
    slices.push_back({.width = info.width(),
                      .height = info.height(),
                      .grey = slice.grey,
                      .window = data::grey_window(slice.grey),
                      .labels = slice.labels,
                      .caption = info.subject + " " + std::to_string(slice.index)});
  }
  constexpr int kCell = 256;  // pixels of the sheet that a slice should fill
  const int side = std::max(slices.front().width, slices.front().height);
  data::write_png(file, data::contact_sheet(slices, 0, std::max(1, kCell / side)));
}

}  // namespace crossfade::runner
