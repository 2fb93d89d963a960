// Figure 2: Dice of each structure, pre-trained beside fine-tuned.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Draws a row for each of the study's structures of one variant with a box plot over test subjects: pre-trained (red)
/// above fine-tuned (blue), at the best checkpoint by validation; whiskers reach to the last subject, each subject is a
/// dot. Names of more than 32 characters are cut there, not in the data. `variant` and `than` choose the columns of
/// render_structures; where two variants are compared, `than` is the red one. Writes `stem`.svg, .png and .pdf by
/// rsvg-convert, and the data it drew as `stem`.csv. Returns what it wrote. Throws as plot_figure1, and for a variant
/// that is not there.
std::vector<std::filesystem::path> plot_figure2(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study = {},
                                                const std::string& variant = {}, const std::string& than = {});

}  // namespace crossfade::analysis
