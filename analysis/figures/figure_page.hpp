// What all figures have in common: title, caption, and the files they are written to. Private to analysis/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Okabe and Ito's colours (2008), told apart by colour-blind readers; yellow is left out, too pale for a line.
inline constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};

inline constexpr double kLinePixels = 18;  // height of a line of the axes' font

struct FigurePage {
  std::string study;               // printed above the plot
  std::string caption;             // below it, broken into lines
  int width = 900, height = 500;   // pixels, of a page with one plot; 120 to an inch in the PDF
  std::string settings;            // gnuplot commands before the plots: data blocks, axes
  std::vector<std::string> plots;  // a plot command each, behind settings of its own; repeated for each kind of file
  std::string csv;                 // the data that is drawn
};

/// Writes stem.csv, and stem.svg, stem.png and stem.pdf by gnuplot; returns what it wrote, in this order. Several plots
/// stand below one another, equally high, the key beside the first alone; the page is higher by that. Throws
/// std::runtime_error for a stem with control characters, for a file that can't be written, or with what gnuplot said.
std::vector<std::filesystem::path> draw(const FigurePage& page, const std::filesystem::path& stem);

}  // namespace crossfade::analysis
