// Counter-based random numbers: every draw is a pure function of its key, so no generator lives through a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "data/philox.hpp"

namespace crossfade::data {

/// What a draw is for. It is part of the key, so two purposes never share numbers. Append only: a changed value changes
/// every result made with it.
enum class Purpose : std::uint32_t {
  kSplit = 1,
  kSubject,             // shape of a phantom
  kDeformation,         // smooth deformation of a scan
  kSynthesis,           // contrast, bias field, noise of a scan
  kSliceSelection = 6,  // which slices without labels are trained on
  kPermutation,         // order of the slices in an epoch
  kAugmentation,        // per slice and epoch
  kCrop,                // per slice and epoch
  kLabelBias,           // boundary noise of automatic labels
  kBootstrap,           // resamples of a report's intervals
  kSearch,              // moves the points that a search begins with
};

/// A stream of numbers from Philox 4x32-10 (Salmon et al., SC 2011), keyed by `seed` (of the trial, or of the cohort
/// for scans and split), purpose and up to three indices such as stage, epoch and slice. Streams of different keys are
/// independent; one stream yields 2^34 32-bit words before it repeats. Not thread-safe; copies continue independently.
class Random {
 public:
  Random(std::uint64_t seed, Purpose purpose, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0);

  /// 32 uniform bits.
  std::uint32_t bits() {
    if (used_ == kWords) next_words();
    return words_[used_++];
  }
  /// As many words as `words` has room for: those that bits() would give, for less.
  void bits(std::span<std::uint32_t> words);
  /// 64 uniform bits.
  std::uint64_t bits64();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high);
  /// Standard normal (Box-Muller).
  double normal();
  /// Uniform in {0, ..., count-1}, without modulo bias. Precondition: count > 0.
  std::uint64_t below(std::uint64_t count);

 private:
  void next_words();

  static constexpr std::size_t kWords = 4 * kPhiloxBlocks;  // made at a time
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, kWords> words_{};
  std::size_t used_ = kWords;
};

}  // namespace crossfade::data
