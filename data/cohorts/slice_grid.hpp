// The slices that a cohort's subjects are brought to: their plane, pixels and spacing, derived where the spec leaves it
// open, and images and labels on them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/cohorts/cohort_spec.hpp"
#include "data/cohorts/remarks.hpp"
#include "data/shards/plane.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

struct SliceGrid {
  std::string plane = "axial";
  int width = 0, height = 0;        // pixels
  std::array<double, 2> mm{};       // of a pixel along width and height; 0: each subject's own
  double slice_mm = 0;              // 0: each subject's own
  std::array<double, 3> spacing{};  // that all subjects have on it, along width, height and between slices; 0: none
  int cube = 0;  // above 0: pixels along each side of the cube of 256 mm, in place of all of the above

  bool own_spacing() const { return cube == 0 && std::ranges::find(spacing, 0.0) != spacing.end(); }
};

/// The grid of a cohort whose images have these grids (canonical axes, one a subject, at least one). Slices are cut
/// along spec.axis; auto takes the axis whose median spacing is largest (by more than 1 %; ties: axial). Pixels of no
/// stated size have the median spacings of the other two axes; sides of no stated number are the smallest multiples of
/// 16 that hold every subject. Synthetic and scanned cohorts alike.
SliceGrid slice_grid(const CohortSpec& spec, const std::vector<Geometry>& images);

/// `spec` with what was derived said in it: its grid and axis. Equal specs then make equal hashes.
CohortSpec stated(CohortSpec spec, const SliceGrid& grid);

/// One line where spacings vary by more than 5 % between subjects that keep their own.
std::vector<Remark> remarks_on_spacing(const SliceGrid& grid, const std::vector<Geometry>& images,
                                       const std::vector<std::string>& names);

/// How a volume of these axes is turned to have the slices of `plane` in order.
Geometry turned_to(const Geometry& geometry, const std::string& plane);
template <class T>
Volume<T> turned_to(const Volume<T>& volume, const std::string& plane) {
  return reorient(reorient(volume, to_canonical(volume.geometry)), reorientation_of(plane));
}

/// The slices of one subject, whose image has the grid `image` (turned_to() the plane): as many pixels as the grid
/// says, around the middle voxel of the image. Where spacings agree, voxels meet voxels.
Geometry slices_of(const SliceGrid& grid, const Geometry& image);

/// Intensities on `target`, whose axes are parallel to the image's: copied where voxels meet voxels, else trilinear
/// after a Gaussian that takes away what a coarser grid can't hold. `low` outside the image. Where all values of
/// `image` are integers, so are those on `target`.
std::vector<float> on_slices(const Volume<float>& image, const Geometry& target, float low);

/// Classes on `target`: copied, or the class that fills most of a voxel (resample_labels). 0 outside.
std::vector<std::uint8_t> on_slices(const Volume<std::uint8_t>& classes, const Geometry& target);

}  // namespace crossfade::data
