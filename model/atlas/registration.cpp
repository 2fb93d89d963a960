#include "model/atlas/registration.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "data/nifti.hpp"
#include "data/program.hpp"

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
(ResampleInterpolator "FinalBSplineInterpolator")
(FinalBSplineInterpolationOrder 1)
(Resampler "DefaultResampler")
(DefaultPixelValue 0)
(ResultImagePixelType "unsigned char")
(ResultImageFormat "nii")
)";

constexpr const char* kAffine = R"((Transform "AffineTransform")
(AutomaticScalesEstimation "true")
(AutomaticTransformInitialization "true")
(AutomaticTransformInitializationMethod "CenterOfGravity")
(WriteResultImage "false")
)";

constexpr const char* kDeformable = R"((Transform "RecursiveBSplineTransform")
(WriteResultImage "true")
)";

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
  data::write_label_map(folder / "target.nii", target);
  data::write_label_map(folder / "image.nii", atlas.image);
  const std::vector<std::string> parameters = parameter_files(options, seed);
  write_text(folder / "affine.txt", parameters[0]);
  write_text(folder / "deformable.txt", parameters[1]);
  if (!call({"elastix", "-f", "target.nii", "-m", "image.nii", "-p", "affine.txt", "-p", "deformable.txt", "-out", ".",
             "-threads", "1"},
            folder, stop_requested))
    return std::nullopt;

  Atlas warped{read_result(folder / "result.1.nii", target.geometry), {}};
  write_text(folder / "labels.txt", of_labels(read_text(folder / "TransformParameters.1.txt")));
  for (const data::Volume<std::int32_t>& labels : atlas.labels) {
    data::write_label_map(folder / "labels.nii", labels);
    if (!call({"transformix", "-in", "labels.nii", "-tp", "labels.txt", "-out", ".", "-threads", "1"}, folder,
              stop_requested))
      return std::nullopt;
    warped.labels.push_back(read_result(folder / "result.nii", target.geometry));
  }
  return warped;
}

}  // namespace crossfade::model
