#include "data/cohorts/pairing.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "data/volumes/affine.hpp"
#include "data/volumes/background.hpp"
#include "data/volumes/picture.hpp"

namespace crossfade::data {
namespace {

std::string text_of(const Affine& affine) {
  std::ostringstream text;
  text.precision(6);
  for (std::size_t row = 0; row < 3; ++row) {
    text << (row == 0 ? "[" : ", [");
    for (std::size_t column = 0; column < 4; ++column) text << (column == 0 ? "" : " ") << affine[row][column];
    text << "]";
  }
  return text.str();
}

std::string text_of(const std::array<int, 3>& size) {
  return std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " + std::to_string(size[2]);
}

}  // namespace

Geometry geometry_of_labels(const GridOfFile& labels, const GridOfFile& image, const std::string& geometry) {
  constexpr double kApart = 0.1;  // mm
  const bool same_size = labels.grid.size == image.grid.size;
  if (!same_size && is_picture(labels.file) && is_picture(image.file))
    throw std::runtime_error(labels.file.string() + ": has " + text_of(labels.grid.size) + " pixels and its image " +
                             image.file.string() + " " + text_of(image.grid.size) +
                             ", expected the same, as pictures don't say where they lie");
  if (geometry == "image") {
    if (!same_size)
      throw std::runtime_error(labels.file.string() + ": has " + text_of(labels.grid.size) + " voxels and its image " +
                               image.file.string() + " " + text_of(image.grid.size) +
                               ", expected the same with geometry: image");
    return image.grid;
  }
  if (geometry == "checked" && same_size) {
    const double apart = corners_apart_mm(image.grid, labels.grid);
    if (!(apart <= kApart))
      throw std::runtime_error(labels.file.string() + ": its affine places a corner " + std::to_string(apart) +
                               " mm from where that of its image " + image.file.string() +
                               " has it: " + text_of(labels.grid.affine) + " against " + text_of(image.grid.affine) +
                               "; both have " + text_of(image.grid.size) +
                               " voxels, expected one affine. If the voxels lie as those of the image do and the "
                               "labels' header is wrong, say "
                               "geometry: image; if both headers are right, geometry: files");
  }
  return labels.grid;
}

LabelPlacement place_labels(const Volume<std::int32_t>& labels, const LabelTable& table, const Volume<float>& image) {
  const Affine to_image = index_map(labels.geometry.affine, image.geometry.affine);
  const std::optional<float> background = background_of(image);
  LabelPlacement placement;
  NamedIds named(table);
  const auto& size = labels.geometry.size;
  for (int k = 0; k < size[2]; ++k)
    for (int j = 0; j < size[1]; ++j)
      for (int i = 0; i < size[0]; ++i) {
        if (!named(labels.at(i, j, k))) continue;
        ++placement.labelled;
        const std::array<double, 3> place = apply(to_image, i, j, k);
        std::array<int, 3> voxel{};
        bool inside = true;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          constexpr double kRounding = 1e-3;  // voxels: headers hold float32
          const int last = image.geometry.size[axis] - 1;
          inside = inside && place[axis] >= -0.5 - kRounding && place[axis] <= last + 0.5 + kRounding;
          if (inside) voxel[axis] = std::clamp(static_cast<int>(std::lround(place[axis])), 0, last);
        }
        if (!inside) {
          ++placement.outside;
          continue;
        }
        const float value = image.at(voxel[0], voxel[1], voxel[2]);
        if (value == background) ++placement.on_background;
        if (value < 0) ++placement.negative;
      }
  return placement;
}

void require_on_image(const LabelPlacement& placement, const std::filesystem::path& labels,
                      const std::filesystem::path& image) {
  if (!(misplaced_share(placement) > kRefusedShare)) return;
  const auto share = [&](std::uint64_t count) {
    return percent(static_cast<double>(count) / static_cast<double>(placement.labelled));
  };
  throw std::runtime_error(labels.string() + ": of its " + std::to_string(placement.labelled) + " labelled voxels " +
                           share(placement.outside) + " lie outside the image " + image.string() + " and " +
                           share(placement.on_background) +
                           " on its background, expected at most half: labels of this scan, in its space");
}

void require_contents(const Volume<float>& image, const std::string& intensity, const std::filesystem::path& file) {
  const auto [least, most] = std::ranges::minmax(image.voxels);
  if (least == most) throw std::runtime_error(file.string() + ": is empty: every voxel is " + std::to_string(least));
  if (intensity == "t1" && !(most > 0))
    throw std::runtime_error(
        file.string() + ": has no voxel above 0 (its values go from " + std::to_string(least) + " to " +
        std::to_string(most) +
        "), and what is not above 0 becomes black by intensity: t1; expected images that count from 0 "
        "upwards, or intensity: zscore, ct or none");
}

}  // namespace crossfade::data
