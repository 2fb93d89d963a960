#include "data/cohorts/subject.hpp"

#include "data/volumes/resample.hpp"

namespace crossfade::data {
namespace {

void append(std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& volume) {
  to.insert(to.end(), volume.voxels.begin(), volume.voxels.end());
}

}  // namespace

Geometry study_grid(const Geometry& cube, int size) {
  return size == cube.size[0] ? cube : cube_around(cube, size, 256.0);
}

void append_labels(std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& classes, const Geometry& grid) {
  append(to, classes.geometry == grid ? classes : resample_labels(classes, grid));
}

void append_image(std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& image, const Geometry& grid) {
  append(to, image.geometry == grid ? image : resample_image(image, grid));
}

}  // namespace crossfade::data
