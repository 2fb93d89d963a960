#include "data/volumes/nifti.hpp"

#include <itkMetaDataObject.h>
#include <itkNiftiImageIO.h>

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>

#include "data/publish.hpp"
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

bool compressed(const std::filesystem::path& file) {
  return file.extension() == ".gz";
}

bool named_as_nifti(const std::filesystem::path& file) {
  return file.extension() == ".nii" || (compressed(file) && file.stem().extension() == ".nii");
}

// ITK's world is LPS+: x and y point the other way than in RAS+.
constexpr std::array<double, 3> kLpsSign{-1, -1, 1};

Geometry geometry_of(const itk::NiftiImageIO& io) {
  Geometry geometry;
  for (unsigned axis = 0; axis < 3; ++axis) {
    geometry.size[axis] = static_cast<int>(io.GetDimensions(axis));
    const std::vector<double> direction = io.GetDirection(axis);
    for (unsigned row = 0; row < 3; ++row) {
      geometry.affine[row][axis] = kLpsSign[row] * direction[row] * io.GetSpacing(axis);
    }
    geometry.affine[axis][3] = kLpsSign[axis] * io.GetOrigin(axis);
  }
  return geometry;
}

/// A file as ITK gives it: slope and intercept are applied, if need be in floating point.
struct Contents {
  Geometry geometry;
  itk::IOComponentEnum type = itk::IOComponentEnum::UNKNOWNCOMPONENTTYPE;
  std::vector<std::byte> bytes;
};

/// Each voxel of `contents` as `convert` makes it of the voxel's number and its value in the type that is stored.
template <class T, class Stored, class Convert>
Volume<T> converted(const Contents& contents, const Convert& convert) {
  const auto* stored = reinterpret_cast<const Stored*>(contents.bytes.data());
  Volume<T> volume{contents.geometry, std::vector<T>(contents.bytes.size() / sizeof(Stored))};
  for (std::size_t n = 0; n < volume.voxels.size(); ++n) {
    volume.voxels[n] = convert(n, stored[n]);
  }
  return volume;
}

template <class T, class Convert>
Volume<T> converted(const std::filesystem::path& file, const Contents& contents, const Convert& convert) {
  using Type = itk::IOComponentEnum;
  switch (contents.type) {
    case Type::UCHAR:
      return converted<T, unsigned char>(contents, convert);
    case Type::CHAR:
      return converted<T, signed char>(contents, convert);
    case Type::USHORT:
      return converted<T, unsigned short>(contents, convert);
    case Type::SHORT:
      return converted<T, short>(contents, convert);
    case Type::UINT:
      return converted<T, unsigned int>(contents, convert);
    case Type::INT:
      return converted<T, int>(contents, convert);
    case Type::ULONG:
      return converted<T, unsigned long>(contents, convert);
    case Type::LONG:
      return converted<T, long>(contents, convert);
    case Type::ULONGLONG:
      return converted<T, unsigned long long>(contents, convert);
    case Type::LONGLONG:
      return converted<T, long long>(contents, convert);
    case Type::FLOAT:
      return converted<T, float>(contents, convert);
    case Type::DOUBLE:
      return converted<T, double>(contents, convert);
    default:
      fail(file, "has pixels of a type that a volume cannot have");
  }
}

/// The file's length, uncompressed. ITK reads what is missing as 0, so that a truncated file must be found out here.
std::size_t unpacked_size(const std::filesystem::path& file) {
  std::size_t total = 0;
  unpack(file, [&](std::span<const unsigned char> piece) { total += piece.size(); });
  return total;
}

void require_whole(const std::filesystem::path& file, itk::NiftiImageIO& io, std::size_t voxels) {
  const auto number = [&](const char* key) {
    std::string text;
    itk::ExposeMetaData<std::string>(io.GetMetaDataDictionary(), key, text);
    return static_cast<std::size_t>(std::stod(text));
  };
  const std::size_t expected = number("vox_offset") + voxels * number("bitpix") / 8, found = unpacked_size(file);
  if (found < expected) {
    fail(file, "is truncated: it has " + std::to_string(found) + " bytes of " + std::to_string(expected));
  }
}

itk::ImageIORegion whole(const Geometry& geometry) {
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    region.SetSize(axis, static_cast<itk::ImageIORegion::SizeValueType>(geometry.size[axis]));
  }
  return region;
}

Contents read(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) {
    fail(file, "no such file");
  }
  try {
    // The reader itself, without ITK's factories: nothing is registered, and no other format can slip in.
    const auto io = itk::NiftiImageIO::New();
    if (!named_as_nifti(file) || !io->CanReadFile(file.c_str())) {
      fail(file, "is no NIfTI file (.nii or .nii.gz)");
    }
    io->SetFileName(file.string());
    io->ReadImageInformation();
    unsigned dimensions = io->GetNumberOfDimensions();
    while (dimensions > 3 && io->GetDimensions(dimensions - 1) == 1) {
      --dimensions;
    }
    if (dimensions != 3 || io->GetNumberOfComponents() != 1) {
      fail(file, "has " + std::to_string(dimensions) + " dimensions and " +
                     std::to_string(io->GetNumberOfComponents()) +
                     " components a voxel; a volume has 3 dimensions and 1 component");
    }
    Contents contents{geometry_of(*io), io->GetComponentType(), {}};
    require_whole(file, *io, contents.geometry.voxels());
    itk::ImageIORegion region(io->GetNumberOfDimensions());
    for (unsigned axis = 0; axis < io->GetNumberOfDimensions(); ++axis) {
      region.SetSize(axis, io->GetDimensions(axis));
    }
    io->SetIORegion(region);
    contents.bytes.resize(static_cast<std::size_t>(io->GetImageSizeInBytes()));
    io->Read(contents.bytes.data());
    return contents;
  } catch (const itk::ExceptionObject& error) {
    fail(file, "cannot be read as NIfTI: " + reason(error));
  }
}

}  // namespace

Volume<float> read_nifti_image(const std::filesystem::path& file) {
  return converted<float>(file, read(file), [](std::size_t, auto value) { return static_cast<float>(value); });
}

Volume<std::int32_t> read_label_map(const std::filesystem::path& file) {
  return converted<std::int32_t>(
      file, read(file), [&](std::size_t n, auto value) { return label_of(file, n, static_cast<double>(value)); });
}

void write_label_map(const std::filesystem::path& file, const Volume<std::int32_t>& labels) {
  if (!named_as_nifti(file)) {
    fail(file, "a label map is written as .nii or .nii.gz");
  }
  const Geometry& geometry = labels.geometry;
  std::filesystem::path partial = partial_name(file);
  partial += compressed(file) ? ".nii.gz" : ".nii";  // ITK goes by the ending
  if (!std::ofstream(partial)) {                     // else ITK's library writes a line of its own to the terminal
    fail(file, "cannot be written: no file can be made in its folder");
  }
  try {
    const auto io = itk::NiftiImageIO::New();
    io->SetFileName(partial.string());
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
    io->SetComponentType(itk::IOComponentEnum::INT);
    io->SetNumberOfComponents(1);
    io->SetIORegion(whole(geometry));
    io->Write(labels.voxels.data());
  } catch (const itk::ExceptionObject& error) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    fail(file, "cannot be written: " + reason(error));
  }
  publish(partial, file);
}

}  // namespace crossfade::data
