#include <cmath>
#include <stdexcept>

#include "data/cohorts/subject.hpp"
#include "data/labels/label_report.hpp"
#include "data/volumes/affine.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/conform_image.hpp"
#include "data/volumes/image.hpp"

namespace crossfade::data {
namespace {

/// One kind of labels of a scan.
struct ScanLabels {
  Volume<std::int32_t> original;  // as they came
  Volume<std::uint8_t> classes;   // on the image's cube
  std::string report;
};

/// Throws std::runtime_error where labels are there but none within `image`: the file of another scan, or a header that
/// places one of the two elsewhere.
void require_overlap(const Volume<std::int32_t>& labels, const Geometry& image, const std::filesystem::path& file) {
  const Affine to_image = index_map(labels.geometry.affine, image.affine);
  const auto within = [&](double position, int size) { return position >= -0.5 && position <= size - 0.5; };
  const auto& size = labels.geometry.size;
  std::size_t labelled = 0;
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j)
      for (int i = 0; i < size[0]; ++i) {
        if (labels.at(i, j, k) == 0) continue;
        ++labelled;
        const auto p = apply(to_image, i, j, k);
        if (within(p[0], image.size[0]) && within(p[1], image.size[1]) && within(p[2], image.size[2])) return;
      }
  if (labelled > 0)
    throw std::runtime_error("none of the " + std::to_string(labelled) + " labelled voxels of " + file.string() +
                             " lies within the image: expected labels of this scan, in its space");
}

ScanLabels read_labels_of(const Volume<float>& scan, const Geometry& cube, const std::filesystem::path& file,
                          const LabelTable& table) {
  ScanLabels labels;
  labels.original = read_labels(file);
  require_overlap(labels.original, scan.geometry, file);
  const Conformed conformed = conform(labels.original, cube);
  try {
    MappedLabels mapped = map_labels(conformed.ids, table);
    labels.classes = std::move(mapped.classes);
    labels.report = label_report(table, mapped.unnamed, conformed.cut);
  } catch (const std::exception& error) {
    throw std::runtime_error(file.string() + ": " + error.what());
  }
  return labels;
}

/// File names alone: a folder's path is no part of a shard.
std::string source_text(const SubjectFiles& files, const LabelTable& automatic_table) {
  std::string text = files.image.filename().string() + ", conformed by generator " + std::to_string(kGeneratorVersion);
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
  const Volume<float> scan = read_image(files.image);
  const Geometry cube = conformed_grid(scan.geometry);

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
  append_image(shard.images, to_uint8(resample_linear(scan, cube)), shard.info.grid);
  if (shard.info.has_manual) {
    ScanLabels manual = read_labels_of(scan, cube, files.labels, manual_table);
    append_labels(shard.labels, manual.classes, shard.info.grid);
    shard.original_labels = std::move(manual.original);
    result.report += manual.report;
  }
  if (shard.info.has_automatic) {
    const ScanLabels automatic = read_labels_of(scan, cube, files.automatic_labels, automatic_table);
    append_labels(shard.automatic, automatic.classes, shard.info.grid);
    if (!automatic.report.empty()) result.report += "; automatic labels" + automatic.report;
  }
  return result;
}

}  // namespace crossfade::data
