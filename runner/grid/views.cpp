#include "runner/grid/views.hpp"

#include "data/shards/plane.hpp"

namespace crossfade::runner {

std::vector<View> views_of(const ViewOptions& options) {
  std::vector<View> views;
  const std::array weights = {options.axial, options.coronal, options.sagittal};
  for (std::size_t p = 0; p < weights.size(); ++p)
    if (weights[p] > 0) views.push_back({std::string(data::kPlanes[p]), weights[p]});
  return views;
}

std::vector<StageRow> stage_rows(const TrialConfig& trial) {
  std::vector<std::string> planes;
  for (const View& view : views_of(trial.views)) planes.push_back(view.plane);
  if (planes.size() > 1) planes.emplace_back("all");
  std::vector<StageRow> rows;
  for (const std::string& plane : planes)
    for (std::size_t s = 0; s < trial.stages.size(); ++s) rows.push_back({plane, s});
  return rows;
}

}  // namespace crossfade::runner
