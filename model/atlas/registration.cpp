#include "model/atlas/registration.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "data/program.hpp"
#include "data/volumes/distance.hpp"
#include "data/volumes/nifti.hpp"
#include "model/atlas/box.hpp"
#include "model/atlas/initial_shift.hpp"

namespace crossfade::model {
namespace {

namespace fs = std::filesystem;

/// In elastix's own words; what is not said here is its default.
constexpr const char* kOfBoth = R"((FixedInternalImagePixelType "float")
(MovingInternalImagePixelType "float")
(FixedImageDimension 3)
(MovingImageDimension 3)
(UseDirectionCosines "true")
(Registration "MultiResolutionRegistration")
(FixedImagePyramid "FixedSmoothingImagePyramid")
(MovingImagePyramid "MovingSmoothingImagePyramid")
(Interpolator "LinearInterpolator")
(Metric "AdvancedMattesMutualInformation")
(Optimizer "AdaptiveStochasticGradientDescent")
(ImageSampler "RandomCoordinate")
(NewSamplesEveryIteration "true")
(HowToCombineTransforms "Compose")
(ErodeMask "false")
(RequiredRatioOfValidSamples 0.01)
(ResampleInterpolator "FinalBSplineInterpolator")
(FinalBSplineInterpolationOrder 1)
(Resampler "DefaultResampler")
(DefaultPixelValue 0)
(ResultImagePixelType "unsigned char")
(ResultImageFormat "nii")
)";

constexpr const char* kAffine = R"((Transform "AffineTransform")
(AutomaticScalesEstimation "true")
(WriteResultImage "false")
)";

constexpr const char* kDeformable = R"((Transform "RecursiveBSplineTransform")
(WriteResultImage "true")
)";

/// A head's neck and face are where scans differ most, so only what lies this near to the atlas's labels counts.
constexpr double kMarginMm = 16;

/// A transform for elastix to start from. It counts in LPS+, where x and y point the other way.
std::string translation(const std::array<double, 3>& shift) {
  std::ostringstream out;
  out << R"((Transform "TranslationTransform")
(NumberOfParameters 3)
(InitialTransformParametersFileName "NoInitialTransform")
(HowToCombineTransforms "Compose")
(FixedImageDimension 3)
(MovingImageDimension 3)
(TransformParameters )"
      << -shift[0] << ' ' << -shift[1] << ' ' << shift[2] << ")\n";
  return out.str();
}

/// 1 where some of the atlas's labels is near.
data::Volume<std::int32_t> near_labels(const Atlas& atlas) {
  data::Mask labelled{atlas.image.geometry.size, atlas.image.geometry.spacing(),
                      std::vector<std::uint8_t>(atlas.image.voxels.size())};
  for (const data::Volume<std::int32_t>& labels : atlas.labels)
    for (std::size_t v = 0; v < labels.voxels.size(); ++v)
      if (is_labelled(labels.voxels[v])) labelled.voxels[v] = 1;
  data::Volume<std::int32_t> near{atlas.image.geometry, {}};
  for (const float squared : data::nearest_voxels(labelled).squared_mm)
    near.voxels.push_back(squared <= kMarginMm * kMarginMm ? 1 : 0);
  return near;
}

std::string numbers(const RegistrationOptions& options, std::uint64_t seed, int levels, int iterations) {
  std::ostringstream out;
  out << "(NumberOfHistogramBins " << options.bins << ")\n(NumberOfSpatialSamples " << options.samples
      << ")\n(NumberOfResolutions " << levels << ")\n(MaximumNumberOfIterations " << iterations << ")\n(RandomSeed "
      << 1 + seed % 2147483646 << ")\n";  // elastix takes 1 to 2^31 - 1, and 0 for no seed
  return out.str();
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return text.str();
}

