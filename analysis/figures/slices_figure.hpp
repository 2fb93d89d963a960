// Test subjects as a net labels them: the worst, the median and the best.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Draws for each variant (or the one named) the worst, the median and the best test subject over its trials, by mean
/// Dice, as its trials have drawn them at the end of their last stage beside their database: on the slices where they
/// differ most the scan with the outlines of the truth, with those of the prediction, and where they differ. Writes
/// `stem`.svg, .png and .pdf by rsvg-convert, and which subjects these are as `stem`.csv; returns what it wrote. Throws
/// as plot_figure1, for a variant that is not there, and where there are no pictures.
std::vector<std::filesystem::path> plot_slices(const std::vector<std::filesystem::path>& databases,
                                               const std::filesystem::path& stem, const std::string& study = {},
                                               const std::string& variant = {});

}  // namespace crossfade::analysis
