#include "data/volumes/nifti_header.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace crossfade::data {
namespace {

namespace fs = std::filesystem;
using std::to_string;

/// Fields of a header by their place in bytes.
struct Fields {
  std::span<const unsigned char> bytes;
  bool big_endian;

  template <class T>
  T at(std::size_t place) const {
    return number<T>(bytes.data() + place, big_endian);
  }
};

/// Where the fields are: https://nifti.nimh.nih.gov, nifti1.h and nifti2.h.
struct Layout {
  std::size_t header_bytes, magic, datatype, dim, pixdim, vox_offset, scl_slope, codes, quatern, srow;
  bool wide;  // NIfTI-2: int64 and float64 in place of int16 and float32

  template <class Narrow, class Wide>
  double number(const Fields& fields, std::size_t place, std::size_t index) const {
    return wide ? static_cast<double>(fields.at<Wide>(place + sizeof(Wide) * index))
                : static_cast<double>(fields.at<Narrow>(place + sizeof(Narrow) * index));
  }
  double real(const Fields& fields, std::size_t place, std::size_t index) const {
    return number<float, double>(fields, place, index);
  }
  std::int64_t length(const Fields& fields, std::size_t index) const {
    return static_cast<std::int64_t>(number<std::int16_t, std::int64_t>(fields, dim, index));
  }
};

constexpr Layout kNifti1{348, 344, 70, 40, 76, 108, 112, 252, 256, 280, false};
constexpr Layout kNifti2{540, 4, 12, 16, 104, 168, 176, 344, 352, 400, true};

struct Found {
  Layout layout;
  bool big_endian;
};

std::optional<Found> layout_of(std::span<const unsigned char> bytes) {
  if (bytes.size() < 4) return std::nullopt;
  for (const Layout& layout : {kNifti1, kNifti2})
    for (const bool big_endian : {false, true})
      if (bytes.size() >= layout.header_bytes &&
          Fields{bytes, big_endian}.at<std::int32_t>(0) == static_cast<std::int32_t>(layout.header_bytes))
        return Found{layout, big_endian};
  return std::nullopt;
}

VoxelType type_of(const fs::path& file, int code) {
  switch (code) {
    case 2:
      return VoxelType::kUint8;
    case 4:
      return VoxelType::kInt16;
    case 8:
      return VoxelType::kInt32;
    case 16:
      return VoxelType::kFloat32;
    case 64:
      return VoxelType::kFloat64;
    case 256:
      return VoxelType::kInt8;
    case 512:
      return VoxelType::kUint16;
    case 768:
      return VoxelType::kUint32;
    case 1024:
      return VoxelType::kInt64;
    case 1280:
      return VoxelType::kUint64;
    default:
      fail(file, "has voxels of NIfTI type " + to_string(code) +
                     " (colours, complex numbers or 128 bits); a volume has one integer or real number a voxel");
  }
}

std::string sizes_of(const Layout& layout, const Fields& fields) {
  std::string sizes;
  for (std::int64_t d = 1; d <= layout.length(fields, 0); ++d)
    sizes += (d > 1 ? " x " : "") + to_string(layout.length(fields, static_cast<std::size_t>(d)));
  return sizes;
}

void read_size(const fs::path& file, const Layout& layout, const Fields& fields, int most_volumes,
               NiftiHeader& header) {
  std::int64_t dimensions = layout.length(fields, 0);
  if (dimensions < 1 || dimensions > 7) fail(file, "is no NIfTI file: it has " + to_string(dimensions) + " dimensions");
  while (dimensions > 3 && layout.length(fields, static_cast<std::size_t>(dimensions)) <= 1) --dimensions;
  if (most_volumes > 1 && (dimensions == 4 || (dimensions == 5 && layout.length(fields, 4) == 1))) {
    const std::int64_t volumes = layout.length(fields, static_cast<std::size_t>(dimensions));
    if (volumes > most_volumes)
      fail(file, "has " + to_string(volumes) + " volumes, " + sizes_of(layout, fields) +
                     "; the channels of an image are at most " + to_string(most_volumes) +
                     ": it looks like a series, take out the volumes that belong to one image");
    header.volumes = static_cast<int>(volumes);
  } else if (dimensions != 3) {
    fail(file,
         "has " + to_string(dimensions) + " dimensions, " + sizes_of(layout, fields) +
             (most_volumes > 1 ? "; an image has 3, and a fourth for its channels (further ones of 1 may be there)"
                               : "; a volume has 3 (further ones of 1 may be there): take one volume out of it"));
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t size = layout.length(fields, axis + 1);
    if (size < 1 || size > std::numeric_limits<int>::max())
      fail(file, "is no NIfTI file: a size is " + to_string(size));
    header.size[axis] = static_cast<int>(size);
  }
}

void read_scaling(const fs::path& file, const Layout& layout, const Fields& fields, NiftiHeader& header) {
  const double slope = layout.real(fields, layout.scl_slope, 0), intercept = layout.real(fields, layout.scl_slope, 1);
  if (slope == 0 || !std::isfinite(slope)) return;  // the standard: then nothing is scaled, whatever the intercept
  if (!std::isfinite(intercept)) fail(file, "its header scales voxels by a slope, but its intercept is no number");
  header.slope = slope;
  header.intercept = intercept;
}

/// Method 2 of nifti1.h: a rotation as quaternion, voxel sizes, an offset. Nothing where the quaternion is longer
/// than 1.
std::optional<Affine> qform_of(const Layout& layout, const Fields& fields, const std::array<double, 3>& pixdim) {
  double b = layout.real(fields, layout.quatern, 0), c = layout.real(fields, layout.quatern, 1),
         d = layout.real(fields, layout.quatern, 2);
  const double rest = 1 - (b * b + c * c + d * d);
  // Of float32, which in a turn by 180 degrees leaves a rest near 0, as nibabel has it; and of what wrote the file.
  constexpr double kNothing = 3 * std::numeric_limits<float>::epsilon(), kRounding = 1e-3;
  if (!(rest > -kRounding)) return std::nullopt;
  const double a = rest < kNothing ? 0 : std::sqrt(rest);
  if (a == 0) {
    const double length = std::sqrt(1 - rest);
    b /= length, c /= length, d /= length;
  }
  const double left_handed = layout.real(fields, layout.pixdim, 0) < 0 ? -1 : 1;
  const std::array<double, 3> step{pixdim[0], pixdim[1], pixdim[2] * left_handed};
  const std::array<std::array<double, 3>, 3> rotation{
      {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
       {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
       {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c}}};
  Affine qform{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t axis = 0; axis < 3; ++axis) qform[row][axis] = rotation[row][axis] * step[axis];
    qform[row][3] = layout.real(fields, layout.quatern, 3 + row);
  }
  return qform;
}

/// A senseless quaternion matters only where no sform is in force.
void read_qform(const fs::path& file, const Layout& layout, const Fields& fields, NiftiHeader& header) {
  if (header.qform_code == 0) return;
  const std::optional<Affine> qform = qform_of(layout, fields, header.pixdim);
  if (qform) {
    header.qform = *qform;
    return;
  }
  if (header.sform_code == 0)
    fail(file, "the quaternion of its qform is longer than 1, expected at most 1, or an sform in its place");
  header.damaged_qform = true;
  header.qform_code = 0;
}

Affine base_affine(const NiftiHeader& header) {
  Affine affine{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    affine[axis][axis] = axis == 0 ? -header.pixdim[axis] : header.pixdim[axis];
    affine[axis][3] = -affine[axis][axis] * (header.size[axis] - 1) / 2;
  }
  return affine;
}

}  // namespace

