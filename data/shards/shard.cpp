#include "data/shards/shard.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "data/publish.hpp"
#include "data/shards/hdf5_file.hpp"
#include "data/shards/plane.hpp"

namespace crossfade::data {
namespace {

constexpr const char* kFormat = "crossfade shard";

/// Names of the datasets of one kind of labels.
struct LabelNames {
  const char* labels;
  const char* labelled;
  const char* pixels;
  const char* slices;
};
constexpr LabelNames kManualNames = {"labels", "labelled", "scans/labels_pixels", "scans/labels_slices"};
constexpr LabelNames kAutomaticNames = {"labels_automatic", "labelled_automatic", "scans/labels_automatic_pixels",
                                        "scans/labels_automatic_slices"};

const LabelNames& names_of(LabelKind kind) {
  return kind == LabelKind::kManual ? kManualNames : kAutomaticNames;
}

constexpr std::array kKinds = {LabelKind::kManual, LabelKind::kAutomatic};

const char* name_of(LabelKind kind) {
  return kind == LabelKind::kManual ? "manual" : "automatic";
}

std::vector<std::string> kinds_of(const ShardInfo& info) {
  std::vector<std::string> kinds;
  for (const LabelKind kind : kKinds)
    if (info.has(kind)) kinds.emplace_back(name_of(kind));
  return kinds;
}

std::uint64_t u64(int value) {
  return static_cast<std::uint64_t>(value);
}

std::vector<std::string> class_names() {
  return {kStructures.begin(), kStructures.end()};
}

std::vector<std::int32_t> class_ids() {
  std::vector<std::int32_t> ids(kClasses);
  for (int c = 0; c < kClasses; ++c) ids[static_cast<std::size_t>(c)] = c;
  return ids;
}

std::vector<double> flat(const Geometry& geometry) {
  std::vector<double> values;
  for (const auto& row : geometry.affine) values.insert(values.end(), row.begin(), row.end());
  return values;
}

/// A grid of an array's shape (slowest axis first) and an affine in row-major order.
Geometry geometry_of(const Extent& shape, const std::vector<double>& affine) {
  Geometry geometry;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    geometry.size[axis] = static_cast<int>(shape[2 - axis]);
    for (std::size_t column = 0; column < 4; ++column) geometry.affine[axis][column] = affine[axis * 4 + column];
  }
  return geometry;
}

Extent shape_of(const Geometry& geometry) {
  return {u64(geometry.size[2]), u64(geometry.size[1]), u64(geometry.size[0])};
}

const std::vector<std::uint8_t>& labels_of(const ShardContents& contents, LabelKind kind) {
  return kind == LabelKind::kManual ? contents.labels : contents.automatic;
}

ClassCounts& counts_of(ScanInfo& scan, LabelKind kind) {
  return kind == LabelKind::kManual ? scan.manual : scan.automatic;
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
  if (contents.images.size() != pixels)
    return std::to_string(contents.images.size()) + " image pixels instead of " + std::to_string(pixels);
  if (!info.has_manual && !info.has_automatic) return "there are no labels";
  for (const LabelKind kind : kKinds) {
    const std::vector<std::uint8_t>& labels = labels_of(contents, kind);
    const std::size_t expected = info.has(kind) ? pixels : 0;
    if (labels.size() != expected)
      return std::to_string(labels.size()) + " pixels of " + name_of(kind) + " labels instead of " +
             std::to_string(expected);
    for (const std::uint8_t label : labels)
      if (label >= kClasses) return "label " + std::to_string(label) + " is no class: 0 to 27";
  }
  const Volume<std::int32_t>& original = contents.original_labels;
  if (original.voxels.empty() == info.has_manual || original.voxels.size() != original.geometry.voxels())
    return "the original labels do not fit their grid";
  return {};
}

ClassCounts count_classes(std::span<const std::uint8_t> labels, std::size_t pixels_per_slice) {
  ClassCounts counts;
  for (std::size_t begin = 0; begin < labels.size(); begin += pixels_per_slice) {
    std::array<std::uint64_t, kClasses> slice{};
    for (const std::uint8_t label : labels.subspan(begin, pixels_per_slice)) ++slice[label];
    for (std::size_t c = 0; c < kClasses; ++c) {
      counts.pixels[c] += slice[c];
      counts.slices[c] += slice[c] > 0 ? 1 : 0;
    }
  }
  return counts;
}

/// Mean and standard deviation of the intensities above 0.
ScanInfo summarise_images(std::span<const std::uint8_t> images) {
  ScanInfo scan;
  // Sums of integers: exact, whatever the order.
  std::uint64_t count = 0, sum = 0, squares = 0;
  for (const std::uint64_t value : images) {
    count += value > 0 ? 1 : 0;
    sum += value;
    squares += value * value;
  }
  if (count > 0) {
    scan.mean = static_cast<double>(sum) / static_cast<double>(count);
    const double variance = static_cast<double>(squares) / static_cast<double>(count) - scan.mean * scan.mean;
    if (variance > 1e-9) scan.sd = std::sqrt(variance);
  }
  return scan;
}

void write_root(Hdf5Writer& writer, const ShardInfo& info) {
  writer.text("/", "format", kFormat);
  const std::int32_t version = kShardVersion;
  writer.numbers<std::int32_t>("/", "format_version", {}, {&version, 1});
  writer.text("/", "plane", info.plane);
  writer.texts("/", "class_names", class_names());
  writer.numbers<std::int32_t>("/", "class_ids", {kClasses}, class_ids());
  writer.text("/", "label_table", info.label_table);
  writer.text("/", "label_table_hash", info.label_table_hash);
  writer.text("/", "source", info.source);
  writer.texts("/", "label_kinds", kinds_of(info));
  const std::array<double, 3> spacing = info.grid.spacing();
  writer.numbers<double>("/", "voxel_mm", {3}, spacing);
}

void write_labels(Hdf5Writer& writer, const ShardInfo& info, LabelKind kind, std::span<const std::uint8_t> labels) {
  const std::uint64_t n = u64(info.slices()), h = u64(info.height()), w = u64(info.width());
  writer.dataset<std::uint8_t>(names_of(kind).labels, {n, h, w}, {1, h, w}, labels);
  std::vector<std::uint8_t> labelled;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto pixels = labels.subspan(i * h * w, h * w);
    labelled.push_back(std::any_of(pixels.begin(), pixels.end(), [](std::uint8_t label) { return label > 0; }) ? 1 : 0);
  }
  writer.dataset<std::uint8_t>(names_of(kind).labelled, {n}, {n}, labelled);
}

