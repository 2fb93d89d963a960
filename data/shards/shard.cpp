#include "data/shards/shard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "data/shards/hdf5_file.hpp"
#include "data/shards/intensity.hpp"
#include "data/shards/plane.hpp"
#include "data/shards/shard_format.hpp"
#include "data/utf8.hpp"

namespace crossfade::data {
namespace {

/// A grid of an array's shape (slowest axis first) and an affine in row-major order.
Geometry geometry_of(const Extent& shape, const std::vector<double>& affine) {
  Geometry geometry;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    geometry.size[axis] = static_cast<int>(shape[2 - axis]);
    for (std::size_t column = 0; column < 4; ++column) geometry.affine[axis][column] = affine[axis * 4 + column];
  }
  return geometry;
}

void require_index(const Hdf5Reader& reader, const std::string& dataset, const std::vector<std::int32_t>& found,
                   auto expected) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != expected(static_cast<int>(i)))
      reader.refuse("dataset '" + dataset + "' has " + std::to_string(found[i]) + " at " + std::to_string(i) +
                    " instead of " + std::to_string(expected(static_cast<int>(i))));
}

/// The class list that the label table has, own or built in; refuses a file that states another.
void read_classes(const Hdf5Reader& reader, ShardInfo& info) {
  try {
    if (!info.own_classes.classes.empty()) info.classes = own_label_table(info.own_classes).classes;
  } catch (const std::invalid_argument& error) {
    reader.refuse(std::string("attribute 'own_classes': ") + error.what());
  }
  const std::vector<std::string> names = reader.texts("/", "class_names"), &expected = info.classes.names;
  if (names.size() != expected.size())
    reader.refuse("attribute 'class_names' has " + std::to_string(names.size()) + " classes instead of " +
                  std::to_string(expected.size()));
  for (std::size_t c = 0; c < names.size(); ++c)
    if (names[c] != expected[c])
      reader.refuse("attribute 'class_names' has another class list: class " + std::to_string(c) + " is '" + names[c] +
                    "' instead of '" + expected[c] + "'");
  if (reader.numbers<std::int32_t>("/", "class_ids", expected.size()) != class_ids(info.classes.count()))
    reader.refuse("attribute 'class_ids' has another class list: not 0 to " + std::to_string(info.classes.count() - 1) +
                  " in order");
}

/// What version 3 says beyond version 2.
void read_own_data(const Hdf5Reader& reader, ShardInfo& info) {
  info.own_classes = {reader.text("/", "own_classes"), reader.text("/", "own_pairs"), reader.text("/", "own_ignore")};
  info.intensity = reader.text("/", "intensity");
  if (std::ranges::find(kIntensityRules, info.intensity) == kIntensityRules.end())
    reader.refuse("attribute 'intensity' is '" + info.intensity + "', which is no rule that this program knows");
  info.channels = reader.texts("/", "channels");
  const std::string spacing = reader.text("/", "spacing");
  if (spacing != "own" && spacing != "common") reader.refuse("attribute 'spacing' is neither 'own' nor 'common'");
  info.own_spacing = spacing == "own";
  const std::string sides = reader.text("/", "sides");
  if (sides != "merged" && sides != "told apart")
    reader.refuse("attribute 'sides' is neither 'merged' nor 'told apart'");
  info.sides_merged = sides == "merged";
  info.cube = reader.numbers<std::int32_t>("/", "cube", 1)[0];
  info.own_grid = info.cube == 0;
  const std::vector<double> grid_mm = reader.numbers<double>("/", "grid_mm", 3);
  std::ranges::copy(grid_mm, info.grid_mm.begin());
}

int read_version(const Hdf5Reader& reader) {
  if (const std::string format = reader.text("/", "format"); format != kShardFormat)
    reader.refuse("the format is '" + format + "' instead of '" + kShardFormat + "'");
  const int version = reader.numbers<std::int32_t>("/", "format_version", 1)[0];
  if (version != kShardVersion && version != kShardVersionOfOwnData)
    reader.refuse("format version " + std::to_string(version) + ", but this program reads versions " +
                  std::to_string(kShardVersion) + " and " + std::to_string(kShardVersionOfOwnData) +
                  ": prepare the cohort again");
  return version;
}

void read_root(const Hdf5Reader& reader, int version, ShardInfo& info) {
  if (version != kShardVersion) read_own_data(reader, info);
  read_classes(reader, info);
  info.plane = reader.text("/", "plane");
  if (!is_plane(info.plane)) reader.refuse("attribute 'plane' is '" + info.plane + "': no axial, coronal or sagittal");
  info.label_table = reader.text("/", "label_table");
  info.label_table_hash = reader.text("/", "label_table_hash");
  info.source = reader.text("/", "source");
  const std::vector<std::string> kinds = reader.texts("/", "label_kinds");
  const auto has = [&](LabelKind kind) { return std::find(kinds.begin(), kinds.end(), name_of(kind)) != kinds.end(); };
  info.has_manual = has(LabelKind::kManual);
  info.has_automatic = has(LabelKind::kAutomatic);
  if (kinds.empty() || kinds != kinds_of(info))
    reader.refuse("attribute 'label_kinds' is neither 'manual' nor 'automatic' nor 'manual', 'automatic'");
}

