// write_shard.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "data/publish.hpp"
#include "data/shards/hdf5_file.hpp"
#include "data/shards/intensity.hpp"
#include "data/shards/plane.hpp"
#include "data/shards/shard.hpp"
#include "data/shards/shard_format.hpp"

namespace crossfade::data {
namespace {

std::vector<double> flat(const Geometry& geometry) {
  std::vector<double> values;
  for (const auto& row : geometry.affine) values.insert(values.end(), row.begin(), row.end());
  return values;
}

Extent shape_of(const Geometry& geometry) {
  return {u64(geometry.size[2]), u64(geometry.size[1]), u64(geometry.size[0])};
}

const std::vector<std::uint8_t>& labels_of(const ShardContents& contents, LabelKind kind) {
  return kind == LabelKind::kManual ? contents.labels : contents.automatic;
}

/// The first thing wrong with `contents`, or nothing.
std::string fault(const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  if (info.subject.empty()) return "the subject has no name";
  if (!is_plane(info.plane)) return "'" + info.plane + "' is no plane: axial, coronal or sagittal";
  if (info.scans.empty()) return "there is no scan";
  for (const int size : info.grid.size)
    if (size < 1) return "the grid of the slices is empty";
  const std::size_t pixels = info.grid.voxels() * info.scans.size();
  if (info.channels.empty()) return "there is no channel";
  const bool bytes = contents.values.empty();
  const std::size_t expected_values = bytes ? pixels : pixels * info.channels.size();
  if (const std::size_t found = bytes ? contents.images.size() : contents.values.size(); found != expected_values)
    return std::to_string(found) + " image pixels instead of " + std::to_string(expected_values);
  if (bytes && info.channels.size() > 1) return "bytes of several channels belong into `values`";
  if (std::ranges::find(kIntensityRules, info.intensity) == kIntensityRules.end())
    return "'" + info.intensity + "' is no rule of intensities";
  for (const ScanInfo& scan : info.scans)
    if (scan.channels.size() != info.channels.size())
      return "intensities of " + std::to_string(scan.channels.size()) + " channels instead of " +
             std::to_string(info.channels.size());
  if (!info.has_manual && !info.has_automatic) return "there are no labels";
  for (const LabelKind kind : kLabelKinds) {
    const std::vector<std::uint8_t>& labels = labels_of(contents, kind);
    const std::size_t expected = info.has(kind) ? pixels : 0;
    if (labels.size() != expected)
      return std::to_string(labels.size()) + " pixels of " + name_of(kind) + " labels instead of " +
             std::to_string(expected);
    for (const std::uint8_t label : labels)
      if (label >= info.classes.count() && !(label == kIgnored && !info.own_classes.ignore.empty()))
        return "label " + std::to_string(label) + " is no class: 0 to " + std::to_string(info.classes.count() - 1);
  }
  const Volume<std::int32_t>& original = contents.original_labels;
  if (original.voxels.empty() == info.has_manual || original.voxels.size() != original.geometry.voxels())
    return "the original labels do not fit their grid";
  return {};
}

ClassCounts count_classes(std::span<const std::uint8_t> labels, std::size_t pixels_per_slice, int classes) {
  ClassCounts counts(classes);
  for (std::size_t begin = 0; begin < labels.size(); begin += pixels_per_slice) {
    std::array<std::uint64_t, kIgnored + 1> slice{};
    for (const std::uint8_t label : labels.subspan(begin, pixels_per_slice)) ++slice[label];
    const std::uint64_t judged = pixels_per_slice - slice[kIgnored];
    for (std::size_t c = 0; c < counts.pixels.size(); ++c) {
      if (slice[c] == 0) continue;
      counts.pixels[c] += slice[c];
      counts.slices[c] += 1;
      counts.slice_pixels[c] += judged;
    }
  }
  return counts;
}

/// Mean and standard deviation of the intensities above 0.
ChannelIntensities byte_intensities(std::span<const std::uint8_t> images) {
  ChannelIntensities channel;
  // Sums of integers: exact, whatever the order.
  std::uint64_t count = 0, sum = 0, squares = 0;
  for (const std::uint64_t value : images) {
    count += value > 0 ? 1 : 0;
    sum += value;
    squares += value * value;
  }
  if (count > 0) {
    channel.mean = static_cast<double>(sum) / static_cast<double>(count);
    const double variance = static_cast<double>(squares) / static_cast<double>(count) - channel.mean * channel.mean;
    if (variance > 1e-9) channel.sd = std::sqrt(variance);
  }
  return channel;
}

void write_root(Hdf5Writer& writer, const ShardInfo& info, int version_number) {
  writer.text("/", "format", kShardFormat);
  const std::int32_t version = version_number;
  writer.numbers<std::int32_t>("/", "format_version", {}, {&version, 1});
  writer.text("/", "plane", info.plane);
  writer.texts("/", "class_names", info.classes.names);
  writer.numbers<std::int32_t>("/", "class_ids", {u64(info.classes.count())}, class_ids(info.classes.count()));
  writer.text("/", "label_table", info.label_table);
  writer.text("/", "label_table_hash", info.label_table_hash);
  writer.text("/", "source", info.source);
  writer.texts("/", "label_kinds", kinds_of(info));
  const std::array<double, 3> spacing = info.grid.spacing();
  writer.numbers<double>("/", "voxel_mm", {3}, spacing);
  if (version == kShardVersion) return;
  writer.text("/", "own_classes", info.own_classes.classes);
  writer.text("/", "own_pairs", info.own_classes.pairs);
  writer.text("/", "own_ignore", info.own_classes.ignore);
  writer.text("/", "intensity", info.intensity);
  writer.texts("/", "channels", info.channels);
  writer.text("/", "spacing", info.own_spacing ? "own" : "common");
  writer.text("/", "sides", info.sides_merged ? "merged" : "told apart");
  const std::int32_t cube = info.cube;
  writer.numbers<std::int32_t>("/", "cube", {}, {&cube, 1});
  writer.numbers<double>("/", "grid_mm", {3}, info.grid_mm);
}

void write_labels(Hdf5Writer& writer, const ShardInfo& info, LabelKind kind, std::span<const std::uint8_t> labels) {
  const std::uint64_t n = u64(info.slices()), h = u64(info.height()), w = u64(info.width());
  writer.dataset<std::uint8_t>(names_of(kind).labels, {n, h, w}, {1, h, w}, labels);
  std::vector<std::uint8_t> labelled;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto pixels = labels.subspan(i * h * w, h * w);
    labelled.push_back(
        std::any_of(pixels.begin(), pixels.end(), [](std::uint8_t label) { return label > 0 && label != kIgnored; })
            ? 1
            : 0);
  }
  writer.dataset<std::uint8_t>(names_of(kind).labelled, {n}, {n}, labelled);
}

template <class T>
bool all_fit(std::span<const float> values) {
  using Limits = std::numeric_limits<T>;
  return std::ranges::all_of(values, [](float value) {
    return value == std::trunc(value) && value >= static_cast<float>(Limits::min()) &&
           value <= static_cast<float>(Limits::max());
  });
}

/// In the smallest type that holds them all.
void write_values(Hdf5Writer& writer, const ShardInfo& info, std::span<const float> values) {
  const std::uint64_t h = u64(info.height()), w = u64(info.width());
  const Extent shape = {u64(info.slices()), u64(info.channel_count()), h, w}, chunk = {1, 1, h, w};
  if (all_fit<std::uint8_t>(values))
    writer.dataset<std::uint8_t>("images", shape, chunk, std::vector<std::uint8_t>(values.begin(), values.end()));
  else if (all_fit<std::int16_t>(values))
    writer.dataset<std::int16_t>("images", shape, chunk, std::vector<std::int16_t>(values.begin(), values.end()));
  else
    writer.dataset<float>("images", shape, chunk, values);
}

void write_slices(Hdf5Writer& writer, const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  const std::uint64_t n = u64(info.slices()), h = u64(info.height()), w = u64(info.width());
  if (shard_version(contents) == kShardVersion)
    writer.dataset<std::uint8_t>("images", {n, h, w}, {1, h, w}, contents.images);
  else if (contents.values.empty())
    writer.dataset<std::uint8_t>("images", {n, 1, h, w}, {1, 1, h, w}, contents.images);
  else
    write_values(writer, info, contents.values);
  for (const LabelKind kind : kLabelKinds)
    if (info.has(kind)) write_labels(writer, info, kind, labels_of(contents, kind));
  std::vector<std::int32_t> scan, slice;
  for (int i = 0; i < info.slices(); ++i) {
    scan.push_back(i / info.slices_per_scan());
    slice.push_back(i % info.slices_per_scan());
  }
  writer.dataset<std::int32_t>("scan", {n}, {n}, scan);
  writer.dataset<std::int32_t>("slice", {n}, {n}, slice);
}

void write_counts(Hdf5Writer& writer, const ShardInfo& info, LabelKind kind, int version) {
  std::vector<std::uint64_t> pixels, slices, slice_pixels;
  for (const ScanInfo& scan : info.scans) {
    const ClassCounts& counts = scan.counts(kind);
    pixels.insert(pixels.end(), counts.pixels.begin(), counts.pixels.end());
    slices.insert(slices.end(), counts.slices.begin(), counts.slices.end());
    slice_pixels.insert(slice_pixels.end(), counts.slice_pixels.begin(), counts.slice_pixels.end());
  }
  const Extent shape = {info.scans.size(), u64(info.classes.count())};
  writer.dataset<std::uint64_t>(names_of(kind).pixels, shape, shape, pixels);
  writer.dataset<std::uint64_t>(names_of(kind).slices, shape, shape, slices);
  if (version != kShardVersion) writer.dataset<std::uint64_t>(names_of(kind).slice_pixels, shape, shape, slice_pixels);
}

/// A number of each channel of each scan: [S], from version 3 on [S, C].
void write_of_channels(Hdf5Writer& writer, const ShardInfo& info, const std::string& name,
                       double ChannelIntensities::*number, int version) {
  std::vector<double> values;
  for (const ScanInfo& scan : info.scans)
    for (const ChannelIntensities& channel : scan.channels) values.push_back(channel.*number);
  Extent shape = {info.scans.size()};
  if (version != kShardVersion) shape.push_back(info.channels.size());
  writer.dataset<double>("scans/" + name, shape, shape, values);
}

/// [S, C, M], NaN behind the last value of a channel that has fewer; M is at least 1.
void write_labelled(Hdf5Writer& writer, const ShardInfo& info) {
  std::size_t most = 1;
  for (const ScanInfo& scan : info.scans)
    for (const ChannelIntensities& channel : scan.channels) most = std::max(most, channel.labelled.size());
  std::vector<float> values;
  for (const ScanInfo& scan : info.scans)
    for (const ChannelIntensities& channel : scan.channels) {
      values.insert(values.end(), channel.labelled.begin(), channel.labelled.end());
      values.insert(values.end(), most - channel.labelled.size(), std::numeric_limits<float>::quiet_NaN());
    }
  const Extent shape = {info.scans.size(), info.channels.size(), most};
  writer.dataset<float>("scans/labelled_intensities", shape, shape, values);
}

void write_scans(Hdf5Writer& writer, const ShardInfo& info, int version) {
  writer.group("scans");
  writer.text("scans", "subject", info.subject);
  writer.numbers<double>("scans", "affine", {3, 4}, flat(info.grid));
  write_of_channels(writer, info, "mean", &ChannelIntensities::mean, version);
  write_of_channels(writer, info, "sd", &ChannelIntensities::sd, version);
  if (version != kShardVersion) {
    write_of_channels(writer, info, "low", &ChannelIntensities::low, version);
    write_of_channels(writer, info, "high", &ChannelIntensities::high, version);
    if (info.intensity == "ct") write_labelled(writer, info);
  }
  for (const LabelKind kind : kLabelKinds)
    if (info.has(kind)) write_counts(writer, info, kind, version);
}

void write_original(Hdf5Writer& writer, const Volume<std::int32_t>& original) {
  writer.group("original");
  writer.numbers<double>("original", "affine", {3, 4}, flat(original.geometry));
  const Extent shape = shape_of(original.geometry);
  writer.dataset<std::int32_t>("original/labels", shape, {1, shape[1], shape[2]}, original.voxels);
}

}  // namespace

