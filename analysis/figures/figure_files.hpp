// Figures as files. Private to analysis/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/figures/svg.hpp"

namespace crossfade::analysis {

struct FigureFiles {
  std::string title, caption;  // printed above the drawing, broken into lines
  Drawing drawing;
  std::string csv;  // the data that is drawn
};

/// Writes stem.csv and stem.svg, and from the latter stem.png, twice as large, and stem.pdf, 120 pixels to an inch, by
/// rsvg-convert; returns what it wrote. Throws std::runtime_error for a stem with control characters, for a file that
/// can't be written, or with what rsvg-convert said.
std::vector<std::filesystem::path> write_figure(const FigureFiles& figure, const std::filesystem::path& stem);

}  // namespace crossfade::analysis
