#include "runner/evaluation/vote.hpp"

#include <torch/types.h>

#include <array>

#include "data/shards/plane.hpp"
#include "runner/evaluation/evaluator.hpp"

namespace crossfade::runner {
namespace {

/// For each class the one whose probability a sagittal net says in its place.
torch::Tensor merged_classes(const data::Classes& classes) {
  const std::vector<std::int64_t> twins(classes.left_twin.begin(), classes.left_twin.end());
  return torch::tensor(twins, torch::kLong);
}

}  // namespace

std::vector<std::uint8_t> vote(const std::vector<Voter>& voters, torch::Device device, int batch) {
  const data::Classes& all = voters.front().source.info().classes;
  const torch::Tensor twins = merged_classes(all).to(device);
  torch::Tensor sums;  // [classes, axial slices, H, W]
  for (const auto& [network, source, weight] : voters) {
    const auto& plane = source.info().plane;
    // Turned axis -> axial axis; on a grid of a cohort's own all slices are in one order.
    const auto axis = source.info().own_grid ? std::array{0, 1, 2} : data::reorientation_of(plane).source;
    if (!sums.defined()) {
      std::array<std::int64_t, 3> size{};
      for (std::size_t a = 0; a < 3; ++a) size[static_cast<std::size_t>(axis[a])] = source.info().grid.size[a];
      sums = torch::zeros({all.count(), size[2], size[1], size[0]}, torch::TensorOptions(device));
    }
    const torch::Tensor turned = sums.permute({0, 3 - axis[2], 3 - axis[1], 3 - axis[0]});
    predict_slices(network, source, 0, source.info().slices_per_scan(), device, batch,
                   [&](int first, const torch::Tensor& logits) {
                     torch::Tensor probabilities = logits.to(torch::kFloat).softmax(1);
                     if (source.info().sides_merged) probabilities = probabilities.index_select(1, twins);
                     turned.narrow(1, first, logits.size(0)).add_(probabilities.transpose(0, 1), weight);
                   });
  }
  const torch::Tensor classes = sums.argmax(0).to(torch::kByte).cpu().contiguous();
  const auto* first = classes.const_data_ptr<std::uint8_t>();
  return {first, first + classes.numel()};
}

}  // namespace crossfade::runner