int shard_version(const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  const bool old = contents.values.empty() && info.own_classes == OwnClasses{} && info.intensity == "t1" &&
                   info.channels.size() == 1 && !info.own_grid && !info.own_spacing;
  return old ? kShardVersion : kShardVersionOfOwnData;
}

void measure(ShardContents& contents) {
  ShardInfo& info = contents.info;
  const std::size_t voxels = info.grid.voxels();
  const std::size_t slice = u64(info.width()) * u64(info.height());
  const auto of_scan = [&](const auto& pixels, std::size_t s) { return std::span(pixels).subspan(s * voxels, voxels); };
  for (std::size_t s = 0; s < info.scans.size(); ++s) {
    if (info.intensity == "t1" && contents.values.empty())
      info.scans[s].channels.front() = byte_intensities(of_scan(contents.images, s));
    for (const LabelKind kind : kLabelKinds)
      if (info.has(kind))
        counts_of(info.scans[s], kind) =
            count_classes(of_scan(labels_of(contents, kind), s), slice, info.classes.count());
  }
}

void write_shard(const std::filesystem::path& file, ShardContents contents) {
  if (const std::string wrong = fault(contents); !wrong.empty())
    throw std::runtime_error(file.string() + ": no shard can be written: " + wrong);
  measure(contents);
  const ShardInfo& info = contents.info;
  const int version = shard_version(contents);
  Partial partial(file);
  Hdf5Writer writer(partial.path());
  write_root(writer, info, version);
  write_slices(writer, contents);
  write_scans(writer, info, version);
  if (info.has_manual) write_original(writer, contents.original_labels);
  writer.close();
  partial.publish();
}

}  // namespace crossfade::data
