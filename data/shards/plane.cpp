#include "data/shards/plane.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace crossfade::data {
bool is_plane(std::string_view plane) {
  return std::ranges::find(kPlanes, plane) != kPlanes.end();
}

Reorientation reorientation_of(std::string_view plane) {
  if (plane == "axial") return {};
  if (plane == "coronal") return {{0, 2, 1}, {}};
  if (plane == "sagittal") return {{1, 2, 0}, {}};
  throw std::invalid_argument("'" + std::string(plane) + "' is no plane: axial, coronal or sagittal");
}

bool merges_sides(std::string_view plane) {
  return plane == "sagittal";
}

}  // namespace crossfade::data
