// Label fusion: one segmentation of a target image from those of atlases that were registered to it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace crossfade::model {

/// An atlas on the grid of the target, both [k, j, i] with i fastest.
struct WarpedAtlas {
  std::vector<std::uint8_t> image;   // intensities
  std::vector<std::uint8_t> labels;  // class ids; data::kIgnored where nobody has judged: it abstains
};

/// The class that most atlases say at each voxel; ties go to the smaller id, and where all abstain it is 0. Throws
/// std::invalid_argument where there is no atlas, or the atlases differ in size.
std::vector<std::uint8_t> majority_vote(const std::vector<WarpedAtlas>& atlases);

/// STAPLE of several labels (Warfield et al. 2004, as ITK's MultiLabelSTAPLEImageFilter has it): the atlases'
/// confusion matrices and the segmentation that they make most likely, by expectation maximisation. On the box
/// of voxels that some atlas labels; ties go to the majority, for which an atlas that abstains also counts. `size` is
/// that of the grid. Throws as majority_vote().
/// Nothing where `stop_requested`, asked at each iteration, said so.
std::optional<std::vector<std::uint8_t>> staple(
    const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size,
    const std::function<bool()>& stop_requested = [] { return false; });

/// The defaults are those of Wang et al. 2013.
struct JointFusionOptions {
  int patch_radius = 2;
  int search_radius = 3;
  double alpha = 0.1;
  int beta = 2;
};

template <class Visitor>
void describe(Visitor& visit, JointFusionOptions& j) {
  visit.integer("patch_radius", j.patch_radius, 0, 10, "voxels from the centre of a patch to its side");
  visit.integer("search_radius", j.search_radius, 0, 10, "voxels that an atlas' patch may lie off, on each axis");
  visit.number("alpha", j.alpha, 1e-9, 1e6, "added to the diagonal of the matrix of errors: large is an equal vote");
  visit.integer("beta", j.beta, 1, 10, "power of the products of two atlases' errors");
}

/// Joint label fusion (Wang et al. 2013, as in PICSL): at each voxel x the atlases' labels are summed with the weights
///     w = (M + alpha I)^-1 1 / (1' (M + alpha I)^-1 1),   M(a, b) = <|T(x) - A_a(x)|, |T(x) - A_b(x)|>^beta,
/// where T and A are patches of target and atlases, each with its mean taken away and of 2-norm 1 (0 where flat). A_a
/// is the patch of atlas a within `search_radius` of x (a cube) that is nearest to T(x); its centre alone gives the
/// label, as in the paper (the authors' program lets whole patches vote). Volumes go on beyond their border as they end
/// there. Where all labels within reach agree nothing is weighed. Ties of summed weights go to the smaller class id.
/// `threads` share the work and change nothing. Throws as majority_vote(). Nothing where `stop_requested`, which any
/// thread asks, said so. Takes some 10 bytes a voxel and atlas of the box around all labels, beside the atlases.
std::optional<std::vector<std::uint8_t>> joint_fusion(
    const std::vector<std::uint8_t>& target, const std::vector<WarpedAtlas>& atlases, const std::array<int, 3>& size,
    const JointFusionOptions& options, int threads = 1,
    const std::function<bool()>& stop_requested = [] { return false; });

/// Of the ITK whose filter staple() is, as "5.3.0".
std::string itk_version();

/// The weights of joint label fusion at one voxel, from the absolute differences |T - A| of each atlas' patch.
std::vector<double> joint_weights(const std::vector<std::vector<float>>& differences, double alpha, int beta);

}  // namespace crossfade::model
