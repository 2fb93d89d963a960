#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "data/cohorts/pairing.hpp"
#include "data/cohorts/subject.hpp"
#include "data/number_words.hpp"
#include "data/shards/intensity.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/conform_image.hpp"
#include "data/volumes/image.hpp"
#include "data/volumes/picture.hpp"

namespace crossfade::data {
namespace {

/// One kind of labels of a scan.
struct ScanLabels {
  Volume<std::int32_t> original;  // as they came, placed as the spec says
  Volume<std::uint8_t> classes;   // on the grid of choice
  LabelNotes notes;
};

/// The image of a subject, and the file that it came from.
struct Scan {
  std::vector<ReadVolume<float>> channels;  // on one grid
  std::filesystem::path file;               // of the first
  const ReadVolume<float>& image() const { return channels.front(); }
};

/// A channel may be empty, as blue is in a picture of red; a scan may not.
void require_any_contents(const Scan& scan, const std::string& intensity) {
  const bool all_flat = std::ranges::all_of(scan.channels, [](const ReadVolume<float>& channel) {
    return std::ranges::min(channel.voxels) == std::ranges::max(channel.voxels);
  });
  for (const ReadVolume<float>& channel : scan.channels)
    if (all_flat || intensity == "t1") require_contents(channel, intensity, scan.file);
}

/// On the background is what is so in every channel.
LabelPlacement place_on(const Scan& scan, const Volume<std::int32_t>& labels, const LabelTable& table) {
  LabelPlacement placement = place_labels(labels, table, scan.image());
  for (std::size_t c = 1; c < scan.channels.size() && placement.on_background > 0; ++c)
    placement.on_background =
        std::min(placement.on_background, place_labels(labels, table, scan.channels[c]).on_background);
  return placement;
}

Scan read_scan(const Cohort& cohort, const ListedSubject& subject) {
  Scan scan{{}, subject.images.front()};
  for (const std::filesystem::path& file : subject.images) {
    std::vector<ReadVolume<float>> read;
    if (cohort.channels.size() == 1 && !is_picture(file))
      read.push_back(read_image(file));  // refuses several volumes in its own words
    else
      read = read_channels(file);
    if (subject.images.size() > 1 && read.size() > 1)
      throw std::runtime_error(file.string() + ": has " + std::to_string(read.size()) +
                               " channels, expected one, as the cohort has a file for each");
    const Geometry& grid = read.front().geometry;
    const Geometry& first = scan.channels.empty() ? grid : scan.image().geometry;
    constexpr double kApart = 0.1;  // mm, as of labels
    if (grid.size != first.size || !(corners_apart_mm(first, grid) <= kApart))
      throw std::runtime_error(file.string() + ": does not lie on the grid of " + scan.file.string() +
                               ", expected co-registered channels of one size and affine");
    for (ReadVolume<float>& channel : read) scan.channels.push_back(std::move(channel));
  }
  if (scan.channels.size() != cohort.channels.size())
    throw std::runtime_error(scan.file.string() + ": has " + counted(scan.channels.size(), "channel") + ", expected " +
                             std::to_string(cohort.channels.size()) +
                             (cohort.subjects.empty() ? " as the net was trained on" : " as the cohort"));
  require_any_contents(scan, cohort.spec.intensity);
  return scan;
}

/// Whether what lies outside `grid` is what lies outside `slices`: they are one, or the cube and its slices.
bool covers(const Geometry& grid, const Geometry& slices) {
  const auto extent = [](const Geometry& g, std::size_t axis) { return g.size[axis] * g.spacing()[axis]; };
  if (grid == slices) return true;
  for (const std::size_t axis : {0, 1, 2})
    if (std::abs(extent(grid, axis) - 256) > 0.01 || std::abs(extent(slices, axis) - 256) > 0.01) return false;
  return true;
}

/// `grid`: on which ids become classes; `slices`: what lies outside is said to be cut.
ScanLabels read_labels_of(const Scan& scan, const Geometry& grid, const Geometry& slices,
                          const std::filesystem::path& file, const LabelTable& table, const CohortSpec& spec) {
  ReadVolume<std::int32_t> read = read_labels(file);
  read.geometry = geometry_of_labels({.grid = read.geometry, .file = file},
                                     {.grid = scan.image().geometry, .file = scan.file}, spec.geometry);
  ScanLabels labels;
  labels.notes.table = table.name;
  labels.notes.reading = read.notes;
  labels.notes.placement = place_on(scan, read, table);
  if (spec.intensity != "t1") labels.notes.placement.negative = 0;  // they stay what they are
  require_on_image(labels.notes.placement, file, scan.file);
  try {
    MappedLabels mapped = map_labels(nearest_on<std::int32_t>(read, grid), table);
    labels.classes = std::move(mapped.classes);
    labels.notes.unnamed = std::move(mapped.unnamed);
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
  labels.notes.cut = cut_by(covers(grid, slices) ? grid : slices, read);
  std::erase_if(labels.notes.cut, [&](const auto& cut) { return !is_named(table, cut.first); });
  labels.original = std::move(read);
  return labels;
}

/// File names alone: a folder's path is no part of a shard.
std::string source_text(const Cohort& cohort, const ListedSubject& subject) {
  std::string text;
  for (const std::filesystem::path& image : subject.images)
    text += (text.empty() ? "" : ", ") + image.filename().string();
  text += ", conformed by generator " + std::to_string(kScanVersion);
  if (!subject.labels.empty()) text += "; labels: " + subject.labels.filename().string();
  if (!subject.automatic_labels.empty())
    text += "; automatic labels: " + subject.automatic_labels.filename().string() + ", label table " +
            cohort.automatic_table.name + " " + cohort.automatic_table.hash();
  return text;
}

/// Images and labels as they are stored, however they got there.
struct Placed {
  std::vector<std::uint8_t> bytes;
  std::vector<float> values;  // [N, C, H, W]
  std::vector<ChannelIntensities> channels;
  Geometry labels_on;  // the grid that labels become classes on
};

/// On the cube of 256 mm by the rule t1.
Placed on_cube(const Scan& scan, const Geometry& slices) {
  const Geometry cube = conformed_grid(scan.image().geometry);
  return {.bytes = on_study_grid(to_uint8(resample_linear(scan.image(), cube)), slices),
          .values = {},
          .channels = std::vector<ChannelIntensities>(1),
          .labels_on = cube};
}

Placed on_own_slices(const Scan& scan, const Cohort& cohort, const Geometry& turned, const Geometry& slices) {
  const std::string& rule = cohort.spec.intensity;
  const std::size_t channels = scan.channels.size();
  const auto slice = static_cast<std::size_t>(slices.size[0]) * static_cast<std::size_t>(slices.size[1]);
  Placed placed;
  placed.values.resize(slices.voxels() * channels);
  // Labels that only ever meet voxels of the image need no grid between.
  placed.labels_on = same_spacing(turned, slices) ? slices : turned;
  for (std::size_t c = 0; c < channels; ++c) {
    Volume<float> image = scan.channels[c];  // a copy: labels are held against the scan as it came
    placed.channels.push_back(rule == "t1" ? ChannelIntensities{} : measured_intensities(rule, image));
    if (rule == "t1") {
      const Volume<std::uint8_t> bytes = to_uint8(image);
      image.voxels.assign(bytes.voxels.begin(), bytes.voxels.end());
    }
    image = turned_to(image, cohort.grid.plane);
    const std::vector<float> values = on_slices(image, slices, static_cast<float>(placed.channels[c].low));
    for (std::size_t i = 0; i < values.size(); ++i)
      placed.values[(i / slice * channels + c) * slice + i % slice] = values[i];
  }
  if (rule != "t1") return placed;
  if (channels == 1) {
    placed.bytes.assign(placed.values.begin(), placed.values.end());
    placed.values.clear();
  }
  return placed;
}

/// Of t1 in several channels: the mean and sd of the values above 0, as write_shard() has them of one.
void measure_t1(ShardContents& shard) {
  const std::size_t channels = shard.info.channels.size(), slice = static_cast<std::size_t>(shard.info.width()) *
                                                                   static_cast<std::size_t>(shard.info.height());
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<float> values;
    for (std::size_t i = 0; i < shard.values.size(); ++i)
      if (i / slice % channels == c) values.push_back(shard.values[i]);
    shard.info.scans.front().channels[c] = t1_intensities(values);
  }
}

/// Of rule ct, once labels are there.
void sample_labelled(ShardContents& shard) {
  const std::vector<std::uint8_t>& labels = shard.info.has_manual ? shard.labels : shard.automatic;
  const std::size_t channels = shard.info.channels.size(), slice = static_cast<std::size_t>(shard.info.width()) *
                                                                   static_cast<std::size_t>(shard.info.height());
  for (std::size_t c = 0; c < channels; ++c) {
    std::vector<float> values;
    for (std::size_t i = 0; i < labels.size(); ++i)
      values.push_back(shard.values[(i / slice * channels + c) * slice + i % slice]);
    shard.info.scans.front().channels[c].labelled = labelled_sample(values, labels);
  }
}

}  // namespace

PreparedSubject scanned_subject(const Cohort& cohort, const ListedSubject& subject) {
  const CohortSpec& spec = cohort.spec;
  const Scan scan = read_scan(cohort, subject);
  const Geometry turned = turned_to(scan.image().geometry, cohort.grid.plane);

  PreparedSubject result;
  ShardContents& shard = result.contents;
  shard.info = shard_info(cohort, subject);
  shard.info.source = source_text(cohort, subject);
  shard.info.grid = slices_of(cohort.grid, turned);
  shard.info.scans.emplace_back();
  const bool classic = cohort.grid.cube > 0 && spec.intensity == "t1" && cohort.channels.size() == 1;
  Placed placed = classic ? on_cube(scan, shard.info.grid) : on_own_slices(scan, cohort, turned, shard.info.grid);
  shard.images = std::move(placed.bytes);
  shard.values = std::move(placed.values);
  shard.info.scans.front().channels = std::move(placed.channels);
  result.notes.subject = subject.name;
  for (const ReadVolume<float>& channel : scan.channels) {
    result.notes.image.not_finite += channel.notes.not_finite;
    result.notes.image.transforms_mm = std::max(result.notes.image.transforms_mm, channel.notes.transforms_mm);
  }
  const auto add = [&](const std::filesystem::path& file, const LabelTable& table, const char* kind,
                       std::vector<std::uint8_t>& to) {
    ScanLabels labels = read_labels_of(scan, placed.labels_on, shard.info.grid, file, table, spec);
    to = classic ? labels_on_study_grid(labels.classes, shard.info.grid) : on_slices(labels.classes, shard.info.grid);
    result.notes.labels.push_back(std::move(labels.notes));
    result.notes.labels.back().kind = kind;
    if (cohort.grid.cube == 0) result.notes.labels.back().field = "slices of the cohort's grid";
    return std::move(labels.original);
  };
  if (shard.info.has_manual) shard.original_labels = add(subject.labels, cohort.table, "labels", shard.labels);
  if (shard.info.has_automatic)
    add(subject.automatic_labels, cohort.automatic_table, "automatic labels", shard.automatic);
  if (spec.intensity == "t1" && !shard.values.empty()) measure_t1(shard);
  if (spec.intensity == "ct" && (shard.info.has_manual || shard.info.has_automatic)) sample_labelled(shard);
  return result;
}

}  // namespace crossfade::data
