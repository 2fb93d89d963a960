// One subject of a cohort, made ready for its shard: by synthesis from an anatomy, or from a scan as it came.
#pragma once

#include <string>

#include "data/cohorts/cohort.hpp"
#include "data/cohorts/remarks.hpp"

namespace crossfade::data {

struct PreparedSubject {
  ShardContents contents;
  SubjectNotes notes;
};

/// Of source: phantom or labels: T1 images drawn from the anatomy, biased labels where the spec has a bias. Throws
/// std::runtime_error for a label map that cannot be read or has none of the classes.
PreparedSubject synthetic_subject(const Cohort& cohort, const ListedSubject& subject);

/// Of source: scans and nnunet. On the cube of 256 mm by the rule t1: the image on its conformed grid, trilinear, then
/// to uint8. Otherwise: each channel on the slices of slices_of(), as on_slices() has it. Each kind of labels, which
/// may come on any grid, by nearest voxel on that of the image. Throws std::runtime_error for a file that cannot be
/// read, for an empty image, for channels that do not lie on one grid, and for labels of none of the classes or that
/// do not lie on the image (pairing.hpp).
PreparedSubject scanned_subject(const Cohort& cohort, const ListedSubject& subject);

/// What all shards of the cohort state alike, and the subject's name.
ShardInfo shard_info(const Cohort& cohort, const ListedSubject& subject);

/// The study's grid: `size` pixels along the 256 mm of `cube`, which has voxels of 1 mm.
Geometry study_grid(const Geometry& cube, int size);

/// An image, or classes, of the cube on the study's grid.
std::vector<std::uint8_t> on_study_grid(const Volume<std::uint8_t>& image, const Geometry& grid);
std::vector<std::uint8_t> labels_on_study_grid(const Volume<std::uint8_t>& classes, const Geometry& grid);

}  // namespace crossfade::data
