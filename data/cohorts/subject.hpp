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
/// std::runtime_error for a label map that cannot be read or has none of the 27 structures.
PreparedSubject synthetic_subject(const CohortSpec& spec, const std::string& subject);

/// Of source: scans: the image on its conformed grid, trilinear, then to uint8; each kind of labels, which may come on
/// any grid, by nearest voxel on that of the image. Throws std::runtime_error for a file that cannot be read, for an
/// empty image, and for labels of none of the 27 structures or that do not lie on the image (pairing.hpp).
PreparedSubject scanned_subject(const CohortSpec& spec, const std::string& subject);

/// The study's grid: `size` pixels along the 256 mm of `cube`, which has voxels of 1 mm.
Geometry study_grid(const Geometry& cube, int size);

/// Appends `classes`, on the cube, as they are on the study's grid.
void append_labels(std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& classes, const Geometry& grid);
void append_image(std::vector<std::uint8_t>& to, const Volume<std::uint8_t>& image, const Geometry& grid);

}  // namespace crossfade::data
