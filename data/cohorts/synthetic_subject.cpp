#include <algorithm>

#include "data/cohorts/subject.hpp"
#include "data/hash.hpp"
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

std::string source_text(const CohortSpec& spec, const ListedSubject& subject) {
  const SynthesisOptions& o = spec.synthesis;
  return (spec.source == "labels" ? subject.labels.filename().string() : spec.source) +
         ", T1 synthesised by generator " + std::to_string(generator_version(spec)) + ": seed " +
         std::to_string(spec.seed) + ", contrast " + std::to_string(o.contrast) + ", bias " + std::to_string(o.bias) +
         ", blur " + std::to_string(o.blur_mm) + " mm, noise " + std::to_string(o.noise) + ", deformation " +
         std::to_string(o.deformation_mm) + " mm" + bias_text(spec.label_bias);
}

/// Ids of a phantom that no line of the table names say nothing that a score could use; zeros compress to nothing.
void keep_named(Volume<std::int32_t>& ids, const LabelTable& table) {
  NamedIds named(table);
  const auto is_ignored = [&](std::int32_t id) {
    const auto found = table.class_of.find(id);
    return found != table.class_of.end() && found->second == kIgnored;
  };
  for (std::int32_t& id : ids.voxels)
    if (id != 0 && !named(id) && !is_ignored(id)) id = 0;
}

void append(std::vector<std::uint8_t>& to, const std::vector<std::uint8_t>& voxels) {
  to.insert(to.end(), voxels.begin(), voxels.end());
}

Volume<float> as_floats(const Volume<std::uint8_t>& image) {
  return {image.geometry, {image.voxels.begin(), image.voxels.end()}};
}

std::vector<std::uint8_t> bytes(const std::vector<float>& values) {
  std::vector<std::uint8_t> result;
  for (const float value : values) result.push_back(static_cast<std::uint8_t>(std::clamp(value + 0.5F, 0.0F, 255.0F)));
  return result;
}

}  // namespace

PreparedSubject synthetic_subject(const Cohort& cohort, const ListedSubject& subject) {
  const CohortSpec& spec = cohort.spec;
  const LabelTable& table = cohort.table;
  const std::uint32_t key = subject_key(subject.name);
  ShardContents shard;
  LabelNotes notes;
  if (spec.source == "labels") {
    ReadVolume<std::int32_t> read = read_labels(subject.labels);
    notes.reading = read.notes;
    shard.original_labels = std::move(read);
  } else {
    shard.original_labels = phantom_head(spec.seed, key);
  }
  Conformed anatomy = conform(shard.original_labels, conformed_grid(shard.original_labels.geometry));
  if (spec.source == "phantom") keep_named(shard.original_labels, table);

  shard.info = shard_info(cohort, subject);
  shard.info.source = source_text(spec, subject);
  shard.info.grid = slices_of(cohort.grid, turned_to(anatomy.ids.geometry, cohort.grid.plane));
  const auto append_image = [&](const Volume<std::uint8_t>& image) {
    append(shard.images, cohort.grid.cube > 0
                             ? on_study_grid(image, shard.info.grid)
                             : bytes(on_slices(as_floats(turned_to(image, cohort.grid.plane)), shard.info.grid, 0)));
  };
  const auto append_labels = [&](std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& classes) {
    append(to, cohort.grid.cube > 0 ? labels_on_study_grid(classes, shard.info.grid)
                                    : on_slices(turned_to(classes, cohort.grid.plane), shard.info.grid));
  };

  for (std::uint32_t scan = 0; scan < static_cast<std::uint32_t>(spec.scans_per_subject); ++scan) {
    Volume<std::int32_t> moved;
    if (scan > 0)
      moved = deform(anatomy.ids, spec.synthesis.deformation_mm, Random(spec.seed, Purpose::kDeformation, key, scan));
    const Volume<std::int32_t>& ids = scan > 0 ? moved : anatomy.ids;
    MappedLabels mapped = map_labels(ids, table);
    if (scan == 0) notes.unnamed = std::move(mapped.unnamed);
    const Random of_image(spec.seed, Purpose::kSynthesis, key, scan);
    shard.info.scans.emplace_back();
    const Random of_style(spec.seed, Purpose::kSynthesis, key, scan, 1);
    append_image(synthesise_t1(ids, spec.synthesis, of_image, draw_style(spec.synthesis, of_style)));
    append_labels(shard.labels, mapped.classes);
    if (shard.info.has_automatic) {
      const Random of_bias(spec.seed, Purpose::kLabelBias, key, scan);
      append_labels(shard.automatic, bias_labels(mapped.classes, table.classes, spec.label_bias, of_bias));
    }
  }
  notes.kind = "labels";
  notes.table = table.name;
  std::erase_if(anatomy.cut, [&](const auto& cut) { return !is_named(table, cut.first); });
  notes.cut = std::move(anatomy.cut);
  if (spec.source == "phantom") notes.unnamed.clear();  // its skull, fat and skin, which are no one's fault
  return {std::move(shard), {.subject = subject.name, .image = {}, .labels = {std::move(notes)}}};
}

}  // namespace crossfade::data
