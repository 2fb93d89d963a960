// A 3-D grid of voxels in space, and the one orientation in which everything after reading works.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace crossfade::data {

/// Where a grid lies: `affine` takes the voxel index (i, j, k, 1) to RAS+ millimetres (right, anterior, superior).
struct Geometry {
  std::array<int, 3> size{};
  std::array<std::array<double, 4>, 3> affine{};

  std::size_t voxels() const {
    return static_cast<std::size_t>(size[0]) * static_cast<std::size_t>(size[1]) * static_cast<std::size_t>(size[2]);
  }
  /// Length of each index axis in mm.
  std::array<double, 3> spacing() const;
  bool operator==(const Geometry&) const = default;
};

/// To 1e-4 of a's: that of rotated axes carries rounding errors, and that of files is in single precision.
bool same_spacing(const Geometry& a, const Geometry& b);

/// The largest distance in mm between the places that two affines give a corner of a grid of a's size, corners being
/// those of its outer voxels.
double corners_apart_mm(const Geometry& a, const Geometry& b);

/// Voxels with i fastest: (i, j, k) lies at i + size[0] * (j + size[1] * k).
template <class T>
struct Volume {
  Geometry geometry;
  std::vector<T> voxels;

  std::size_t index(int i, int j, int k) const {
    return static_cast<std::size_t>(i) +
           static_cast<std::size_t>(geometry.size[0]) *
               (static_cast<std::size_t>(j) + static_cast<std::size_t>(geometry.size[1]) * static_cast<std::size_t>(k));
  }
  T& at(int i, int j, int k) { return voxels[index(i, j, k)]; }
  const T& at(int i, int j, int k) const { return voxels[index(i, j, k)]; }
};

/// A signed permutation of axes: canonical axis a is source axis `source[a]`, reversed where `flip[a]`.
struct Reorientation {
  std::array<int, 3> source{0, 1, 2};
  std::array<bool, 3> flip{};
};

/// The permutation that brings a grid closest to canonical axes: i to the right, j to anterior, k to superior (RAS+),
/// so that k counts axial slices and a slice is an image of height size[1] and width size[0]. Ties of oblique grids go
/// to the larger direction cosine, taken greedily. Throws std::runtime_error for a singular affine.
Reorientation to_canonical(const Geometry& geometry);

/// `volume` with its axes permuted and flipped; the affine follows, so every voxel keeps its place in space.
template <class T>
Volume<T> reorient(const Volume<T>& volume, const Reorientation& reorientation);

/// `geometry` as `reorient` leaves it.
Geometry reorient(const Geometry& geometry, const Reorientation& reorientation);

/// The inverse: reorient(reorient(v, r), inverse(r)) == v.
Reorientation inverse(const Reorientation& reorientation);

/// A canonical isotropic cube of `size`^3 voxels over a field of view of `field_of_view` mm, centred on the centre of
/// `around` (a canonical grid).
Geometry cube_around(const Geometry& around, int size, double field_of_view);

}  // namespace crossfade::data