void write_slices(Hdf5Writer& writer, const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  const std::uint64_t n = u64(info.slices()), h = u64(info.height()), w = u64(info.width());
  writer.dataset<std::uint8_t>("images", {n, h, w}, {1, h, w}, contents.images);
  for (const LabelKind kind : kKinds)
    if (info.has(kind)) write_labels(writer, info, kind, labels_of(contents, kind));
  std::vector<std::int32_t> scan, slice;
  for (int i = 0; i < info.slices(); ++i) {
    scan.push_back(i / info.slices_per_scan());
    slice.push_back(i % info.slices_per_scan());
  }
  writer.dataset<std::int32_t>("scan", {n}, {n}, scan);
  writer.dataset<std::int32_t>("slice", {n}, {n}, slice);
}

void write_counts(Hdf5Writer& writer, const ShardInfo& info, LabelKind kind) {
  std::vector<std::uint64_t> pixels, slices;
  for (const ScanInfo& scan : info.scans) {
    const ClassCounts& counts = scan.counts(kind);
    pixels.insert(pixels.end(), counts.pixels.begin(), counts.pixels.end());
    slices.insert(slices.end(), counts.slices.begin(), counts.slices.end());
  }
  const std::uint64_t s = info.scans.size();
  writer.dataset<std::uint64_t>(names_of(kind).pixels, {s, kClasses}, {s, kClasses}, pixels);
  writer.dataset<std::uint64_t>(names_of(kind).slices, {s, kClasses}, {s, kClasses}, slices);
}

void write_scans(Hdf5Writer& writer, const ShardInfo& info) {
  writer.group("scans");
  writer.text("scans", "subject", info.subject);
  writer.numbers<double>("scans", "affine", {3, 4}, flat(info.grid));
  std::vector<double> mean, sd;
  for (const ScanInfo& scan : info.scans) {
    mean.push_back(scan.mean);
    sd.push_back(scan.sd);
  }
  const std::uint64_t s = info.scans.size();
  writer.dataset<double>("scans/mean", {s}, {s}, mean);
  writer.dataset<double>("scans/sd", {s}, {s}, sd);
  for (const LabelKind kind : kKinds)
    if (info.has(kind)) write_counts(writer, info, kind);
}

