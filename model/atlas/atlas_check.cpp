#include "model/atlas/atlas_check.hpp"

#include <stdexcept>

namespace crossfade::model {

void require_alike(const std::vector<WarpedAtlas>& atlases) {
  if (atlases.empty()) throw std::invalid_argument("label fusion: no atlases");
  for (const WarpedAtlas& atlas : atlases)
    if (atlas.labels.size() != atlases.front().labels.size() || atlas.image.size() != atlases.front().image.size())
      throw std::invalid_argument("label fusion: atlases of different sizes");
}

}  // namespace crossfade::model
