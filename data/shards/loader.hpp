// Batches of slices for one rank, prefetched by background threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/shards/augmentation.hpp"
#include "data/shards/shard.hpp"

namespace crossfade::data {

/// One rank's part of a global batch. Empty (count 0) for a rank that the last batch leaves without a slice.
struct Batch {
  int count = 0;
  int global_count = 0;  // slices of the global batch, over all ranks of the group
  int height = 0, width = 0;
  int channels = 1;
  std::vector<float> images;         // [count, C, H, W], standardised as the cohort's rule has it (intensity.hpp)
  std::vector<std::uint8_t> labels;  // [count, H, W]: classes, or kIgnored
  bool ignores = true;               // whether a label may be kIgnored
};

/// A slice of a set of shards.
struct SliceRef {
  int shard;
  int slice;  // of the shard, over all its scans
};

/// The slices an epoch trains on: of every scan in `range` all that carry a label of this kind, and a seeded tenth of
/// the rest (drawn per subject and scan, the same in every epoch).
std::vector<SliceRef> training_slices(const std::vector<Shard>& shards, std::uint64_t seed,
                                      LabelKind kind = LabelKind::kManual, ScanRange range = {});

struct LoaderOptions {
  int batch = 16;  // slices of the global batch
  int rank = 0;    // within the group
  int ranks = 1;
  int threads = 1;
  int prefetch = 4;        // batches held ready
  std::uint64_t seed = 0;  // of the trial
  std::uint32_t stage = 0;
  LabelKind labels = LabelKind::kManual;
  AugmentationOptions augmentation = {};
  int crop = 0;  // side of the squares that augmented slices are cut to, see place_square(); 0: whole slices
};

/// Steps of an epoch: ceil(slices / batch). The last global batch may be smaller; no slice is dropped or repeated.
int steps_per_epoch(std::size_t slices, int batch);

/// Part of `count` items that rank `rank` of `ranks` takes: contiguous, sizes differ by at most one, earlier ranks
/// first.
struct Part {
  int first, count;
};
Part part_of(int count, int rank, int ranks);

/// Serves this rank's part of every global batch of an epoch, in order. What a batch holds is a function of the slices,
/// the options and the epoch, for any number of ranks and threads. `shards` must outlive the loader. One thread calls
/// it.
class Loader {
 public:
  /// Throws std::invalid_argument for slices that are not in `shards`, std::runtime_error where these are no siblings.
  Loader(const std::vector<Shard>& shards, std::vector<SliceRef> slices, LoaderOptions options);
  ~Loader();

  int steps() const;
  /// Begins an epoch at global batch `first_step` (above 0 after a resume). Ends whatever epoch was under way.
  void start(std::uint32_t epoch, int first_step = 0);
  /// The next batch, or nothing at the epoch's end and before the first start(). Rethrows what a background thread
  /// threw (std::runtime_error naming the shard), from then on in every call until start().
  std::optional<Batch> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crossfade::data
