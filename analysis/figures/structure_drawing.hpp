// Dice of each structure in two sets of results, as SVG. Private to analysis/.
#pragma once

#include <string>
#include <vector>

#include "analysis/figures/svg.hpp"

namespace crossfade::analysis {

/// Of each structure, of each subject; not a number where there is none.
using StructureValues = std::vector<std::vector<double>>;

inline constexpr const char* kFirstColour = "#CC3311";  // red and blue as in the paper's Figure 2
inline constexpr const char* kSecondColour = "#0072B2";

/// A row a structure, read downwards however many there are: quartiles as a box with the median in it, smallest to
/// largest as a line, each subject a dot; `first` (null: alone) above `second`, and on the right the mean of second
/// less first over the subjects that both have. page.js draws the same elements again for other results.
Drawing structure_rows(const std::vector<std::string>& structures, const StructureValues* first,
                       const StructureValues& second);

}  // namespace crossfade::analysis
