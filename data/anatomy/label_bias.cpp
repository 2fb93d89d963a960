#include "data/anatomy/label_bias.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "data/anatomy/displace.hpp"
#include "data/volumes/box.hpp"
#include "data/volumes/distance.hpp"
#include "data/volumes/separable.hpp"

namespace crossfade::data {
namespace {

constexpr double kKnotMm = 8;
constexpr double kSmoothing = 0.7;  // sd in voxels
constexpr int kRim = 3;             // voxels at the edge of a box that smoothing spoils: 4 sd
// From the boundary to the nearest voxel centre beyond it, in voxels: half a one at a flat face, less at a slanting
// one; balls of 5 to 20 voxels grow and shrink evenly at this.
constexpr double kToCentre = 0.4;

using Shifts = std::array<double, kIgnored + 1>;  // by class: mm, outward

/// Sets the shifts that `text` names, as "STRUCTURE MM STRUCTURE MM ...". Returns what is wrong with it, or "".
std::string read_shifts(const std::string& text, const Classes& classes, Shifts& shifts) {
  std::istringstream words(text);
  for (std::string name, mm; words >> name;) {
    const auto found = std::find(classes.names.begin() + 1, classes.names.end(), name);
    if (found == classes.names.end())
      return "'" + name + "' is no structure, expected a name such as " +
             (classes == brain_classes() ? "Left-Amygdala" : classes.names[1]);
    double shift = 0;
    const bool is_there = static_cast<bool>(words >> mm);
    const auto [end, error] = std::from_chars(mm.data(), mm.data() + mm.size(), shift);
    if (!is_there || error != std::errc{} || end != mm.data() + mm.size() || !(std::abs(shift) <= 5))
      return "expected a number of mm from -5 to 5 after " + name + ", not '" + (is_there ? mm : "") + "'";
    shifts[static_cast<std::size_t>(found - classes.names.begin())] = shift;
  }
  return "";
}

Shifts shifts_of(const LabelBiasOptions& options, const Classes& classes) {
  Shifts shifts{};
  for (std::size_t c = 0; c < classes.names.size(); ++c) {
    if (classes.names[c].ends_with("-Pallidum")) shifts[c] = options.pallidum_mm;
    if (classes.names[c].ends_with("-Amygdala")) shifts[c] = options.amygdala_mm;
    if (classes.names[c].ends_with("-Lateral-Ventricle")) shifts[c] = options.ventricles_mm;
  }
  if (const std::string fault = read_shifts(options.structures_mm, classes, shifts); !fault.empty())
    throw std::invalid_argument("structures_mm: " + fault);
  return shifts;
}

using Boxes = std::array<Box, kIgnored + 1>;  // by class

Box widened(Box box, const std::array<int, 3>& margin) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    box.low[axis] -= margin[axis];
    box.high[axis] += margin[axis];
  }
  return box;
}

/// The box of each class that is shifted.
Boxes boxes_of(const Volume<std::uint8_t>& classes, const Shifts& shifts) {
  Boxes boxes;
  const std::uint8_t* label = classes.voxels.data();
  for (int k = 0; k < classes.geometry.size[2]; ++k)
    for (int j = 0; j < classes.geometry.size[1]; ++j)
      for (int i = 0; i < classes.geometry.size[0]; ++i) {
        const std::size_t c = *label++;
        if (shifts[c] != 0) boxes[c].include({{i, j, k}, {i + 1, j + 1, k + 1}});
      }
  return boxes;
}

/// Calls `visit(n, voxel, inside)` for the n-th voxel of the box, i fastest: its index in the volume, or if it lies
/// beyond (`inside` is false), that of the volume's nearest one.
template <class Visit>
void for_each_voxel(const Volume<std::uint8_t>& classes, const Box& box, Visit visit) {
  const std::array<int, 3>& size = classes.geometry.size;
  std::size_t n = 0;
  for (int k = box.low[2]; k < box.high[2]; ++k)
    for (int j = box.low[1]; j < box.high[1]; ++j)
      for (int i = box.low[0]; i < box.high[0]; ++i) {
        const int x = std::clamp(i, 0, size[0] - 1), y = std::clamp(j, 0, size[1] - 1),
                  z = std::clamp(k, 0, size[2] - 1);
        visit(n++, classes.index(x, y, z), x == i && y == j && z == k);
      }
}

/// The voxels of the box for whose class `wanted` holds.
template <class Wanted>
Mask mask_of(const Volume<std::uint8_t>& classes, const Box& box, Wanted wanted) {
  Mask mask{{box.size(0), box.size(1), box.size(2)}, classes.geometry.spacing(), {}};
  for_each_voxel(classes, box, [&](std::size_t, std::size_t voxel, bool) {
    mask.voxels.push_back(wanted(classes.voxels[voxel]) ? 1 : 0);
  });
  return mask;
}

/// mm from each voxel's centre to the mask's boundary on the way to its nearest voxel; 0 within the mask.
std::vector<float> distance_to_boundary(const Mask& mask) {
  const NearestVoxels nearest = nearest_voxels(mask);
  std::vector<float> distance(nearest.squared_mm.size());
  for (std::size_t n = 0; n < distance.size(); ++n) {
    distance[n] = std::sqrt(nearest.squared_mm[n]);
    if (!(distance[n] > 0) || nearest.index[n] < 0) continue;
    auto from = static_cast<int>(n), to = static_cast<int>(nearest.index[n]);
    double squares = 0;  // of a voxel's extent along the way, times the distance
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double mm = mask.spacing[axis] * (from % mask.size[axis] - to % mask.size[axis]);
      squares += mm * mm * mask.spacing[axis] * mask.spacing[axis];
      from /= mask.size[axis];
      to /= mask.size[axis];
    }
    distance[n] -= static_cast<float>(kToCentre * std::sqrt(squares)) / distance[n];
  }
  return distance;
}

