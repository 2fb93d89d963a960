// What reading a volume found that a person should hear of.
#pragma once

#include <cstdint>

#include "data/volumes/volume.hpp"

namespace crossfade::data {

struct ReadingNotes {
  std::uint64_t not_finite = 0;  // voxels of an image that were NaN or infinite, and are 0 now
  std::uint64_t rounded = 0;     // voxels of a label map that were nearly integers, and are integers now
  double rounding = 0;           // the largest change of any of these
  double transforms_mm = 0;      // NIfTI with both: how far apart qform and sform place a corner, at most
};

template <class T>
struct ReadVolume : Volume<T> {
  ReadingNotes notes;
};

}  // namespace crossfade::data
