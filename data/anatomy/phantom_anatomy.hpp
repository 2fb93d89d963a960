// One subject's anatomy as shapes: what the phantom's voxels are labelled by.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/anatomy/phantom_shapes.hpp"
#include "data/random.hpp"

namespace crossfade::data {

/// A structure within the brain: the union of its shapes. `centre` and `reach` bound it.
struct DeepStructure {
  std::int32_t id = 0;
  std::vector<Ellipsoid> ellipsoids;
  std::vector<Tube> tubes;
  Point centre;
  double reach = 0;

  bool contains(Point p) const { return is_within(p, 0) && holds(p); }
  /// Whether the bound is at most `mm` away. mm >= 0.
  bool is_within(Point p, double mm) const {
    const Point from = p - centre;
    return !(dot(from, from) > (reach + mm) * (reach + mm));
  }

 private:
  bool holds(Point p) const;
};

/// Lengths in mm, in the template's frame: right, anterior, superior from a point near the anterior commissure. Index 0
/// is left, 1 is right.
struct Anatomy {
  // Brain
  std::vector<DeepStructure> deep;  // in order of precedence
  Ellipsoid cerebrum;
  std::array<Ellipsoid, 2> temporal;
  Ellipsoid cerebellum;
  std::array<Folds, 2> sulci, folia;
  double sulcus_depth = 0, cortex = 0, cerebellar_core = 0;
  double sylvian_height = 0;

  // Head
  double subarachnoid = 0, skull = 0, scalp = 0, skin = 0;
  Ellipsoid fossa, face, nose, nasal_cavity;
  Ellipsoid neck;  // as a cylinder: z does not matter
  std::array<Ellipsoid, 2> eyes;
  Tube spine, canal, cord;
  std::array<Tube, 2> carotids;

  // From the scanner's frame to the template's: p = scale * rotate(v - shift)
  Point shift, scale;
  Turn yaw, pitch, roll;
  Point to_template(Point v) const;
};

/// Draws a subject: sizes, positions and proportions vary about those of an adult head.
Anatomy draw_anatomy(Random& random);

}  // namespace crossfade::data