void read_counts(const Hdf5Reader& reader, LabelKind kind, int version, ShardInfo& info) {
  const LabelNames& names = names_of(kind);
  const std::size_t classes = info.classes.names.size();
  const Extent shape = {info.scans.size(), classes};
  const auto pixels = reader.dataset<std::uint64_t>(names.pixels, shape);
  const auto slices = reader.dataset<std::uint64_t>(names.slices, shape);
  std::vector<std::uint64_t> slice_pixels;
  if (version != kShardVersion) {
    slice_pixels = reader.dataset<std::uint64_t>(names.slice_pixels, shape);
  } else {  // all are judged
    for (const std::uint64_t count : slices) slice_pixels.push_back(count * u64(info.width()) * u64(info.height()));
  }
  const bool may_ignore = !info.own_classes.ignore.empty();
  for (std::size_t i = 0; i < info.scans.size(); ++i) {
    ClassCounts& counts = counts_of(info.scans[i], kind);
    const auto row = [&](const std::vector<std::uint64_t>& table) {
      const auto first = table.begin() + static_cast<std::ptrdiff_t>(i * classes);
      return std::vector<std::uint64_t>(first, first + static_cast<std::ptrdiff_t>(classes));
    };
    counts.pixels = row(pixels);
    counts.slices = row(slices);
    counts.slice_pixels = row(slice_pixels);
    const std::uint64_t total = std::accumulate(counts.pixels.begin(), counts.pixels.end(), std::uint64_t{0});
    if (total > info.grid.voxels() || (total < info.grid.voxels() && !may_ignore))
      reader.refuse("dataset '" + std::string(names.pixels) + "' counts " + std::to_string(total) + " pixels in scan " +
                    std::to_string(i) + " instead of " + std::to_string(info.grid.voxels()));
  }
}

/// [S] in version 2, [S, C] from 3 on.
std::vector<double> read_of_channels(const Hdf5Reader& reader, const std::string& name, int version,
                                     const ShardInfo& info) {
  Extent shape = {info.scans.size()};
  if (version != kShardVersion) shape.push_back(info.channels.size());
  return reader.dataset<double>("scans/" + name, shape);
}

void read_labelled(const Hdf5Reader& reader, ShardInfo& info) {
  const std::string name = "scans/labelled_intensities";
  const Extent shape = reader.shape(name);
  if (shape.size() != 3 || shape[0] != info.scans.size() || shape[1] != info.channels.size())
    reader.refuse("dataset '" + name + "' has the shape " + to_text(shape) + " instead of [S, C, M]");
  const auto values = reader.dataset<float>(name, shape);
  auto from = values.begin();
  for (ScanInfo& scan : info.scans)
    for (ChannelIntensities& channel : scan.channels) {
      const auto end = from + static_cast<std::ptrdiff_t>(shape[2]);
      std::copy_if(from, end, std::back_inserter(channel.labelled), [](float value) { return !std::isnan(value); });
      from = end;
    }
}

void read_intensities(const Hdf5Reader& reader, int version, ShardInfo& info) {
  const auto mean = read_of_channels(reader, "mean", version, info), sd = read_of_channels(reader, "sd", version, info);
  std::vector<double> low, high;
  if (version != kShardVersion) {
    low = read_of_channels(reader, "low", version, info);
    high = read_of_channels(reader, "high", version, info);
    if (info.intensity == "ct") read_labelled(reader, info);
  }
  std::size_t i = 0;
  for (std::size_t s = 0; s < info.scans.size(); ++s)
    for (ChannelIntensities& channel : info.scans[s].channels) {
      if (!std::isfinite(mean[i]) || !(sd[i] > 0) || !std::isfinite(sd[i]))
        reader.refuse("datasets 'scans/mean' and 'scans/sd' have no usable numbers for scan " + std::to_string(s));
      channel.mean = mean[i];
      channel.sd = sd[i];
      if (!low.empty()) channel.low = low[i], channel.high = high[i];
      ++i;
    }
}

/// What version 2 does not say: that sagittal slices have the sides merged, and whether slices fill the cube of 256 mm.
void set_grid(ShardInfo& info) {
  info.sides_merged = merges_sides(info.plane);
  info.grid_mm = info.grid.spacing();
  const auto fills = [&](std::size_t axis) {
    return info.grid.size[axis] == info.grid.size[0] &&
           std::abs(info.grid.size[axis] * info.grid_mm[axis] - 256) < 0.01;
  };
  if (fills(0) && fills(1) && fills(2)) info.cube = info.grid.size[0];
}

