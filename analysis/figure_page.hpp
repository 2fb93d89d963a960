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
};

/// Refuses (std::runtime_error) a stem with control characters.
void check_stem(const std::filesystem::path& stem);

/// Writes stem.svg, stem.png and stem.pdf by gnuplot and returns them. Throws std::runtime_error with what gnuplot
/// said.
std::vector<std::filesystem::path> draw(const FigurePage& page, const std::filesystem::path& stem);

/// Writes `text` into `file`. Throws std::runtime_error that names it.
void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace crossfade::analysis
