#include "data/shard.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "data/hdf5_file.hpp"
#include "data/publish.hpp"

namespace crossfade::data {
namespace {

constexpr const char* kFormat = "crossfade shard";

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

bool is_plane(const std::string& plane) {
  return plane == "axial" || plane == "coronal" || plane == "sagittal";
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

/// The first thing wrong with `contents`, or nothing.
std::string fault(const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  if (info.subject.empty()) return "the subject has no name";
  if (!is_plane(info.plane)) return "'" + info.plane + "' is no plane: axial, coronal or sagittal";
  if (info.scans.empty()) return "there is no scan";
  for (const int size : info.grid.size)
    if (size < 1) return "the grid of the slices is empty";
  const std::size_t pixels = info.grid.voxels() * info.scans.size();
  if (contents.images.size() != pixels || contents.labels.size() != pixels)
    return std::to_string(contents.images.size()) + " image and " + std::to_string(contents.labels.size()) +
           " label pixels instead of " + std::to_string(pixels);
  const std::uint8_t greatest = *std::max_element(contents.labels.begin(), contents.labels.end());
  if (greatest >= kClasses) return "label " + std::to_string(greatest) + " is no class: 0 to 27";
  const Volume<std::int32_t>& original = contents.original_labels;
  if (original.voxels.empty() || original.voxels.size() != original.geometry.voxels())
    return "the original labels do not fit their grid";
  return {};
}

ScanInfo summarise_scan(std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels,
                        std::size_t pixels_per_slice) {
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
  for (std::size_t begin = 0; begin < labels.size(); begin += pixels_per_slice) {
    std::array<std::uint64_t, kClasses> slice{};
    for (const std::uint8_t label : labels.subspan(begin, pixels_per_slice)) ++slice[label];
    for (std::size_t c = 0; c < kClasses; ++c) {
      scan.counts.pixels[c] += slice[c];
      scan.counts.slices[c] += slice[c] > 0 ? 1 : 0;
    }
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
  const std::array<double, 3> spacing = info.grid.spacing();
  writer.numbers<double>("/", "voxel_mm", {3}, spacing);
}

void write_slices(Hdf5Writer& writer, const ShardContents& contents) {
  const ShardInfo& info = contents.info;
  const std::uint64_t n = u64(info.slices()), h = u64(info.height()), w = u64(info.width());
  writer.dataset<std::uint8_t>("images", {n, h, w}, {1, h, w}, contents.images);
  writer.dataset<std::uint8_t>("labels", {n, h, w}, {1, h, w}, contents.labels);
  std::vector<std::int32_t> scan, slice;
  std::vector<std::uint8_t> labelled;
  for (int i = 0; i < info.slices(); ++i) {
    scan.push_back(i / info.slices_per_scan());
    slice.push_back(i % info.slices_per_scan());
    const auto pixels = std::span(contents.labels).subspan(u64(i) * h * w, h * w);
    labelled.push_back(std::any_of(pixels.begin(), pixels.end(), [](std::uint8_t label) { return label > 0; }) ? 1 : 0);
  }
  writer.dataset<std::int32_t>("scan", {n}, {n}, scan);
  writer.dataset<std::int32_t>("slice", {n}, {n}, slice);
  writer.dataset<std::uint8_t>("labelled", {n}, {n}, labelled);
}

void write_scans(Hdf5Writer& writer, const ShardInfo& info) {
  writer.group("scans");
  writer.text("scans", "subject", info.subject);
  writer.numbers<double>("scans", "affine", {3, 4}, flat(info.grid));
  std::vector<double> mean, sd;
  std::vector<std::uint64_t> pixels, slices;
  for (const ScanInfo& scan : info.scans) {
    mean.push_back(scan.mean);
    sd.push_back(scan.sd);
    pixels.insert(pixels.end(), scan.counts.pixels.begin(), scan.counts.pixels.end());
    slices.insert(slices.end(), scan.counts.slices.begin(), scan.counts.slices.end());
  }
  const std::uint64_t s = info.scans.size();
  writer.dataset<double>("scans/mean", {s}, {s}, mean);
  writer.dataset<double>("scans/sd", {s}, {s}, sd);
  writer.dataset<std::uint64_t>("scans/labels_pixels", {s, kClasses}, {s, kClasses}, pixels);
  writer.dataset<std::uint64_t>("scans/labels_slices", {s, kClasses}, {s, kClasses}, slices);
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
  const auto pixels = reader.dataset<std::uint64_t>("scans/labels_pixels", {s, kClasses});
  const auto slices = reader.dataset<std::uint64_t>("scans/labels_slices", {s, kClasses});
  for (std::size_t i = 0; i < s; ++i) {
    ScanInfo scan{mean[i], sd[i], {}};
    if (!std::isfinite(scan.mean) || !(scan.sd > 0) || !std::isfinite(scan.sd))
      reader.refuse("datasets 'scans/mean' and 'scans/sd' have no usable numbers for scan " + std::to_string(i));
    std::uint64_t total = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      scan.counts.pixels[c] = pixels[i * kClasses + c];
      scan.counts.slices[c] = slices[i * kClasses + c];
      total += scan.counts.pixels[c];
    }
    if (total != info.grid.voxels())
      reader.refuse("dataset 'scans/labels_pixels' counts " + std::to_string(total) + " pixels in scan " +
                    std::to_string(i) + " instead of " + std::to_string(info.grid.voxels()));
    info.scans.push_back(scan);
  }
}

}  // namespace

void write_shard(const std::filesystem::path& file, ShardContents contents) {
  if (const std::string wrong = fault(contents); !wrong.empty())
    throw std::runtime_error(file.string() + ": no shard can be written: " + wrong);
  ShardInfo& info = contents.info;
  const std::size_t voxels = info.grid.voxels();
  for (std::size_t s = 0; s < info.scans.size(); ++s)
    info.scans[s] =
        summarise_scan(std::span(contents.images).subspan(s * voxels, voxels),
                       std::span(contents.labels).subspan(s * voxels, voxels), u64(info.width()) * u64(info.height()));
  const std::filesystem::path partial = partial_name(file);
  try {
    Hdf5Writer writer(partial);
    write_root(writer, info);
    write_slices(writer, contents);
    write_scans(writer, info);
    write_original(writer, contents.original_labels);
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
  std::vector<std::uint8_t> labelled;  // [N]
};

Shard::Shard(const std::filesystem::path& file) : file_(file), handle_(new Handle{Hdf5Reader(file), {}}) {
  const Hdf5Reader& reader = handle_->reader;
  read_root(reader, info_);
  const Extent images = reader.shape("images");
  if (images.size() != 3 || *std::min_element(images.begin(), images.end()) == 0)
    reader.refuse("dataset 'images' has the shape " + to_text(images) + " instead of [N, H, W]");
  if (const Extent labels = reader.shape("labels"); labels != images)
    reader.refuse("dataset 'labels' has the shape " + to_text(labels) + " instead of " + to_text(images) +
                  ", the shape of 'images'");
  read_scans(reader, images, info_);
  const int per_scan = info_.slices_per_scan();
  require_index(reader, "scan", reader.dataset<std::int32_t>("scan", {images[0]}), [=](int i) { return i / per_scan; });
  require_index(reader, "slice", reader.dataset<std::int32_t>("slice", {images[0]}),
                [=](int i) { return i % per_scan; });
  handle_->labelled = reader.dataset<std::uint8_t>("labelled", {images[0]});
  if (const Extent original = reader.shape("original/labels"); original.size() != 3)
    reader.refuse("dataset 'original/labels' has the shape " + to_text(original) + " instead of [K, J, I]");
}

Shard::Shard(Shard&&) noexcept = default;
Shard& Shard::operator=(Shard&&) noexcept = default;
Shard::~Shard() = default;

void Shard::read(int first, int count, std::span<std::uint8_t> images, std::span<std::uint8_t> labels) const {
  const Hdf5Reader& reader = handle_->reader;
  if (first < 0 || count < 0 || first > info_.slices() - count)
    reader.refuse("there are no slices " + std::to_string(first) + " to " + std::to_string(first + count) + " among " +
                  std::to_string(info_.slices()));
  if (!images.empty()) reader.rows("images", u64(first), u64(count), images);
  if (labels.empty()) return;
  reader.rows("labels", u64(first), u64(count), labels);
  // A label is an index into tables of kClasses entries wherever it goes from here.
  if (const auto bad = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label >= kClasses; });
      bad != labels.end())
    reader.refuse("dataset 'labels' has " + std::to_string(*bad) + ", which is no class: 0 to 27");
}

std::vector<bool> Shard::labelled_slices(int scan) const {
  if (scan < 0 || scan >= static_cast<int>(info_.scans.size()))
    handle_->reader.refuse("there is no scan " + std::to_string(scan));
  std::vector<bool> labelled;
  for (int slice = 0; slice < info_.slices_per_scan(); ++slice)
    labelled.push_back(handle_->labelled[u64(scan * info_.slices_per_scan() + slice)] != 0);
  return labelled;
}

Volume<std::int32_t> Shard::original_labels() const {
  const Hdf5Reader& reader = handle_->reader;
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
  const std::array<double, 3> in_a = x.grid.spacing(), in_b = y.grid.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (std::abs(in_a[axis] - in_b[axis]) > 1e-4 * in_a[axis]) differ("spacing", millimetres(in_a), millimetres(in_b));
  if (x.label_table != y.label_table || x.label_table_hash != y.label_table_hash)
    differ("label table", x.label_table + " " + x.label_table_hash, y.label_table + " " + y.label_table_hash);
}

}  // namespace crossfade::data
