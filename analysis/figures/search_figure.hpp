// What a study's search has tried, as a map, and how fast it came to its best.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Writes stem.csv, .svg, .png and .pdf and returns what it wrote. Above: each candidate at its values of the first two
/// dimensions (of one dimension, its value and Dice), coloured by validation Dice, with the number of its place in the
/// order tried, finalists in a ring; a moment that never comes is at 1. Below: the best validation Dice so far against
/// the epochs trained. Databases, `study` and errors as in render_search(), and write_figure().
std::vector<std::filesystem::path> plot_search(const std::vector<std::filesystem::path>& databases,
                                               const std::filesystem::path& stem, const std::string& study = {});

}  // namespace crossfade::analysis
