// "Automatic" labels: the true ones with a systematic bias, in place of those of a program such as FreeSurfer.
#pragma once

#include <cstdint>
#include <string>

#include "data/labels/classes.hpp"
#include "data/random.hpp"
#include "data/volumes/volume.hpp"

namespace crossfade::data {

/// How automatic labels differ from the true ones, in mm. All 0: not at all.
struct LabelBiasOptions {
  double pallidum_mm = 0;    // the boundary's shift outward; below 0: inward; both hemispheres alike
  double amygdala_mm = 0;    // likewise
  double ventricles_mm = 0;  // likewise, of the lateral ventricles
  double noise_mm = 0;       // sd of a smooth random displacement, per axis, of all boundaries
  std::string
      structures_mm{};  // "STRUCTURE MM STRUCTURE MM ...": shifts of these, in place of what those above say of them
  bool operator==(const LabelBiasOptions&) const = default;
};

template <class Visitor>
void describe(Visitor& visit, LabelBiasOptions& b) {
  visit.number("pallidum_mm", b.pallidum_mm, -5, 5, "shift of the pallidum's boundary in mm; above 0: outward");
  visit.number("amygdala_mm", b.amygdala_mm, -5, 5, "shift of the amygdala's boundary in mm; above 0: outward");
  visit.number("ventricles_mm", b.ventricles_mm, -5, 5,
               "shift of the lateral ventricles' boundary in mm; above 0: outward");
  visit.text(
      "structures_mm", b.structures_mm,
      "the same of any structure, in place of what the three above say of it: Left-Amygdala -1 Left-Pallidum 1.5");
  visit.number("noise_mm", b.noise_mm, 0, 3,
               "standard deviation of the smooth random displacement of all boundaries, in mm");
}

/// Why bias_labels would throw for these options: a name in structures_mm that is no structure, or a shift that is no
/// number from -5 to 5. Empty if it would not.
std::string label_bias_fault(const LabelBiasOptions& options, const Classes& classes = brain_classes());

/// The labels (of `classes`) that a biased method would find where `labels` are true. Meant for 1 mm; the spacing is
/// honoured. Two steps:
///
/// 1. With d_s the signed distance in mm to the boundary of structure s in `labels` (negative inside), a voxel belongs
///    to the shifted structure s of smallest d_s - shift_s where that is below 0: what grows takes from whatever was
///    there, and two structures that touch and grow alike keep the boundary between them. What a shrinking structure
///    gives up and no other takes goes to the class of the nearest voxel of a class that doesn't shrink. All else
///    stays. d_s comes from exact Euclidean distances of voxel centres, averaged over neighbours (Gaussian, 0.7
///    voxels), because those to a slanting boundary fall short by up to half a voxel; a structure that grows loses no
///    voxel thereby, and one that shrinks gains none. A flat boundary along an axis moves by whole voxels; at 1 mm, a
///    ball grows by its shift within 0.15 mm and shrinks by it within 0.35 mm. What is less than twice as wide as it
///    shrinks disappears.
/// 2. Everything is moved by a smooth random displacement (knots 8 mm apart, nearest voxel), drawn from `random`. It
///    begins to fold at a noise of some 1.5 mm.
///
/// At the border of the volume its outermost voxels are taken to continue. A pure function of its arguments. Throws
/// std::invalid_argument for a label that is none of the classes, and with label_bias_fault() where that isn't empty.
Volume<std::uint8_t> bias_labels(const Volume<std::uint8_t>& labels, const Classes& classes,
                                 const LabelBiasOptions& options, Random random);

}  // namespace crossfade::data