/// `slices`: sizes of the slices of all scans, [N, H, W].
void read_scans(const Hdf5Reader& reader, const Extent& slices, int version, ShardInfo& info) {
  info.subject = reader.text("scans", "subject");
  const Extent scans = reader.shape("scans/mean");
  if (scans.size() != (version == kShardVersion ? 1U : 2U) || scans[0] == 0 || slices[0] % scans[0] != 0)
    reader.refuse("dataset 'scans/mean' of shape " + to_text(scans) + " does not divide the " +
                  std::to_string(slices[0]) + " slices of 'images' into scans");
  const std::uint64_t s = scans[0];
  info.grid = geometry_of({slices[0] / s, slices[1], slices[2]}, reader.numbers<double>("scans", "affine", 12));
  if (version == kShardVersion) set_grid(info);
  info.scans.resize(s);
  for (ScanInfo& scan : info.scans) scan.channels.resize(info.channels.size());
  read_intensities(reader, version, info);
  for (const LabelKind kind : kLabelKinds)
    if (info.has(kind)) read_counts(reader, kind, version, info);
}

std::size_t index_of(LabelKind kind) {
  return kind == LabelKind::kManual ? 0 : 1;
}

void require_kind(const Hdf5Reader& reader, const ShardInfo& info, LabelKind kind) {
  if (!info.has(kind)) reader.refuse("there are no " + std::string(name_of(kind)) + " labels");
}

}  // namespace

LabelTable table_of(const ShardInfo& info) {
  return info.own_classes == OwnClasses{} ? label_table(info.label_table) : own_label_table(info.own_classes);
}

struct Shard::Handle {
  Hdf5Reader reader;
  std::array<std::vector<std::uint8_t>, 2> labelled;  // of each kind, [N]; empty where there are no such labels
};

Shard::Shard(const std::filesystem::path& file) : file_(file), handle_(new Handle{Hdf5Reader(file), {}}) {
  const Hdf5Reader& reader = handle_->reader;
  const int version = read_version(reader);
  read_root(reader, version, info_);
  const Extent images = reader.shape("images");
  const bool with_channels = version != kShardVersion;
  if (images.size() != (with_channels ? 4U : 3U) || *std::min_element(images.begin(), images.end()) == 0 ||
      (with_channels && images[1] != info_.channels.size()))
    reader.refuse("dataset 'images' has the shape " + to_text(images) + " instead of [N, " +
                  (with_channels ? std::to_string(info_.channels.size()) + ", " : "") + "H, W]");
  const Extent slices = {images.front(), images[images.size() - 2], images.back()};
  const auto require_shape = [&](const std::string& dataset) {
    if (const Extent labels = reader.shape(dataset); labels != slices)
      reader.refuse("dataset '" + dataset + "' has the shape " + to_text(labels) + " instead of " + to_text(slices) +
                    ", the shape of 'images'");
  };
  for (const LabelKind kind : kLabelKinds)
    if (info_.has(kind)) require_shape(names_of(kind).labels);
  read_scans(reader, slices, version, info_);
  const int per_scan = info_.slices_per_scan();
  require_index(reader, "scan", reader.dataset<std::int32_t>("scan", {images[0]}), [=](int i) { return i / per_scan; });
  require_index(reader, "slice", reader.dataset<std::int32_t>("slice", {images[0]}),
                [=](int i) { return i % per_scan; });
  for (const LabelKind kind : kLabelKinds)
    if (info_.has(kind))
      handle_->labelled[index_of(kind)] = reader.dataset<std::uint8_t>(names_of(kind).labelled, {images[0]});
  if (!info_.has_manual) return;
  if (const Extent original = reader.shape("original/labels"); original.size() != 3)
    reader.refuse("dataset 'original/labels' has the shape " + to_text(original) + " instead of [K, J, I]");
}

Shard::Shard(Shard&&) noexcept = default;
Shard& Shard::operator=(Shard&&) noexcept = default;
Shard::~Shard() = default;

