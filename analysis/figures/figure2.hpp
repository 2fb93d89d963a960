// Figure 2: Dice of each structure, pre-trained beside fine-tuned.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Draws a box plot over test subjects for each of the study's structures of one variant: pre-trained (red) beside
/// fine-tuned (blue), at the best checkpoint by validation; whiskers reach to the last subject within 1.5 interquartile
/// ranges, the others are dots. Few structures have a narrower page, more than 32 several rows on one page; names of
/// more than 40 characters are cut there, not in the data. `variant` and `than` choose the columns of
/// render_structures; where two variants are compared, `than` is the red one. Writes `stem`.svg, .png and .pdf by
/// gnuplot, and the data it drew as `stem`.csv. Returns what it wrote. Throws as plot_figure1, and for a variant that
/// is not there.
std::vector<std::filesystem::path> plot_figure2(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study = {},
                                                const std::string& variant = {}, const std::string& than = {});

}  // namespace crossfade::analysis
