// Figure 1 as SVG: several variants in one chart, or a small chart for each. Private to analysis/.
#pragma once

#include <string>
#include <vector>

#include "analysis/figures/figure1_lines.hpp"
#include "analysis/figures/svg.hpp"

namespace crossfade::analysis {

/// Lines that one chart can hold and still be read.
inline constexpr std::size_t kMostLines = 6;

/// Indices of the lines that end highest, at most kMostLines of them, in the grid's order.
std::vector<std::size_t> highest_lines(const Figure1& figure);

/// The mean of each of `shown` with its name at its end and marks where its schedule switches. With `all`, the other
/// lines are in it as well, hidden, and each trial's line, hidden too: for a script that shows them.
Drawing overview(const Figure1& figure, const std::vector<std::size_t>& shown, double width, double height, bool all);

inline constexpr double kFacetWidth = 300;

/// A small chart for each line, kFacetWidth pixels wide: its mean over its trials, each a thin line, before the other
/// variants in grey (of very many, their range). With `terms`, below it on the same axis the weights of the loss's
/// terms, and their values.
std::vector<Drawing> facets(const Figure1& figure, bool terms);

}  // namespace crossfade::analysis