void Shard::read(int first, int count, std::span<std::uint8_t> images, std::span<std::uint8_t> labels,
                 LabelKind kind) const {
  const Hdf5Reader& reader = handle_->reader;
  const std::string dataset = names_of(kind).labels;
  if (first < 0 || count < 0 || first > info_.slices() - count)
    reader.refuse("there are no slices " + std::to_string(first) + " to " + std::to_string(first + count) + " among " +
                  std::to_string(info_.slices()));
  if (!images.empty()) {
    if (info_.channels.size() > 1) reader.refuse("dataset 'images' has several channels, which are no single bytes");
    reader.rows("images", u64(first), u64(count), images);
  }
  if (labels.empty()) return;
  require_kind(reader, info_, kind);
  reader.rows(dataset, u64(first), u64(count), labels);
  // A label is an index into tables of the classes wherever it goes from here.
  const auto classes = static_cast<std::uint8_t>(info_.classes.count());
  const auto bad = std::ranges::find_if(
      labels, [&](std::uint8_t label) { return label >= classes && !(label == kIgnored && may_ignore()); });
  if (bad != labels.end())
    reader.refuse("dataset '" + dataset + "' has " + std::to_string(*bad) + " in slice " +
                  std::to_string(first + (bad - labels.begin()) / (info_.width() * info_.height())) + " of subject " +
                  valid_utf8(info_.subject) + ", which is no class: 0 to " + std::to_string(classes - 1));
}

bool Shard::stores_bytes() const {
  return info_.channels.size() == 1 && handle_->reader.holds<std::uint8_t>("images");
}

void Shard::read_values(int first, int count, std::span<float> values) const {
  const Hdf5Reader& reader = handle_->reader;
  const auto read_as = [&]<class T>(std::vector<T> stored) {
    stored.resize(values.size());
    reader.rows("images", u64(first), u64(count), std::span<T>(stored));
    std::ranges::copy(stored, values.begin());
  };
  if (reader.holds<float>("images"))
    reader.rows("images", u64(first), u64(count), values);
  else if (reader.holds<std::int16_t>("images"))
    read_as(std::vector<std::int16_t>());
  else
    read_as(std::vector<std::uint8_t>());
}

std::vector<Standard> Shard::standards(int scan) const {
  if (!of_stage_.empty()) return of_stage_;
  if (info_.intensity == "ct") handle_->reader.refuse("intensity ct needs the numbers of the training subjects");
  std::vector<Standard> own;
  for (const ChannelIntensities& channel : info_.scans.at(static_cast<std::size_t>(scan)).channels)
    own.push_back({.mean = channel.mean, .sd = channel.sd});
  return own;
}

std::vector<bool> Shard::labelled_slices(int scan, LabelKind kind) const {
  if (scan < 0 || scan >= static_cast<int>(info_.scans.size()))
    handle_->reader.refuse("there is no scan " + std::to_string(scan));
  require_kind(handle_->reader, info_, kind);
  const std::vector<std::uint8_t>& index = handle_->labelled[index_of(kind)];
  std::vector<bool> labelled;
  for (int slice = 0; slice < info_.slices_per_scan(); ++slice)
    labelled.push_back(index[u64(scan * info_.slices_per_scan() + slice)] != 0);
  return labelled;
}

Volume<std::int32_t> Shard::original_labels() const {
  const Hdf5Reader& reader = handle_->reader;
  require_kind(reader, info_, LabelKind::kManual);
  const Extent shape = reader.shape("original/labels");
  return {geometry_of(shape, reader.numbers<double>("original", "affine", 12)),
          reader.dataset<std::int32_t>("original/labels", shape)};
}

void require_siblings(const Shard& a, const Shard& b) {
  const auto differ = [&](const std::string& what, const std::string& in_a, const std::string& in_b) {
    throw std::runtime_error(b.file().string() + ": the " + what + " " + in_b + " differs from " + in_a + " in " +
                             a.file().string());
  };
  const auto size = [](const ShardInfo& i) { return std::to_string(i.width()) + " x " + std::to_string(i.height()); };
  const auto millimetres = [](const std::array<double, 3>& s) {
    return std::to_string(s[0]) + " x " + std::to_string(s[1]) + " x " + std::to_string(s[2]) + " mm";
  };
  const auto listed = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  const ShardInfo &x = a.info(), &y = b.info();
  if (x.plane != y.plane) differ("plane", x.plane, y.plane);
  if (x.width() != y.width() || x.height() != y.height()) differ("slice size", size(x), size(y));
  // On one grid each subject's own spacing may differ from the others' by twice what "the same" allows.
  const bool one_grid = x.own_grid && y.own_grid && x.grid_mm == y.grid_mm;
  if (x.own_spacing != y.own_spacing || (!x.own_spacing && !one_grid && !same_spacing(x.grid, y.grid)))
    differ("spacing", millimetres(x.grid.spacing()), millimetres(y.grid.spacing()));
  if (x.channels != y.channels) differ("channels", listed(x.channels), listed(y.channels));
  if (x.intensity != y.intensity) differ("intensity rule", x.intensity, y.intensity);
  if (x.label_table != y.label_table || x.label_table_hash != y.label_table_hash)
    differ("label table", x.label_table + " " + x.label_table_hash, y.label_table + " " + y.label_table_hash);
}

}  // namespace crossfade::data
