// Whether labels lie on the image that they belong to.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/cohorts/remarks.hpp"
#include "data/labels/label_table.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// A volume and the file that it was read from, for messages.
struct GridOfFile {
  const Geometry& grid;
  std::filesystem::path file;
};

/// Gives `labels` the place that the spec's key `geometry` says: "files" as their own header has it; "image" that of
/// the image, which must be of the same size; "checked" as "files", but labels of the image's size must then lie where
/// the image lies, to 0.1 mm at each corner. Throws std::runtime_error that names both files, with both affines and
/// what to do.
Geometry geometry_of_labels(const GridOfFile& labels, const GridOfFile& image, const std::string& geometry);

/// Where the voxels of `labels` that `table` names lie in `image`: each at its centre, in the nearest voxel.
LabelPlacement place_labels(const Volume<std::int32_t>& labels, const LabelTable& table, const Volume<float>& image);

/// Throws std::runtime_error naming the file where more than half of the labelled voxels lie outside the image or on
/// its background: labels of another scan, or a header that places one of the two elsewhere.
void require_on_image(const LabelPlacement& placement, const std::filesystem::path& labels,
                      const std::filesystem::path& image);

/// Throws std::runtime_error naming the file where an image has one value everywhere, or no voxel above 0 and the rule
/// `intensity` is t1, to which they are black.
void require_contents(const Volume<float>& image, const std::string& intensity, const std::filesystem::path& file);

}  // namespace crossfade::data
