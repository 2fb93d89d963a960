// Where a registration starts: the shift that brings an atlas roughly onto its target.
#pragma once

#include <array>
#include <cstdint>

#include "data/volumes/volume.hpp"

namespace crossfade::model {

/// The translation in RAS+ mm from a place of `target` to that of `atlas`, on top of which the two images have most
/// mutual information, of those that lie at most 80 mm on each axis from the one that brings their centres together. In
/// steps of 8 mm, the atlas's axes; the search is exhaustive, as centres of gravity mislead where one scan shows more
/// of the neck than the other. Intensities are 0 to 255; beside the atlas's image they are 0. Throws
/// std::runtime_error where none has any.
std::array<double, 3> initial_shift(const data::Volume<std::int32_t>& target, const data::Volume<std::int32_t>& atlas);

}  // namespace crossfade::model