void write_original(Hdf5Writer& writer, const Volume<std::int32_t>& original) {
  writer.group("original");
  writer.numbers<double>("original", "affine", {3, 4}, flat(original.geometry));
  const Extent shape = shape_of(original.geometry);
  writer.dataset<std::int32_t>("original/labels", shape, {1, shape[1], shape[2]}, original.voxels);
}

void require_index(const Hdf5Reader& reader, const std::string& dataset, const std::vector<std::int32_t>& found,
                   auto expected) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != expected(static_cast<int>(i)))
      reader.refuse("dataset '" + dataset + "' has " + std::to_string(found[i]) + " at " + std::to_string(i) +
                    " instead of " + std::to_string(expected(static_cast<int>(i))));
}

void read_root(const Hdf5Reader& reader, ShardInfo& info) {
  if (const std::string format = reader.text("/", "format"); format != kFormat)
    reader.refuse("the format is '" + format + "' instead of '" + kFormat + "'");
  if (const int version = reader.numbers<std::int32_t>("/", "format_version", 1)[0]; version != kShardVersion)
    reader.refuse("format version " + std::to_string(version) + ", but this program reads version " +
                  std::to_string(kShardVersion) + ": prepare the cohort again");
  const std::vector<std::string> names = reader.texts("/", "class_names"), expected = class_names();
  if (names.size() != expected.size())
    reader.refuse("attribute 'class_names' has " + std::to_string(names.size()) + " classes instead of " +
                  std::to_string(kClasses));
  for (std::size_t c = 0; c < names.size(); ++c)
    if (names[c] != expected[c])
      reader.refuse("attribute 'class_names' has another class list: class " + std::to_string(c) + " is '" + names[c] +
                    "' instead of '" + expected[c] + "'");
  if (reader.numbers<std::int32_t>("/", "class_ids", kClasses) != class_ids())
    reader.refuse("attribute 'class_ids' has another class list: not 0 to 27 in order");
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

ClassCounts read_counts(const std::vector<std::uint64_t>& pixels, const std::vector<std::uint64_t>& slices,
                        std::size_t scan) {
  ClassCounts counts;
  for (std::size_t c = 0; c < kClasses; ++c) {
    counts.pixels[c] = pixels[scan * kClasses + c];
    counts.slices[c] = slices[scan * kClasses + c];
  }
  return counts;
}

void read_counts(const Hdf5Reader& reader, LabelKind kind, ShardInfo& info) {
  const LabelNames& names = names_of(kind);
  const Extent shape = {info.scans.size(), kClasses};
  const auto pixels = reader.dataset<std::uint64_t>(names.pixels, shape);
  const auto slices = reader.dataset<std::uint64_t>(names.slices, shape);
  for (std::size_t i = 0; i < info.scans.size(); ++i) {
    const ClassCounts counts = read_counts(pixels, slices, i);
    const std::uint64_t total = std::accumulate(counts.pixels.begin(), counts.pixels.end(), std::uint64_t{0});
    if (total != info.grid.voxels())
      reader.refuse("dataset '" + std::string(names.pixels) + "' counts " + std::to_string(total) + " pixels in scan " +
                    std::to_string(i) + " instead of " + std::to_string(info.grid.voxels()));
    counts_of(info.scans[i], kind) = counts;
  }
}

void read_scans(const Hdf5Reader& reader, const Extent& images, ShardInfo& info) {
  info.subject = reader.text("scans", "subject");
  const Extent scans = reader.shape("scans/mean");
  if (scans.size() != 1 || scans[0] == 0 || images[0] % scans[0] != 0)
    reader.refuse("dataset 'scans/mean' of shape " + to_text(scans) + " does not divide the " +
                  std::to_string(images[0]) + " slices of 'images' into scans");
  const std::uint64_t s = scans[0];
  info.grid = geometry_of({images[0] / s, images[1], images[2]}, reader.numbers<double>("scans", "affine", 12));
  const auto mean = reader.dataset<double>("scans/mean", {s});
  const auto sd = reader.dataset<double>("scans/sd", {s});
  for (std::size_t i = 0; i < s; ++i) {
    if (!std::isfinite(mean[i]) || !(sd[i] > 0) || !std::isfinite(sd[i]))
      reader.refuse("datasets 'scans/mean' and 'scans/sd' have no usable numbers for scan " + std::to_string(i));
    info.scans.push_back({mean[i], sd[i], {}, {}});
  }
  for (const LabelKind kind : kKinds)
    if (info.has(kind)) read_counts(reader, kind, info);
}

std::size_t index_of(LabelKind kind) {
  return kind == LabelKind::kManual ? 0 : 1;
}

void require_kind(const Hdf5Reader& reader, const ShardInfo& info, LabelKind kind) {
  if (!info.has(kind)) reader.refuse("there are no " + std::string(name_of(kind)) + " labels");
}

}  // namespace

