// What an image has where there is nothing to see.
#pragma once

#include <optional>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// The one value of at least half of the voxels on the faces of `image`; nothing where there is none.
std::optional<float> background_of(const Volume<float>& image);

}  // namespace crossfade::data
