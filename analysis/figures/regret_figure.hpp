// How soon methods of search find a good point.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crossfade::analysis {

/// Quartiles over replays of a search, at a cost.
struct RegretPoint {
  double epochs = 0, low = 0, median = 0, high = 0;
};

struct RegretCurve {
  std::string method;
  std::vector<RegretPoint> points;  // by rising cost
};

/// Writes stem.csv, .svg, .png and .pdf: median regret against epochs trained, a line a method, and a dotted one for
/// the upper quartile. Throws as write_figure() does.
std::vector<std::filesystem::path> plot_regret(const std::vector<RegretCurve>& curves, const std::string& study,
                                               const std::string& caption, const std::filesystem::path& stem);

}  // namespace crossfade::analysis
