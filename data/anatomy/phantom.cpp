#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "data/anatomy/phantom_anatomy.hpp"
#include "data/anatomy/smooth_field.hpp"
#include "data/anatomy/synthesis.hpp"

namespace crossfade::data {
namespace {

constexpr int kSize = 256;
constexpr double kWarpKnotMm = 48, kWarpMm = 2.2;  // smooth differences of shape, on top of those of the anatomy

double smooth_step(double from, double to, double x) {
  const double t = std::clamp((x - from) / (to - from), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

constexpr double kFar = std::numeric_limits<double>::infinity();

/// Distances to the surfaces that most questions are about; negative inside. That of the cerebellum is kFar where it
/// shapes nothing.
struct Hulls {
  double cerebrum, cerebellum, cavity;
};

/// The base of the brain: flat, higher at the midline; behind, the cerebellum carves it out (brain_at).
constexpr double kHighestBase = -8;
double base_at(Point p) {
  return -15 - 5 * smooth_step(-30, -50, p.y) + 7 * std::exp(-p.x * p.x / 200);
}

// A shape that is farther than another by the width of their union leaves it as it is, and needs no distance.
Hulls hulls_at(const Anatomy& a, Point p) {
  double cerebrum = a.cerebrum.distance(p);
  if (kHighestBase - p.z > cerebrum) cerebrum = std::max(cerebrum, base_at(p) - p.z);
  const Ellipsoid& temporal = a.temporal[p.x < 0 ? 0 : 1];
  if (!temporal.is_beyond(p, cerebrum + 6)) cerebrum = smooth_union(cerebrum, temporal.distance(p), 6);
  double cerebellum = kFar, hind = kFar;
  const double reach = cerebrum + 12 + 8 / 4;  // of both unions
  if (!a.cerebellum.is_beyond(p, reach) || !a.fossa.is_beyond(p, reach)) {
    cerebellum = a.cerebellum.distance(p);
    hind = smooth_union(cerebellum, a.fossa.distance(p), 8);
  }
  return {cerebrum, cerebellum, smooth_union(cerebrum, hind, 12) - a.subarachnoid};
}

/// In the sagittal plane: the outline of the corpus callosum, within which the hemispheres are joined.
double callosal_outline(Point p) {
  static const Ellipsoid outline{{0, -5, 9}, {1, 37, 24}};
  return outline.distance({0, p.y, p.z});
}

std::int32_t cerebrum_at(const Anatomy& a, Point p, double hull) {
  const bool left = p.x < 0;
  const std::int32_t white = left ? 2 : 41, cortex = left ? 3 : 42, csf = 24;
  // Cortex lines the hull, the fissure between the hemispheres, the sylvian fissure and the sulci. Each of these is
  // a sheet of fluid that ends inside: beyond its rim, distance is to the rim.
  const double outline = callosal_outline(p);
  const double midline = std::hypot(p.x, std::max(0.0, -outline)) - 0.9;
  const double surface = std::min(-hull, midline);
  double grey = surface;
  const double across = (p.z - (2 + a.sylvian_height) + 0.35 * p.y) / 1.06;
  const double inward = std::max({0.0, 37 - std::abs(p.x), -38 - p.y});
  grey = std::min(grey, std::hypot(across, inward) - 1.3);
  const double depth = a.sulcus_depth;
  // Under the diencephalon the brain has neither cortex nor sulci.
  const bool floor = p.z < 2 && std::hypot(p.x / 17, (p.y + 12) / 24) < 1;
  // Farther in, no sheet is nearer than the cortex is thick, and white matter stays what it is.
  if (grey > 0 && !floor && surface < depth + a.cortex + 0.5) {
    const double sheet = a.sulci[left ? 0 : 1].distance(p);
    const double half_width = 0.4 + 0.9 * std::max(0.0, 1 - surface / depth);
    grey = std::min(grey, std::hypot(sheet, std::max(0.0, surface - depth)) - half_width);
  }
  if (grey < 0) {
    return csf;
  }
  return grey < a.cortex && !floor ? cortex : white;
}

std::int32_t cerebellum_at(const Anatomy& a, Point p, double hull) {
  const bool left = p.x < 0;
  const double depth = -hull;
  const double vermis = 5 * std::exp(-p.x * p.x / 40);  // less white matter near the midline
  bool white = depth > a.cerebellar_core + vermis;
  if (!white && depth > 3.2 + vermis / 2) {
    white = a.folia[left ? 0 : 1].distance(p) < 0.25 + 0.05 * depth;
  }
  return left ? (white ? 7 : 8) : (white ? 46 : 47);
}

/// The deep structure at a point, or none. Asked of one point after another, it looks at those near them alone.
class DeepStructures {
 public:
  explicit DeepStructures(const std::vector<DeepStructure>& all) : all_(all) {}

  const DeepStructure* at(Point p) {
    const Point from = p - asked_;
    if (!(dot(from, from) <= kStepMm * kStepMm)) find_near(p);
    const auto found = std::ranges::find_if(near_, [&](const DeepStructure* one) { return one->contains(p); });
    return found == near_.end() ? nullptr : *found;
  }

 private:
  static constexpr double kStepMm = 8;

  void find_near(Point p) {
    asked_ = p;
    near_.clear();
    for (const DeepStructure& structure : all_)
      if (structure.is_within(p, kStepMm + 1e-6)) near_.push_back(&structure);  // more than rounding
  }

  const std::vector<DeepStructure>& all_;
  std::vector<const DeepStructure*> near_;  // of asked_, in order of precedence
  Point asked_{kFar, 0, 0};
};

std::int32_t brain_at(const Anatomy& a, DeepStructures& deep, Point p, const Hulls& hulls) {
  if (const DeepStructure* structure = deep.at(p)) return structure->id;
  if (hulls.cerebellum < 0) {
    return cerebellum_at(a, p, hulls.cerebellum);
  }
  return hulls.cerebrum < 0 && hulls.cerebellum > 1.2 ? cerebrum_at(a, p, hulls.cerebrum) : 24;
}

std::int32_t outside_cavity(const Anatomy& a, Point p, double cavity, double head) {
  const std::size_t side = p.x < 0 ? 0 : 1;
  if (a.eyes[side].contains(p)) {
    return 506;
  }
  if (a.cord.contains(p)) {
    return 512;
  }
  if (a.canal.contains(p)) {
    return 24;
  }
  if (cavity > 3) {
    if (const double nasal = a.nasal_cavity.distance(p); nasal < 3) return nasal < -1 ? 0 : 509;
  }
  if (cavity < a.skull) {  // two tables of compact bone, marrow between them
    return std::abs(cavity - 0.5 * a.skull) < 0.22 * a.skull ? 516 : 515;
  }
  if (head > -a.skin) {
    return 511;
  }
  if (a.spine.contains(p)) {
    return a.spine.distance(p) < -2.5 ? 516 : 515;
  }
  return a.carotids[side].contains(p) ? 502 : 507;
}

/// The id at `p`; `clearance` receives, for a point in the air, its distance from the head, and 0 for others.
std::int32_t label_at(const Anatomy& a, DeepStructures& deep, Point p, double& clearance) {
  clearance = 0;
  const Hulls hulls = hulls_at(a, p);
  if (hulls.cavity < 0) {
    return brain_at(a, deep, p, hulls);
  }
  double head = hulls.cavity - (a.skull + a.scalp + a.skin);
  if (p.z < 20) {
    const double neck = std::max(a.neck.distance({p.x, p.y, 0}), p.z + 35);
    const double face = smooth_union(a.face.distance(p), a.nose.distance(p), 8);
    head = smooth_union(head, smooth_union(face, neck, 25), 20);
  }
  if (head > 0) {
    clearance = head;
    return 0;
  }
  return outside_cavity(a, p, hulls.cavity, head);
}

}  // namespace

Volume<std::int32_t> phantom_head(std::uint64_t cohort_seed, std::uint32_t subject) {
  Random random(cohort_seed, Purpose::kSubject, subject);
  const Anatomy anatomy = draw_anatomy(random);
  DeepStructures deep(anatomy.deep);
  Volume<std::int32_t> head;
  constexpr double kCentre = (kSize - 1) / 2.0;
  head.geometry.size = {kSize, kSize, kSize};
  head.geometry.affine = {{{1, 0, 0, -kCentre}, {0, 1, 0, -kCentre}, {0, 0, 1, -kCentre}}};
  head.voxels.resize(head.geometry.voxels());
  std::array<SmoothField, 3> warp{SmoothField(head.geometry, kWarpKnotMm, kWarpMm, random),
                                  SmoothField(head.geometry, kWarpKnotMm, kWarpMm, random),
                                  SmoothField(head.geometry, kWarpKnotMm, kWarpMm, random)};
  for (int k = 0; k < kSize; ++k) {
    for (int j = 0; j < kSize; ++j) {
      const std::vector<float>&x = warp[0].row(j, k), &y = warp[1].row(j, k), &z = warp[2].row(j, k);
      for (int i = 0; i < kSize; ++i) {
        const auto n = static_cast<std::size_t>(i);
        const Point place{i - kCentre + x[n], j - kCentre + y[n], k - kCentre + z[n]};
        double clearance = 0;
        head.at(i, j, k) = label_at(anatomy, deep, anatomy.to_template(place), clearance);
        // Half of a first-order distance is safely air: no need to look at each voxel.
        i += static_cast<int>(clearance / 2);
      }
    }
  }
  return head;
}

}  // namespace crossfade::data
