// Slices of a scan with their labels beside what a net says of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// All arrays are [height, width]; row 0 is drawn lowest, since it is the most posterior (or inferior) one.
struct ComparedSlice {
  std::string name;  // stands above it
  int width = 0, height = 0;
  double pixel_width = 1, pixel_height = 1;     // mm, of which the ratio counts
  std::vector<std::uint8_t> grey;               // 0 black, 255 white
  std::vector<std::uint8_t> truth, prediction;  // class ids; what is kIgnored in `truth` differs nowhere
};

/// What pixels are coloured in that differ: truth that was missed, prediction where there is nothing, another class.
inline constexpr const char *kMissedColour = "#D55E00", *kTooMuchColour = "#0072B2", *kOtherColour = "#CC79A7";

/// An SVG file with a row a slice: the scan with the outlines of the truth, with those of the prediction, and coloured
/// where they differ.
std::string compared_slices(std::span<const ComparedSlice> slices);

}  // namespace crossfade::analysis
