#include "data/cohorts/subject.hpp"

#include "data/volumes/resample.hpp"

namespace crossfade::data {

ShardInfo shard_info(const Cohort& cohort, const ListedSubject& subject) {
  const CohortSpec& spec = cohort.spec;
  const bool manual = cohort.has_manual;
  const LabelTable& table = manual ? cohort.table : cohort.automatic_table;
  ShardInfo info;
  info.subject = subject.name;
  info.plane = cohort.grid.plane;
  info.label_table = table.name;
  info.label_table_hash = table.hash();
  if (!spec.classes.empty())
    info.own_classes = {.classes = manual || spec.automatic_classes.empty() ? spec.classes : spec.automatic_classes,
                        .pairs = spec.pairs,
                        .ignore = spec.ignore};
  info.classes = table.classes;
  info.intensity = spec.intensity;
  info.channels = cohort.channels;
  info.own_spacing = cohort.grid.own_spacing();
  info.cube = cohort.grid.cube;
  info.own_grid = cohort.grid.cube == 0;
  const double cube_mm = info.cube > 0 ? 256.0 / info.cube : 0;
  info.grid_mm = info.cube > 0 ? std::array{cube_mm, cube_mm, cube_mm}
                               : std::array{cohort.grid.mm[0], cohort.grid.mm[1], cohort.grid.slice_mm};
  info.has_manual = manual;
  info.has_automatic = cohort.has_automatic;
  return info;
}

Geometry study_grid(const Geometry& cube, int size) {
  return size == cube.size[0] ? cube : cube_around(cube, size, 256.0);
}

std::vector<std::uint8_t> on_study_grid(const Volume<std::uint8_t>& image, const Geometry& grid) {
  return image.geometry == grid ? image.voxels : resample_image(image, grid).voxels;
}

std::vector<std::uint8_t> labels_on_study_grid(const Volume<std::uint8_t>& classes, const Geometry& grid) {
  return classes.geometry == grid ? classes.voxels : resample_labels(classes, grid).voxels;
}

}  // namespace crossfade::data
