#include "data/cohorts/slice_grid.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>

#include "data/cohorts/subject.hpp"
#include "data/shards/plane.hpp"
#include "data/volumes/affine.hpp"
#include "data/volumes/conform.hpp"
#include "data/volumes/conform_image.hpp"
#include "data/volumes/resample.hpp"
#include "data/volumes/separable.hpp"
#include "data/words.hpp"

namespace crossfade::data {
namespace {

constexpr double kSame = 1e-4;    // of a spacing, as same_spacing() has it
constexpr double kVaries = 0.05;  // of a spacing, said
constexpr int kSidesDivisibleBy = 16;
constexpr int kLargestSide = 4096;

bool same(double a, double b) {
  return std::abs(a - b) <= kSame * b;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/// Of the axis of every image.
std::vector<double> spacings(const std::vector<Geometry>& images, std::size_t axis) {
  std::vector<double> result;
  for (const Geometry& image : images) result.push_back(image.spacing()[axis]);
  return result;
}

std::string plane_of(const CohortSpec& spec, const std::vector<Geometry>& images) {
  if (spec.axis != "auto") return spec.axis;
  const double sagittal = median(spacings(images, 0)), coronal = median(spacings(images, 1)),
               axial = median(spacings(images, 2));
  constexpr double kTie = 1.01;
  if (sagittal > kTie * axial && sagittal > kTie * coronal) return "sagittal";
  return coronal > kTie * axial && coronal > kTie * sagittal ? "coronal" : "axial";
}

/// The shortest text that reads back as the same number.
std::string text_of(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// Without the noise of single-precision spacings: to 1e-5 mm, as hashes of before have it, unless that is too coarse
/// for the image to be of the same spacing still; then to six digits.
double rounded(double mm) {
  const double fixed = std::round(mm * 1e5) / 1e5;
  if (std::abs(fixed - mm) <= kSame / 2 * mm) return fixed;
  const double scale = std::pow(10, 5 - std::floor(std::log10(mm)));
  return std::round(mm * scale) / scale;
}

/// The smallest fitting side for `axis` at `mm` a pixel.
int side(const std::vector<Geometry>& images, std::size_t axis, double mm) {
  int most = 1;
  for (const Geometry& image : images) {
    const double own = image.spacing()[axis];
    const double pixels = mm == 0 || same(own, mm) ? image.size[axis] : std::ceil(image.size[axis] * own / mm - kSame);
    most = std::max(most, static_cast<int>(pixels));
  }
  if (most > kLargestSide)
    throw std::runtime_error("grid: at " + text_of(mm) + " mm a pixel the largest subject has " + std::to_string(most) +
                             " pixels along a side of its slices, expected at most " + std::to_string(kLargestSide) +
                             ": say a larger grid.mm");
  return (most + kSidesDivisibleBy - 1) / kSidesDivisibleBy * kSidesDivisibleBy;
}

/// The spacing that all images have along the axis, or 0.
double common_spacing(const std::vector<Geometry>& images, std::size_t axis) {
  const auto [least, most] = std::ranges::minmax(spacings(images, axis));
  return same(least, most) ? rounded(most) : 0;
}

/// Of voxels of `source` that lie on those of `target`; nothing where they don't.
std::optional<std::array<int, 3>> voxel_offset(const Geometry& source, const Geometry& target) {
  const Affine map = index_map(target.affine, source.affine);
  constexpr double kRounding = 1e-3;  // voxels, over the whole grid
  std::array<int, 3> offset{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      if (std::abs(map[row][column] - (row == column ? 1 : 0)) * target.size[column] > kRounding) return std::nullopt;
    offset[row] = static_cast<int>(std::lround(map[row][3]));
    if (std::abs(map[row][3] - offset[row]) > kRounding) return std::nullopt;
  }
  return offset;
}

/// So that an image does not fade at its ends, where a filter reaches beyond it.
void normalise(AxisTaps& taps) {
  for (Taps& tap : taps) {
    const float sum = std::accumulate(tap.weights.begin(), tap.weights.end(), 0.0F);
    for (float& weight : tap.weights) weight /= sum;
  }
}

template <class T>
std::vector<T> copied(const Volume<T>& source, const Geometry& target, const std::array<int, 3>& offset, T outside) {
  std::vector<T> voxels;
  voxels.reserve(target.voxels());
  const auto inside = [&](int index, std::size_t axis) { return index >= 0 && index < source.geometry.size[axis]; };
  for (int k = 0; k < target.size[2]; ++k)
    for (int j = 0; j < target.size[1]; ++j)
      for (int i = 0; i < target.size[0]; ++i) {
        const int x = i + offset[0], y = j + offset[1], z = k + offset[2];
        voxels.push_back(inside(x, 0) && inside(y, 1) && inside(z, 2) ? source.at(x, y, z) : outside);
      }
  return voxels;
}

}  // namespace

SliceGrid slice_grid(const CohortSpec& spec, const std::vector<Geometry>& images) {
  if (const auto size = cube_size(spec)) return {.width = *size, .height = *size, .cube = *size};
  SliceGrid grid{.plane = plane_of(spec, images)};
  std::vector<Geometry> turned;
  for (const Geometry& image : images) turned.push_back(turned_to(image, grid.plane));
  const std::vector<std::string> mm = words_of(spec.grid.mm);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    if (mm.empty())
      grid.mm[axis] = rounded(median(spacings(turned, axis)));
    else if (mm.front() != "native")
      grid.mm[axis] = std::stod(mm[std::min(axis, mm.size() - 1)]);
  }
  const std::vector<std::string> slice_mm = words_of(spec.grid.slice_mm);
  if (!slice_mm.empty() && slice_mm.front() != "native") grid.slice_mm = std::stod(slice_mm.front());
  grid.width = spec.grid.width > 0 ? spec.grid.width : side(turned, 0, grid.mm[0]);
  grid.height = spec.grid.height > 0 ? spec.grid.height : side(turned, 1, grid.mm[1]);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double stated = axis < 2 ? grid.mm[axis] : grid.slice_mm;
    grid.spacing[axis] = stated > 0 ? stated : common_spacing(turned, axis);
  }
  return grid;
}

CohortSpec stated(CohortSpec spec, const SliceGrid& grid) {
  if (grid.cube > 0) return spec;
  spec.axis = grid.plane;
  const auto length = [](double mm) { return mm == 0 ? std::string("native") : text_of(mm); };
  spec.grid = {.width = grid.width,
               .height = grid.height,
               .mm = grid.mm[0] == grid.mm[1] ? length(grid.mm[0]) : length(grid.mm[0]) + " " + length(grid.mm[1]),
               .slice_mm = length(grid.slice_mm)};
  return spec;
}

std::vector<Remark> remarks_on_spacing(const SliceGrid& grid, const std::vector<Geometry>& images,
                                       const std::vector<std::string>& names) {
  if (!grid.own_spacing()) return {};
  const std::array<double, 3> stated = {grid.mm[0], grid.mm[1], grid.slice_mm};
  const std::array<const char*, 3> along = {"along the rows of slices", "along their columns", "between slices"};
  std::vector<Remark> remarks;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (stated[axis] > 0) continue;
    std::vector<double> own;
    for (const Geometry& image : images) own.push_back(turned_to(image, grid.plane).spacing()[axis]);
    const auto [least, most] = std::ranges::minmax_element(own);
    if (*most <= (1 + kVaries) * *least) continue;
    std::ostringstream text;
    text.precision(3);
    text << "spacing " << along[axis] << " varies from " << *least << " mm ("
         << names[static_cast<std::size_t>(least - own.begin())] << ") to " << *most << " mm ("
         << names[static_cast<std::size_t>(most - own.begin())] << ")";
    remarks.push_back({true, text.str()});
  }
  return remarks;
}

