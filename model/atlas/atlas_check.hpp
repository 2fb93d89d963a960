// What every fusion asks of its atlases.
#pragma once

#include <vector>

#include "model/atlas/fusion.hpp"

namespace crossfade::model {

/// Throws std::invalid_argument where there is no atlas, or one has labels or an image of another size than the first.
void require_alike(const std::vector<WarpedAtlas>& atlases);

}  // namespace crossfade::model
