// T1-like images drawn from label maps, in the way of SynthSeg (Billot et al. 2023), and the anatomy they are drawn
// from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  // How far scans are from one scanner's and one pipeline's; 0: not at all.
  double outside = 0;        // share of scans whose tissues outside the brain may be of any brightness
  double stripped = 0;       // share of scans without what is outside the brain
  double air = 0;            // share of scans whose air is exactly 0
  double gamma = 0;          // exponent exp(+- this) on intensities scaled to [0, 1]
  double resolution_mm = 0;  // thickest slices that scans may have had, along any axis
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
  visit.number("outside", o.outside, 0, 1,
               "share of scans whose skin, fat, marrow and other tissues outside the brain may be of any brightness, "
               "and patchy");
  visit.number("stripped", o.stripped, 0, 1, "share of scans from which all outside the brain was taken away");
  visit.number("air", o.air, 0, 1, "share of scans whose air is exactly 0, without noise");
  visit.number("gamma", o.gamma, 0, 2, "exponent exp(+- this) on a scan's intensities scaled to [0, 1]");
  visit.number("resolution_mm", o.resolution_mm, 0, 10,
               "scans are as if cut into slices of up to this thickness along one axis; 0: as they are");
}

/// A whole head as FreeSurfer ids, with the non-brain labels (surface CSF, skull, fat, skin, ...) of SynthSeg's maps:
/// the embedded phantom. 256^3 voxels of 1 mm, RAS+. All 27 structures, nested and touching as in a brain, deformed by
/// `subject`. The same on every machine with the same libm.
Volume<std::int32_t> phantom_head(std::uint64_t cohort_seed, std::uint32_t subject);

/// `ids` moved by a smooth random displacement with standard deviation `sd_mm` per axis (nearest voxel; the grid
/// stays).
Volume<std::int32_t> deform(const Volume<std::int32_t>& ids, double sd_mm, Random random);

/// What sets one scan apart from another beside its contrast.
struct ScanStyle {
  bool stripped = false;      // nothing outside the brain
  bool stripped_csf = false;  // nor the fluid around it
  bool air_is_zero = false;   // no noise in air
  double exponent = 1;        // of intensities scaled to [0, 1]
  double thickness_mm = 0;    // of slices along `axis`; 0: as they are
  std::size_t axis = 0;
  std::vector<double> outside{};  // means of tissues outside the brain, drawn anew where not empty; by tissue
  std::vector<double> patches{};  // the same of patches of some 2 cm in them, as of fat between muscles
};

/// Draws a style by the options from `outside` to `resolution_mm`; the plain one where all are 0. Always the same draws
/// in the same order, so that one option leaves the others' as they were.
ScanStyle draw_style(const SynthesisOptions& options, Random random);

/// One scan of a head: per-label Gaussian intensities of a T1 scan, partial volume and blur, smooth bias field, Rician
/// noise. Same grid as `ids` (meant for 1 mm). Ids without an entry in the table of intensities take that of soft
/// tissue; outside the brain are those from 500 to 999, as in SynthSeg's maps.
Volume<std::uint8_t> synthesise_t1(const Volume<std::int32_t>& ids, const SynthesisOptions& options, Random random,
                                   const ScanStyle& style = {});

}  // namespace crossfade::data