NiftiHeader nifti_header(const fs::path& file, std::span<const unsigned char> bytes, int most_volumes) {
  const std::optional<Found> found = layout_of(bytes);
  if (!found) fail(file, "is no NIfTI file (.nii or .nii.gz)");
  const Layout& layout = found->layout;
  const Fields fields{bytes, found->big_endian};
  const std::string magic(reinterpret_cast<const char*>(bytes.data()) + layout.magic, 3);
  if (magic == "ni1" || magic == "ni2") fail(file, "is the header of a pair of files (.hdr, .img), expected one file");
  if (magic != (layout.wide ? "n+2" : "n+1")) fail(file, "is no NIfTI file (.nii or .nii.gz): its magic is missing");

  NiftiHeader header;
  header.big_endian = found->big_endian;
  read_size(file, layout, fields, most_volumes, header);
  header.type = type_of(file, fields.at<std::int16_t>(layout.datatype));
  const double offset = layout.number<float, std::int64_t>(fields, layout.vox_offset, 0);
  const std::size_t smallest = layout.header_bytes + 4;  // the four bytes that say whether there are extensions
  if (!(offset < 1e15)) fail(file, "is no NIfTI file: its voxels are said to begin at byte " + to_string(offset));
  header.offset = offset > static_cast<double>(smallest) ? static_cast<std::size_t>(offset) : smallest;
  read_scaling(file, layout, fields, header);

  for (std::size_t axis = 0; axis < 3; ++axis)
    header.pixdim[axis] = std::abs(layout.real(fields, layout.pixdim, axis + 1));
  const auto code = [&](std::size_t index) {
    return layout.wide ? fields.at<std::int32_t>(layout.codes + 4 * index)
                       : fields.at<std::int16_t>(layout.codes + 2 * index);
  };
  header.qform_code = std::max(code(0), 0);
  header.sform_code = std::max(code(1), 0);
  read_qform(file, layout, fields, header);
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      header.sform[row][column] = layout.real(fields, layout.srow, 4 * row + column);
  return header;
}

