#include "runner/evaluation/prediction.hpp"

#include "data/labels/label_table.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/nifti.hpp"

namespace crossfade::runner {

analysis::Counts write_prediction(const std::filesystem::path& file, const data::Shard& shard,
                                  const std::vector<std::uint8_t>& classes) {
  const data::LabelTable table = data::table_of(shard.info());
  const data::Volume<std::int32_t> original = shard.original_labels();
  const data::Volume<std::uint8_t> predicted =
      data::nearest_on(data::Volume<std::uint8_t>{shard.info().grid, classes}, original.geometry);

  data::Volume<std::int32_t> ids{original.geometry, std::vector<std::int32_t>(predicted.voxels.size())};
  for (std::size_t i = 0; i < ids.voxels.size(); ++i) ids.voxels[i] = table.id_of[predicted.voxels[i]];
  data::write_label_map(file, ids);
  return analysis::count(data::map_labels(original, table).classes.voxels, predicted.voxels, table.classes.count());
}

}  // namespace crossfade::runner