/// mm to the mask's boundary, negative inside: spoilt in the outermost kRim voxels of the box.
std::vector<float> signed_distance(Mask mask) {
  Block distance{mask.size, distance_to_boundary(mask)};
  const std::vector<std::uint8_t> is_inside = mask.voxels;
  for (std::uint8_t& voxel : mask.voxels) voxel = voxel == 0 ? 1 : 0;
  const std::vector<float> depth = distance_to_boundary(mask);
  std::array<AxisTaps, 3> taps;
  for (std::size_t axis = 0; axis < 3; ++axis) taps[axis] = gaussian_taps(mask.size[axis], kSmoothing);
  for (std::size_t n = 0; n < depth.size(); ++n) distance.values[n] -= depth[n];
  std::vector<float> smooth = data::apply(distance, taps).values;
  for (std::size_t n = 0; n < smooth.size(); ++n)
    smooth[n] = is_inside[n] != 0 ? std::min(smooth[n], 0.0F) : std::max(smooth[n], 0.0F);
  return smooth;
}

/// Gives all voxels of shrinking classes to the nearest others.
void give_up(const Volume<std::uint8_t>& classes, const Shifts& shifts, const Boxes& boxes,
             std::vector<std::uint8_t>& result) {
  Box box;
  for (std::size_t c = 0; c < shifts.size(); ++c)
    if (shifts[c] < 0 && !boxes[c].empty()) box.include(boxes[c]);
  if (box.empty()) return;
  box = widened(box, {1, 1, 1});  // beyond that, nothing is nearer than what is in it
  const Mask mask = mask_of(classes, box, [&](std::uint8_t c) { return shifts[c] >= 0; });
  const NearestVoxels nearest = nearest_voxels(mask);
  std::vector<std::uint8_t> in_box;
  for_each_voxel(classes, box, [&](std::size_t, std::size_t voxel, bool) { in_box.push_back(classes.voxels[voxel]); });
  for_each_voxel(classes, box, [&](std::size_t n, std::size_t voxel, bool inside) {
    if (inside && nearest.index[n] >= 0) result[voxel] = in_box[static_cast<std::size_t>(nearest.index[n])];
  });
}

/// A voxel that a shifted structure holds or takes: the smaller `lead`, the more so.
struct Claim {
  std::size_t voxel;
  float lead;  // signed distance less shift, mm; below 0
  std::uint8_t label;
};

void claim(const Volume<std::uint8_t>& classes, std::uint8_t label, double shift, const Box& structure,
           std::vector<Claim>& claims) {
  const std::array<double, 3> spacing = classes.geometry.spacing();
  std::array<int, 3> margin{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    margin[axis] = kRim + 1 + static_cast<int>(std::ceil(std::max(shift, 0.0) / spacing[axis]));
  const Box box = widened(structure, margin);
  const std::vector<float> distance =
      signed_distance(mask_of(classes, box, [label](std::uint8_t c) { return c == label; }));
  const auto width = static_cast<std::size_t>(box.size(0)), height = static_cast<std::size_t>(box.size(1));
  const auto in_rim = [](std::size_t position, int size) {
    return static_cast<int>(position) < kRim || static_cast<int>(position) >= size - kRim;
  };
  for_each_voxel(classes, box, [&](std::size_t n, std::size_t voxel, bool inside) {
    const float lead = distance[n] - static_cast<float>(shift);
    if (!inside || !(lead < 0) || in_rim(n % width, box.size(0)) || in_rim(n / width % height, box.size(1)) ||
        in_rim(n / width / height, box.size(2)))
      return;
    claims.push_back({voxel, lead, label});
  });
}

void shift_boundaries(Volume<std::uint8_t>& classes, const Shifts& shifts) {
  const Boxes boxes = boxes_of(classes, shifts);
  std::vector<Claim> claims;
  for (std::size_t c = 0; c < shifts.size(); ++c)
    if (shifts[c] != 0 && !boxes[c].empty()) claim(classes, static_cast<std::uint8_t>(c), shifts[c], boxes[c], claims);
  std::vector<std::uint8_t> result = classes.voxels;
  give_up(classes, shifts, boxes, result);
  // The strongest claim comes last.
  std::ranges::stable_sort(claims, std::ranges::greater(), &Claim::lead);
  for (const Claim& c : claims) result[c.voxel] = c.label;
  classes.voxels = std::move(result);
}

}  // namespace

std::string label_bias_fault(const LabelBiasOptions& options, const Classes& classes) {
  Shifts shifts{};
  const std::string fault = read_shifts(options.structures_mm, classes, shifts);
  return fault.empty() ? "" : "structures_mm: " + fault;
}

Volume<std::uint8_t> bias_labels(const Volume<std::uint8_t>& labels, const Classes& classes,
                                 const LabelBiasOptions& options, Random random) {
  for (const std::uint8_t label : labels.voxels)
    if (label >= classes.count() && label != kIgnored)
      throw std::invalid_argument("label " + std::to_string(label) + " is none of the " +
                                  std::to_string(classes.count()) + " classes");
  Volume<std::uint8_t> biased = labels;
  shift_boundaries(biased, shifts_of(options, classes));
  return options.noise_mm > 0 ? displace(biased, options.noise_mm, kKnotMm, random) : biased;
}

}  // namespace crossfade::data