void write_shard(const std::filesystem::path& file, ShardContents contents) {
  if (const std::string wrong = fault(contents); !wrong.empty())
    throw std::runtime_error(file.string() + ": no shard can be written: " + wrong);
  ShardInfo& info = contents.info;
  const std::size_t voxels = info.grid.voxels();
  const std::size_t slice = u64(info.width()) * u64(info.height());
  const auto of_scan = [&](const auto& pixels, std::size_t s) { return std::span(pixels).subspan(s * voxels, voxels); };
  for (std::size_t s = 0; s < info.scans.size(); ++s) {
    info.scans[s] = summarise_images(of_scan(contents.images, s));
    for (const LabelKind kind : kKinds)
      if (info.has(kind)) counts_of(info.scans[s], kind) = count_classes(of_scan(labels_of(contents, kind), s), slice);
  }
  const std::filesystem::path partial = partial_name(file);
  try {
    Hdf5Writer writer(partial);
    write_root(writer, info);
    write_slices(writer, contents);
    write_scans(writer, info);
    if (info.has_manual) write_original(writer, contents.original_labels);
    writer.close();
    publish(partial, file);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    throw;
  }
}

struct Shard::Handle {
  Hdf5Reader reader;
  std::array<std::vector<std::uint8_t>, 2> labelled;  // of each kind, [N]; empty where there are no such labels
};

Shard::Shard(const std::filesystem::path& file) : file_(file), handle_(new Handle{Hdf5Reader(file), {}}) {
  const Hdf5Reader& reader = handle_->reader;
  read_root(reader, info_);
  const Extent images = reader.shape("images");
  if (images.size() != 3 || *std::min_element(images.begin(), images.end()) == 0)
    reader.refuse("dataset 'images' has the shape " + to_text(images) + " instead of [N, H, W]");
  const auto require_shape = [&](const std::string& dataset) {
    if (const Extent labels = reader.shape(dataset); labels != images)
      reader.refuse("dataset '" + dataset + "' has the shape " + to_text(labels) + " instead of " + to_text(images) +
                    ", the shape of 'images'");
  };
  for (const LabelKind kind : kKinds)
    if (info_.has(kind)) require_shape(names_of(kind).labels);
  read_scans(reader, images, info_);
  const int per_scan = info_.slices_per_scan();
  require_index(reader, "scan", reader.dataset<std::int32_t>("scan", {images[0]}), [=](int i) { return i / per_scan; });
  require_index(reader, "slice", reader.dataset<std::int32_t>("slice", {images[0]}),
                [=](int i) { return i % per_scan; });
  for (const LabelKind kind : kKinds)
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
  if (!images.empty()) reader.rows("images", u64(first), u64(count), images);
  if (labels.empty()) return;
  require_kind(reader, info_, kind);
  reader.rows(dataset, u64(first), u64(count), labels);
  // A label is an index into tables of kClasses entries wherever it goes from here.
  if (const auto bad = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label >= kClasses; });
      bad != labels.end())
    reader.refuse("dataset '" + dataset + "' has " + std::to_string(*bad) + ", which is no class: 0 to 27");
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
  const ShardInfo &x = a.info(), &y = b.info();
  if (x.plane != y.plane) differ("plane", x.plane, y.plane);
  if (x.width() != y.width() || x.height() != y.height()) differ("slice size", size(x), size(y));
  if (!same_spacing(x.grid, y.grid)) differ("spacing", millimetres(x.grid.spacing()), millimetres(y.grid.spacing()));
  if (x.label_table != y.label_table || x.label_table_hash != y.label_table_hash)
    differ("label table", x.label_table + " " + x.label_table_hash, y.label_table + " " + y.label_table_hash);
}

}  // namespace crossfade::data