Geometry geometry_of(const fs::path& file, const NiftiHeader& header) {
  const bool by_sform = header.sform_code > 0, by_qform = !by_sform && header.qform_code > 0;
  const std::string what = by_sform ? "sform" : by_qform ? "qform" : "voxel size (it has neither sform nor qform)";
  const Geometry geometry{header.size, by_sform ? header.sform : by_qform ? header.qform : base_affine(header)};
  for (const auto& row : geometry.affine)
    for (const double entry : row)
      if (!std::isfinite(entry)) fail(file, "an entry of its " + what + " is no number");
  require_unsheared(file, geometry, what);
  if (!by_sform) return geometry;
  const std::array<double, 3> spacing = geometry.spacing();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double stated = header.pixdim[axis];
    if (stated > 0 && !(std::abs(spacing[axis] - stated) <= 1e-3 * stated))
      fail(file, "axis " + to_string(axis + 1) + " has voxels of " + to_string(spacing[axis]) +
                     " mm by its sform and of " + to_string(stated) +
                     " mm by its pixdim, expected the same to 0.001 of it; mend the header, or save the volume anew "
                     "with one affine (nibabel.Nifti1Image(voxels, affine) sets both)");
  }
  return geometry;
}

bool itk_places_elsewhere(const fs::path& file) {
  const std::string ending = volume_ending(file);
  if (ending != ".nii" && ending != ".nii.gz") return false;
  constexpr double kRounding = 0.01;  // mm
  try {
    const NiftiHeader header = nifti_header(file, unpacked(file, kNifti2.header_bytes));
    const bool neither = header.sform_code == 0 && header.qform_code == 0;
    return neither || header.damaged_qform || transforms_apart_mm(header) > kRounding;
  } catch (const std::exception&) {
    return false;  // whoever reads it says why it can't be read
  }
}

double transforms_apart_mm(const NiftiHeader& header) {
  if (header.sform_code == 0 || header.qform_code == 0) return 0;
  return corners_apart_mm({header.size, header.qform}, {header.size, header.sform});
}

}  // namespace crossfade::data
