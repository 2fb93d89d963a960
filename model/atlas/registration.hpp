// Registration of an atlas to a target image by elastix, a program of its own (Klein et al. 2010).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/volumes/volume.hpp"

namespace crossfade::model {

/// An affine registration from initial_shift() on, then a deformation by cubic B-splines; both maximise mutual
/// information (Mattes et al. 2003) from coarse to fine by adaptive stochastic gradient descent, within 16 mm of the
/// atlas's labels: the affine one on the atlas, the deformation where the affine one brought that region.
struct RegistrationOptions {
  int affine_iterations = 250;
  int affine_levels = 3;
  int deformable_iterations = 500;
  int deformable_levels = 4;
  double control_spacing_mm = 10;
  int samples = 4096;
  int bins = 32;
};

template <class Visitor>
void describe(Visitor& visit, RegistrationOptions& r) {
  visit.integer("affine_iterations", r.affine_iterations, 1, 100000, "steps of the affine registration at each level");
  visit.integer("affine_levels", r.affine_levels, 1, 10,
                "its levels of smoothing, each of twice the width of the next");
  visit.integer("deformable_iterations", r.deformable_iterations, 1, 100000, "steps of the deformation at each level");
  visit.integer("deformable_levels", r.deformable_levels, 1, 10, "its levels of smoothing, and of its control points");
  visit.number("control_spacing_mm", r.control_spacing_mm, 1, 200,
               "distance of the control points at the last level; twice as far at each level before it");
  visit.integer("samples", r.samples, 100, 100000000, "points of the target drawn anew at each step");
  visit.integer("bins", r.bins, 4, 256, "of the histogram of which mutual information is computed");
}

/// Part of every hash of a registration, and of trials that depend on some. Raise it when a change of the code changes
/// what a registration gives.
inline constexpr int kRegistrationFormat = 2;

/// The two parameter files that elastix is called with, the affine one first.
std::vector<std::string> parameter_files(const RegistrationOptions& options, std::uint64_t seed);

/// What elastix says of itself: "elastix version: 5.0.1". Throws std::runtime_error where it is missing.
std::string elastix_version();

struct Atlas {
  data::Volume<std::int32_t> image;                // 0 to 255
  std::vector<data::Volume<std::int32_t>> labels;  // class ids, on the grid of the image; one for each kind of labels
};

/// The atlas's image (linear interpolation) and each of its `labels` (nearest neighbour) on the grid of `target`, 0
/// where the atlas does not reach. Files lie in `folder`, which must be there and empty, on the way. Nothing where
/// `stop_requested` said so. On one thread, as elastix's result depends on their number: register several side by side.
/// Throws std::runtime_error where elastix or transformix is missing or fails, with what it says, or where it gives
/// another grid than the target's.
std::optional<Atlas> register_atlas(const data::Volume<std::int32_t>& target, const Atlas& atlas,
                                    const RegistrationOptions& options, std::uint64_t seed,
                                    const std::filesystem::path& folder, const std::function<bool()>& stop_requested);

}  // namespace crossfade::model
