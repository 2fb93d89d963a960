#include <stdexcept>
#include <utility>

#include "data/cohorts/pairing.hpp"
#include "data/cohorts/subject.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/conform_image.hpp"
#include "data/volumes/image.hpp"

namespace crossfade::data {
namespace {

/// One kind of labels of a scan.
struct ScanLabels {
  Volume<std::int32_t> original;  // as they came, placed as the spec says
  Volume<std::uint8_t> classes;   // on the image's cube
  LabelNotes notes;
};

/// The image of a subject, and the file that it came from.
struct Scan {
  ReadVolume<float> image;
  std::filesystem::path file;
};

ScanLabels read_labels_of(const Scan& scan, const Geometry& cube, const std::filesystem::path& file,
                          const LabelTable& table, const std::string& geometry) {
  ReadVolume<std::int32_t> read = read_labels(file);
  read.geometry = geometry_of_labels({.grid = read.geometry, .file = file},
                                     {.grid = scan.image.geometry, .file = scan.file}, geometry);
  ScanLabels labels;
  labels.notes.table = table.name;
  labels.notes.reading = read.notes;
  labels.notes.placement = place_labels(read, table, scan.image);
  require_on_image(labels.notes.placement, file, scan.file);
  Conformed conformed = conform(read, cube);
  try {
    MappedLabels mapped = map_labels(conformed.ids, table);
    labels.classes = std::move(mapped.classes);
    labels.notes.unnamed = std::move(mapped.unnamed);
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
  std::erase_if(conformed.cut, [&](const auto& cut) { return !is_named(table, cut.first); });
  labels.notes.cut = std::move(conformed.cut);
  labels.original = std::move(read);
  return labels;
}

/// File names alone: a folder's path is no part of a shard.
std::string source_text(const SubjectFiles& files, const LabelTable& automatic_table) {
  std::string text = files.image.filename().string() + ", conformed by generator " + std::to_string(kScanVersion);
  if (!files.labels.empty()) text += "; labels: " + files.labels.filename().string();
  if (!files.automatic_labels.empty())
    text += "; automatic labels: " + files.automatic_labels.filename().string() + ", label table " +
            automatic_table.name + " " + automatic_table.hash();
  return text;
}

}  // namespace

PreparedSubject scanned_subject(const CohortSpec& spec, const std::string& subject) {
  const LabelTable manual_table = label_table(spec.label_table);
  const LabelTable automatic_table = label_table(spec.automatic_label_table);
  const SubjectFiles files = subject_files(spec, subject);
  const Scan scan{read_image(files.image), files.image};
  require_contents(scan.image, files.image);
  const Geometry cube = conformed_grid(scan.image.geometry);

  PreparedSubject result;
  ShardContents& shard = result.contents;
  shard.info.subject = subject;
  shard.info.source = source_text(files, automatic_table);
  shard.info.has_manual = has_manual_labels(spec);
  shard.info.has_automatic = has_automatic_labels(spec);
  const LabelTable& table = shard.info.has_manual ? manual_table : automatic_table;
  shard.info.label_table = table.name;
  shard.info.label_table_hash = table.hash();
  shard.info.grid = study_grid(cube, spec.size);
  shard.info.scans.emplace_back();
  append_image(shard.images, to_uint8(resample_linear(scan.image, cube)), shard.info.grid);
  result.notes.subject = subject;
  result.notes.image = scan.image.notes;
  if (shard.info.has_manual) {
    ScanLabels manual = read_labels_of(scan, cube, files.labels, manual_table, spec.geometry);
    append_labels(shard.labels, manual.classes, shard.info.grid);
    shard.original_labels = std::move(manual.original);
    result.notes.labels.push_back(std::move(manual.notes));
    result.notes.labels.back().kind = "labels";
  }
  if (shard.info.has_automatic) {
    ScanLabels automatic = read_labels_of(scan, cube, files.automatic_labels, automatic_table, spec.geometry);
    append_labels(shard.automatic, automatic.classes, shard.info.grid);
    result.notes.labels.push_back(std::move(automatic.notes));
    result.notes.labels.back().kind = "automatic labels";
  }
  return result;
}

}  // namespace crossfade::data
