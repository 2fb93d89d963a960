// What all figures have in common: title, caption, and the files they are written to. Private to analysis/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

struct FigurePage {
  std::string study;     // printed above the plot
  std::string caption;   // below it, broken into lines
  int height = 500;      // pixels at a width of 900
  std::string settings;  // gnuplot commands before the plot: data blocks, axes
  std::string plot;      // the plot command, which is repeated for each kind of file
  std::string csv;       // the data that is drawn
};

/// Writes stem.csv, and stem.svg, stem.png and stem.pdf by gnuplot; returns what it wrote, in this order. Throws
/// std::runtime_error for a stem with control characters, for a file that can't be written, or with what gnuplot said.
std::vector<std::filesystem::path> draw(const FigurePage& page, const std::filesystem::path& stem);

}  // namespace crossfade::analysis
