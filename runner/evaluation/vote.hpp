// The vote of nets of several planes on one volume.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/network.hpp"
#include "runner/evaluation/slice_source.hpp"

namespace crossfade::runner {

/// A net, and the volume in slices of its plane.
struct Voter {
  model::Network& network;
  SliceSource source;
  double weight = 1;
};

/// Class ids of scan 0 in axial slices (on a grid of the cohort's own: in its slices), [slices, H, W]: at each voxel
/// the class of the largest weighted sum of softmax probabilities (view aggregation, Roy et al. 2019). A sagittal net
/// has left and right merged: what it gives to a left structure counts for its right twin as well. `voters`: one at
/// least, all of the same volume. Takes 4 * classes bytes a voxel on `device`. Throws std::runtime_error for a shard
/// that can't be read.
std::vector<std::uint8_t> vote(const std::vector<Voter>& voters, torch::Device device, int batch);

}  // namespace crossfade::runner
