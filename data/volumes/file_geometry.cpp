#include "data/volumes/file_geometry.hpp"

#include "data/volumes/image.hpp"
#include "data/volumes/mgz.hpp"
#include "data/volumes/nifti_header.hpp"

namespace crossfade::data {

Geometry read_geometry(const std::filesystem::path& file) {
  const std::string ending = volume_ending(file);
  if (ending.starts_with(".mg")) return read_mgz_geometry(file);
  if (!ending.starts_with(".nii")) return read_channels(file).front().geometry;
  constexpr std::size_t kHeaderBytes = 540;  // of NIfTI-2, the longer one
  constexpr int kMostVolumes = 64;
  require_file(file);
  return geometry_of(file, nifti_header(file, unpacked(file, kHeaderBytes), kMostVolumes));
}

}  // namespace crossfade::data
