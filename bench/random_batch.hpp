// What steps are timed on.
#pragma once

#include <cstdint>

#include "data/labels/structures.hpp"
#include "data/random.hpp"
#include "data/shards/loader.hpp"

namespace crossfade::runner {

/// Noise and labels: `count` slices of side x side of a batch of `global_count`.
inline data::Batch random_batch(int count, int global_count, int side, std::uint64_t seed) {
  data::Random random(seed, data::Purpose::kAugmentation);
  data::Batch batch;
  batch.count = count;
  batch.global_count = global_count;
  batch.height = batch.width = side;
  for (int i = 0; i < count * side * side; ++i) {
    batch.images.push_back(static_cast<float>(random.normal()));
    batch.labels.push_back(static_cast<std::uint8_t>(random.below(data::kClasses)));
  }
  return batch;
}

}  // namespace crossfade::runner