/// The lines of what elastix said that tell what is wrong, in one line.
std::string complaint(const std::string& said) {
  std::istringstream in(said);
  std::string found, last;
  for (std::string line; std::getline(in, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    last = line;
    if (line.find("ERROR") != std::string::npos || line.find("Description:") != std::string::npos)
      found += (found.empty() ? "" : "; ") + line;
  }
  return found.empty() ? last : found;
}

/// Whether it came to its end, in `folder`: elastix takes no path with a space. Throws what it said where it failed.
bool call(const std::vector<std::string>& words, const fs::path& folder, const std::function<bool()>& stop_requested) {
  const data::Ending ending = data::run_program(
      {.words = words, .package = "elastix", .folder = folder.string(), .stop_requested = stop_requested});
  if (ending.stopped) return false;
  if (!ending.failure.empty())
    throw std::runtime_error(words.front() + " failed (" + ending.failure + "): " + complaint(ending.output));
  return true;
}

/// The transform with another interpolation of what it is applied to: none, for labels.
std::string of_labels(std::string transform) {
  const std::string key = "(FinalBSplineInterpolationOrder ";
  const auto at = transform.find(key);
  if (at == std::string::npos) throw std::runtime_error("elastix wrote a transform without an interpolation order");
  transform.replace(at, transform.find(')', at) - at, key + "0");
  return transform;
}

data::Volume<std::int32_t> read_result(const fs::path& file, const data::Geometry& grid) {
  data::Volume<std::int32_t> volume = data::read_label_map(file);
  if (volume.geometry.size != grid.size)
    throw std::runtime_error(file.string() + " is not on the grid of the image that was registered to");
  volume.geometry = grid;  // that of a file is rounded to single precision
  return volume;
}

}  // namespace

std::vector<std::string> parameter_files(const RegistrationOptions& options, std::uint64_t seed) {
  std::ostringstream spacing;
  spacing << "(FinalGridSpacingInPhysicalUnits " << options.control_spacing_mm << ")\n";
  return {kOfBoth + std::string(kAffine) + numbers(options, seed, options.affine_levels, options.affine_iterations),
          kOfBoth + std::string(kDeformable) + spacing.str() +
              numbers(options, seed, options.deformable_levels, options.deformable_iterations)};
}

std::string elastix_version() {
  const data::Ending ending = data::run_program({.words = {"elastix", "--version"}, .package = "elastix"});
  if (!ending.failure.empty()) throw std::runtime_error("elastix --version failed (" + ending.failure + ")");
  return ending.output.substr(0, ending.output.find('\n'));
}

std::optional<Atlas> register_atlas(const data::Volume<std::int32_t>& target, const Atlas& atlas,
                                    const RegistrationOptions& options, std::uint64_t seed, const fs::path& folder,
                                    const std::function<bool()>& stop_requested) {
  const auto register_images = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"elastix", "-f", "target.nii", "-m", "image.nii", "-threads", "1"};
    all.insert(all.end(), words.begin(), words.end());
    return call(all, folder, stop_requested);
  };
  /// `volume` of labels on the target's grid, by the transform of `file`.
  const auto carry_over = [&](const data::Volume<std::int32_t>& volume, const std::string& file) {
    data::write_label_map(folder / "labels.nii", volume);
    write_text(folder / "labels.txt", of_labels(read_text(folder / file)));
    return call({"transformix", "-in", "labels.nii", "-tp", "labels.txt", "-out", ".", "-threads", "1"}, folder,
                stop_requested);
  };

  const data::Volume<std::int32_t> near = near_labels(atlas);
  data::write_label_map(folder / "target.nii", target);
  data::write_label_map(folder / "image.nii", atlas.image);
  data::write_label_map(folder / "near.nii", near);
  const std::vector<std::string> parameters = parameter_files(options, seed);
  write_text(folder / "affine.txt", parameters[0]);
  write_text(folder / "deformable.txt", parameters[1]);
  write_text(folder / "start.txt", translation(initial_shift(target, atlas.image)));
  for (const char* step : {"affine", "deformable"}) fs::create_directory(folder / step);

  if (!register_images({"-t0", "start.txt", "-mMask", "near.nii", "-p", "affine.txt", "-out", "affine"}) ||
      !carry_over(near, "affine/TransformParameters.0.txt"))
    return std::nullopt;
  // On the target, as a deformation could drive samples out of a mask of the atlas.
  fs::rename(folder / "result.nii", folder / "region.nii");
  if (!register_images({"-t0", "affine/TransformParameters.0.txt", "-fMask", "region.nii", "-p", "deformable.txt",
                        "-out", "deformable"}))
    return std::nullopt;

  Atlas warped{read_result(folder / "deformable" / "result.0.nii", target.geometry), {}};
  for (const data::Volume<std::int32_t>& labels : atlas.labels) {
    if (!carry_over(labels, "deformable/TransformParameters.0.txt")) return std::nullopt;
    warped.labels.push_back(read_result(folder / "result.nii", target.geometry));
  }
  return warped;
}

}  // namespace crossfade::model
