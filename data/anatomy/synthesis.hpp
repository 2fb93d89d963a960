// T1-like images drawn from label maps, in the way of SynthSeg (Billot et al. 2023), and the anatomy they are drawn
// from.
#pragma once

#include <cstdint>
#include <string>

#include "data/random.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// How scans are drawn. Intensities are on a scale on which white matter lies near 110 and 255 is the maximum.
struct SynthesisOptions {
  double contrast = 1.0;  // spread of a label's mean over scans, as a multiple of the table's own; 0: the same in all
  double bias = 0.3;      // peak of the log bias field
  double blur_mm = 0.6;   // sd of the Gaussian point spread
  double noise = 4.0;     // sd of the Rician noise, in intensity units
  double deformation_mm = 2.0;  // sd of the smooth displacement between scans of one anatomy (scan 0 has none)
  bool operator==(const SynthesisOptions&) const = default;
};

template <class Visitor>
void describe(Visitor& visit, SynthesisOptions& o) {
  visit.number("contrast", o.contrast, 0, 10, "spread of tissue means over scans, as a multiple of a T1 scan's own");
  visit.number("bias", o.bias, 0, 2, "peak of the smooth log bias field");
  visit.number("blur_mm", o.blur_mm, 0, 5, "standard deviation of the point spread in mm");
  visit.number("noise", o.noise, 0, 100, "standard deviation of the Rician noise; white matter is near 110");
  visit.number("deformation_mm", o.deformation_mm, 0, 10,
               "standard deviation of the smooth displacement between scans of one anatomy, in mm");
}

/// A whole head as FreeSurfer ids, with the non-brain labels (surface CSF, skull, fat, skin, ...) of SynthSeg's maps:
/// the embedded phantom. 256^3 voxels of 1 mm, RAS+. All 27 structures, nested and touching as in a brain, deformed by
/// `subject`. The same on every machine with the same libm.
Volume<std::int32_t> phantom_head(std::uint64_t cohort_seed, std::uint32_t subject);

/// `ids` moved by a smooth random displacement with standard deviation `sd_mm` per axis (nearest voxel; the grid
/// stays).
Volume<std::int32_t> deform(const Volume<std::int32_t>& ids, double sd_mm, Random random);

/// One scan of a head: per-label Gaussian intensities of a T1 scan, partial volume and blur, smooth bias field, Rician
/// noise. Same grid as `ids` (meant for 1 mm). Ids without an entry in the table of intensities take that of soft
/// tissue.
Volume<std::uint8_t> synthesise_t1(const Volume<std::int32_t>& ids, const SynthesisOptions& options, Random random);

}  // namespace crossfade::data
