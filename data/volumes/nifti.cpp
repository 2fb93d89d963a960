#include "data/volumes/nifti.hpp"

#include <itkNiftiImageIO.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "data/publish.hpp"
#include "data/volumes/nifti_header.hpp"
#include "data/volumes/volume_file.hpp"

namespace crossfade::data {
namespace {

/// ITK's own text without its file names and line numbers.
std::string reason(const itk::ExceptionObject& error) {
  std::string text = error.GetDescription();
  if (const std::size_t colon = text.find("): "); colon != std::string::npos) {
    text = text.substr(colon + 3);
  }
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

// ITK's world is LPS+: x and y point the other way than in RAS+.
constexpr std::array<double, 3> kLpsSign{-1, -1, 1};

bool is_packed(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return in.get() == 0x1f && in.get() == 0x8b;
}

itk::ImageIORegion whole(const Geometry& geometry) {
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    region.SetSize(axis, static_cast<itk::ImageIORegion::SizeValueType>(geometry.size[axis]));
  }
  return region;
}

/// What the readers share: a file's volumes, up to `most_volumes`, each read by `convert`, image_of or labels_of.
template <class Convert>
auto read(const std::filesystem::path& file, int most_volumes, const Convert& convert) {
  require_file(file);
  const std::string ending = volume_ending(file);
  if (ending != ".nii" && ending != ".nii.gz") fail(file, "is no NIfTI file by its ending (.nii or .nii.gz)");
  if (ending == ".nii" && is_packed(file)) fail(file, "is packed by gzip: name it .nii.gz, or unpack it");
  const std::vector<unsigned char> bytes = unpacked(file);
  const NiftiHeader header = nifti_header(file, bytes, most_volumes);
  double voxels = header.volumes;  // in floating point: a product of damaged sizes overflows integers
  for (const int size : header.size) voxels *= size;
  if (header.offset > bytes.size() || voxels > static_cast<double>(bytes.size() - header.offset))
    fail(file, "is truncated: it has " + std::to_string(bytes.size()) + " bytes, fewer than its voxels need");
  StoredVoxels stored{.geometry = geometry_of(file, header),
                      .type = header.type,
                      .big_endian = header.big_endian,
                      .bytes = std::span(bytes).subspan(header.offset),
                      .slope = header.slope,
                      .intercept = header.intercept};
  const std::size_t step = stored.geometry.voxels() * bytes_of(stored.type);
  std::vector<decltype(convert(file, stored))> volumes;
  for (int n = 0; n < header.volumes; ++n) {
    if (n > 0) stored.bytes = stored.bytes.subspan(step);  // there: the volume before was not truncated
    volumes.push_back(convert(file, stored));
    volumes.back().notes.transforms_mm = transforms_apart_mm(header);
  }
  return volumes;
}

template <class Stored>
constexpr itk::IOComponentEnum kComponent = itk::IOComponentEnum::INT;
template <>
constexpr itk::IOComponentEnum kComponent<std::uint8_t> = itk::IOComponentEnum::UCHAR;
template <>
constexpr itk::IOComponentEnum kComponent<std::uint16_t> = itk::IOComponentEnum::USHORT;

/// ITK 5.2's writer says nothing of a disk that is full. `written` is what is to become `file`.
void require_whole(const std::filesystem::path& file, const std::filesystem::path& written, std::size_t voxel_bytes) {
  constexpr std::size_t kHeaderBytes = 352;  // of NIfTI-1, with the four bytes behind it
  bool is_whole = false;
  try {
    is_whole = unpacked(written).size() >= kHeaderBytes + voxel_bytes;
  } catch (const std::runtime_error&) {
    is_whole = false;  // a truncated gzip
  }
  if (!is_whole) fail(file, "cannot be written whole: is the disk full?");
}

template <class Stored>
void write(const std::filesystem::path& file, const Geometry& geometry, const std::vector<Stored>& voxels) {
  const std::string ending = volume_ending(file);
  if (ending != ".nii" && ending != ".nii.gz") {
    fail(file, "a label map is written as .nii or .nii.gz");
  }
  Partial partial(file, ending);         // ITK goes by it
  if (!std::ofstream(partial.path())) {  // else ITK's library writes a line of its own to the terminal
    fail(file, "cannot be written: no file can be made in its folder");
  }
  try {
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(partial.path().string());
    io->SetNumberOfDimensions(3);
    const std::array<double, 3> spacing = geometry.spacing();
    for (unsigned axis = 0; axis < 3; ++axis) {
      io->SetDimensions(axis, static_cast<unsigned>(geometry.size[axis]));
      io->SetSpacing(axis, spacing[axis]);
      io->SetOrigin(axis, kLpsSign[axis] * geometry.affine[axis][3]);
      std::vector<double> direction(3);
      for (unsigned row = 0; row < 3; ++row) {
        direction[row] = kLpsSign[row] * geometry.affine[row][axis] / spacing[axis];
      }
      io->SetDirection(axis, direction);
    }
    io->SetPixelType(itk::IOPixelEnum::SCALAR);
    io->SetComponentType(kComponent<Stored>);
    io->SetNumberOfComponents(1);
    io->SetIORegion(whole(geometry));
    io->Write(voxels.data());
  } catch (const itk::ExceptionObject& error) {
    fail(file, "cannot be written: " + reason(error));
  }
  require_whole(file, partial.path(), voxels.size() * sizeof(Stored));
  partial.publish();
}

template <class Stored>
void write_as(const std::filesystem::path& file, const Volume<std::int32_t>& labels) {
  std::vector<Stored> voxels(labels.voxels.size());
  std::ranges::transform(labels.voxels, voxels.begin(), [](std::int32_t id) { return static_cast<Stored>(id); });
  write(file, labels.geometry, voxels);
}

}  // namespace

ReadVolume<float> read_nifti_image(const std::filesystem::path& file) {
  return std::move(read(file, 1, image_of).front());
}

std::vector<ReadVolume<float>> read_nifti_channels(const std::filesystem::path& file) {
  return read(file, kMostChannels, image_of);
}

ReadVolume<std::int32_t> read_label_map(const std::filesystem::path& file) {
  return std::move(read(file, 1, labels_of).front());
}

void write_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels) {
  write(file, labels.geometry, labels.voxels);
}

void write_small_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels) {
  const IdRange ids = ids_of(labels.voxels);
  if (ids.least >= 0 && ids.most <= 0xFF) return write_as<std::uint8_t>(file, labels);
  if (ids.least >= 0 && ids.most <= 0xFFFF) return write_as<std::uint16_t>(file, labels);
  write_label_map(file, labels);
}

}  // namespace crossfade::data
