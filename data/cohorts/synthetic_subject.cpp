#include "data/cohorts/subject.hpp"
#include "data/hash.hpp"
#include "data/labels/label_report.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/image.hpp"

namespace crossfade::data {
namespace {

std::string bias_text(const LabelBiasOptions& bias) {
  if (bias == LabelBiasOptions{}) return "";
  return "; automatic labels: pallidum " + std::to_string(bias.pallidum_mm) + ", amygdala " +
         std::to_string(bias.amygdala_mm) + ", ventricles " + std::to_string(bias.ventricles_mm) + ", noise " +
         std::to_string(bias.noise_mm) + " mm" + (bias.structures_mm.empty() ? "" : ", " + bias.structures_mm);
}

std::string source_text(const CohortSpec& spec, const SubjectFiles& files) {
  const SynthesisOptions& o = spec.synthesis;
  return (spec.source == "labels" ? files.labels.filename().string() : spec.source) + ", T1 synthesised by generator " +
         std::to_string(kGeneratorVersion) + ": seed " + std::to_string(spec.seed) + ", contrast " +
         std::to_string(o.contrast) + ", bias " + std::to_string(o.bias) + ", blur " + std::to_string(o.blur_mm) +
         " mm, noise " + std::to_string(o.noise) + ", deformation " + std::to_string(o.deformation_mm) + " mm" +
         bias_text(spec.label_bias);
}

/// Ids of a phantom that no line of the table names say nothing that a score could use; zeros compress to nothing.
void keep_named(Volume<std::int32_t>& ids, const LabelTable& table) {
  std::int32_t last = 0;  // neighbours mostly have the same id: most voxels need no look-up
  bool named = true;
  for (std::int32_t& id : ids.voxels) {
    if (id != last) {
      last = id;
      named = id == 0 || is_named(table, id);
    }
    if (!named) id = 0;
  }
}

}  // namespace

PreparedSubject synthetic_subject(const CohortSpec& spec, const std::string& subject) {
  const LabelTable table = label_table(spec.label_table);
  const std::uint32_t key = subject_key(subject);
  const SubjectFiles files = subject_files(spec, subject);
  ShardContents shard;
  shard.original_labels = spec.source == "labels" ? read_labels(files.labels) : phantom_head(spec.seed, key);
  const Conformed anatomy = conform(shard.original_labels, conformed_grid(shard.original_labels.geometry));
  if (spec.source == "phantom") keep_named(shard.original_labels, table);

  shard.info.subject = subject;
  shard.info.source = source_text(spec, files);
  shard.info.label_table = table.name;
  shard.info.label_table_hash = table.hash();
  shard.info.has_automatic = has_automatic_labels(spec);
  shard.info.grid = study_grid(anatomy.ids.geometry, spec.size);

  IdCounts unnamed;
  for (std::uint32_t scan = 0; scan < static_cast<std::uint32_t>(spec.scans_per_subject); ++scan) {
    Volume<std::int32_t> moved;
    if (scan > 0)
      moved = deform(anatomy.ids, spec.synthesis.deformation_mm, Random(spec.seed, Purpose::kDeformation, key, scan));
    const Volume<std::int32_t>& ids = scan > 0 ? moved : anatomy.ids;
    MappedLabels mapped = map_labels(ids, table);
    if (scan == 0) unnamed = mapped.unnamed;
    const Random of_image(spec.seed, Purpose::kSynthesis, key, scan);
    shard.info.scans.emplace_back();
    append_image(shard.images, synthesise_t1(ids, spec.synthesis, of_image), shard.info.grid);
    append_labels(shard.labels, mapped.classes, shard.info.grid);
    if (shard.info.has_automatic) {
      const Random of_bias(spec.seed, Purpose::kLabelBias, key, scan);
      append_labels(shard.automatic, bias_labels(mapped.classes, spec.label_bias, of_bias), shard.info.grid);
    }
  }
  return {std::move(shard), label_report(table, unnamed, anatomy.cut)};
}

}  // namespace crossfade::data