Geometry turned_to(const Geometry& geometry, const std::string& plane) {
  return reorient(reorient(geometry, to_canonical(geometry)), reorientation_of(plane));
}

Geometry slices_of(const SliceGrid& grid, const Geometry& image) {
  if (grid.cube > 0) return study_grid(conformed_grid(image), grid.cube);
  const std::array<double, 3> own = image.spacing();
  const std::array<double, 3> asked = {grid.mm[0], grid.mm[1], grid.slice_mm};
  Geometry slices;
  slices.size = {grid.width, grid.height, 0};
  std::array<double, 3> first{};  // voxel of the image that voxel 0 lies on
  std::array<double, 3> step{};   // voxels of the image from one to the next
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const bool meet = asked[axis] == 0 || same(own[axis], asked[axis]);
    step[axis] = meet ? 1 : asked[axis] / own[axis];
    if (axis == 2) slices.size[2] = meet ? image.size[2] : static_cast<int>(std::ceil(image.size[2] / step[2] - kSame));
    first[axis] = meet ? (image.size[axis] - 1) / 2 - (slices.size[axis] - 1) / 2
                       : (image.size[axis] - 1) / 2.0 - step[axis] * (slices.size[axis] - 1) / 2.0;
  }
  for (std::size_t row = 0; row < 3; ++row) {
    slices.affine[row][3] = image.affine[row][3];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      slices.affine[row][axis] = image.affine[row][axis] * step[axis];
      slices.affine[row][3] += image.affine[row][axis] * first[axis];
    }
  }
  return slices;
}

std::vector<float> on_slices(const Volume<float>& image, const Geometry& target, float low) {
  if (const auto offset = voxel_offset(image.geometry, target)) return copied(image, target, *offset, low);
  const std::array<double, 3> from = image.geometry.spacing(), to = target.spacing();
  std::array<AxisTaps, 3> taps;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double scale = to[axis] / from[axis];
    // Widens a point spread of 1 source voxel (full width at half maximum) to 1 target voxel.
    const double sd = scale > 1 + kSame ? std::sqrt(scale * scale - 1) / std::sqrt(8 * std::log(2.0)) : 0;
    taps[axis] = gaussian_taps(image.geometry.size[axis], sd);
    normalise(taps[axis]);
  }
  // Less `low`, so that what lies outside, where resample_linear() has 0, is what stands for nothing.
  Block block{image.geometry.size, image.voxels};
  for (float& value : block.values) value -= low;
  const Volume<float> smooth{image.geometry, data::apply(block, taps).values};
  std::vector<float> values = resample_linear(smooth, target).voxels;
  const bool integers = std::ranges::all_of(image.voxels, [](float value) { return value == std::trunc(value); });
  for (float& value : values) value = integers ? std::round(value + low) : value + low;
  return values;
}

std::vector<std::uint8_t> on_slices(const Volume<std::uint8_t>& classes, const Geometry& target) {
  if (const auto offset = voxel_offset(classes.geometry, target))
    return copied(classes, target, *offset, std::uint8_t{0});
  return resample_labels(classes, target).voxels;
}

}  // namespace crossfade::data
