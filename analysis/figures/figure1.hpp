// Figure 1: mean Dice per epoch.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Draws mean validation Dice over epochs of the latest study (or the one named; databases as in render_table1): up to
/// six variants as lines with their names at their ends (mean over seeds and folds); of more, a small chart for each
/// with its trials as thin lines, before the others in grey. Circles where a schedule switches.
/// Writes `stem`.svg, .png and .pdf by rsvg-convert, and the data it drew as `stem`.csv. Finished trials count; of a
/// variant that has none, those under way. A trial that a loss or gradient stopped counts as 0 in its remaining epochs;
/// one whose patience ran out goes on at the Dice of its last epoch. Returns what it wrote. Throws std::runtime_error
/// for an empty study, a folder that can't be written, or an rsvg-convert that is missing or fails (with what it said).
std::vector<std::filesystem::path> plot_figure1(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study = {});

}  // namespace crossfade::analysis
