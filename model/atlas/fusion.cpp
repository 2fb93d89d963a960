#include "model/atlas/fusion.hpp"

#include <algorithm>

#include "data/labels/classes.hpp"
#include "model/atlas/atlas_check.hpp"

namespace crossfade::model {

std::vector<std::uint8_t> majority_vote(const std::vector<WarpedAtlas>& atlases) {
  require_alike(atlases);
  std::vector<std::uint8_t> fused(atlases.front().labels.size());
  std::array<std::uint16_t, 256> votes{};
  for (std::size_t v = 0; v < fused.size(); ++v) {
    std::uint8_t best = 0;
    for (const WarpedAtlas& atlas : atlases) ++votes[atlas.labels[v]];
    for (const WarpedAtlas& atlas : atlases) {
      const std::uint8_t label = atlas.labels[v];
      if (label == data::kIgnored) continue;
      if (votes[label] > votes[best] || (votes[label] == votes[best] && label < best)) best = label;
    }
    for (const WarpedAtlas& atlas : atlases) votes[atlas.labels[v]] = 0;
    fused[v] = best;
  }
  return fused;
}

}  // namespace crossfade::model
