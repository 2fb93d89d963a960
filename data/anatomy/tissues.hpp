// What a T1 scan shows of each tissue.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace crossfade::data {

/// Intensities of one tissue, on the scale of SynthesisOptions (white matter near 110).
struct Tissue {
  double mean;     // over scans
  double spread;   // standard deviation of a scan's mean over scans
  double texture;  // standard deviation of voxels within a scan, before blur and noise
};

/// All tissues; the first is air.
std::span<const Tissue> tissues();

/// The index in tissues() of a FreeSurfer id or of one of the whole-head ids 502-530 (those of SimNIBS's charm atlas).
/// The two sides of a structure share a tissue. Ids without an entry are soft tissue; id 0 is air.
std::size_t tissue_of(std::int32_t id);

}  // namespace crossfade::data
