#include "runner/trial/trained_cohort.hpp"

namespace crossfade::runner {

data::Cohort trained_cohort(const TrainedOn& net) {
  data::Cohort cohort;
  data::CohortSpec& spec = cohort.spec;
  spec.source = "scans";
  spec.classes = net.own_classes.classes;
  spec.pairs = net.own_classes.pairs;
  spec.ignore = net.own_classes.ignore;
  spec.label_table = net.label_table.empty() ? spec.label_table : net.label_table;
  spec.intensity = net.intensity;
  cohort.table = cohort.automatic_table =
      spec.classes.empty() ? data::label_table(spec.label_table) : data::own_label_table(net.own_classes);
  cohort.has_manual = cohort.has_automatic = false;
  cohort.channels = net.channels;
  cohort.grid = {.plane = net.cube > 0 ? "axial" : net.plane,
                 .width = net.slice[1],
                 .height = net.slice[0],
                 .mm = {net.voxel_mm[1], net.voxel_mm[0]},
                 .slice_mm = net.voxel_mm[2],
                 .spacing = {1, 1, 1},  // of no consequence: there is one scan at a time
                 .cube = net.cube};
  if (net.cube > 0)
    spec.size = net.cube;
  else
    spec = data::stated(std::move(spec), cohort.grid);
  return cohort;
}

}  // namespace crossfade::runner
