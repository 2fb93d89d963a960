#include "analysis/figures/regret_figure.hpp"

#include <algorithm>
#include <iterator>

#include "analysis/figures/axes.hpp"
#include "analysis/figures/figure_files.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kWidth = 860, kHeight = 420, kLeft = 64, kRight = 90;  // pixels

/// A stair: what holds at a cost holds until the next.
std::string stairs(const std::vector<RegretPoint>& points, double RegretPoint::*value, const Scale& x, const Scale& y,
                   Attributes look) {
  std::vector<Position> line;
  for (const RegretPoint& point : points) {
    if (!line.empty()) line.push_back({x(point.epochs), line.back().y});
    line.push_back({x(point.epochs), y(point.*value)});
  }
  look.emplace_back("stroke", "currentColor");
  return polyline(line, look);
}

Drawing drawing_of(const std::vector<RegretCurve>& curves) {
  double most_epochs = 1, most = 1e-9;
  for (const RegretCurve& curve : curves)
    for (const RegretPoint& point : curve.points) {
      most_epochs = std::max(most_epochs, point.epochs);
      most = std::max(most, point.high);
    }
  const Panel panel{.left = kLeft, .top = 12, .width = kWidth - kLeft - kRight, .height = kHeight - 12 - 44};
  const Scale x{0, most_epochs, panel.left, panel.right()}, y{0, most, panel.bottom(), panel.top};
  std::string out =
      y_axis(panel, y, ticks(0, most, 8)) + x_axis(panel, x, ticks(0, most_epochs, 12)) +
      axis_names(panel, "Epochs trained, of all seeds, shared ones once", "Regret: best Dice less that of the choice");
  std::vector<double> ends;
  for (const RegretCurve& curve : curves)
    ends.push_back(curve.points.empty() ? panel.bottom() : y(curve.points.back().median));
  const std::vector<double> labels = spread_out(ends, 14, panel.top, panel.bottom());
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const RegretCurve& curve = curves[c];
    const double end = curve.points.empty() ? panel.left : x(curve.points.back().epochs);
    out += element(
        "g", {{"style", std::string("color:") + kColours[c % std::size(kColours)]}},
        stairs(curve.points, &RegretPoint::high, x, y, {{"stroke-dasharray", "2 3"}}) +
            stairs(curve.points, &RegretPoint::median, x, y, {{"stroke-width", "2.2"}}) +
            polyline({{end, ends[c]}, {panel.right() + 6, labels[c]}},
                     {{"stroke", "currentColor"}, {"stroke-width", "0.8"}}) +
            svg_text({panel.right() + 9, labels[c] + 4}, curve.method, kAxisFont, "start", {{"fill", "currentColor"}}));
  }
  return {kWidth, kHeight, "Median regret of each method of search against its cost", out};
}

}  // namespace

std::vector<std::filesystem::path> plot_regret(const std::vector<RegretCurve>& curves, const std::string& study,
                                               const std::string& caption, const std::filesystem::path& stem) {
  std::string csv = "method,epochs,low,median,high\n";
  for (const RegretCurve& curve : curves)
    for (const RegretPoint& point : curve.points)
      csv += csv_field(curve.method) + ',' + exact(point.epochs) + ',' + exact(point.low) + ',' + exact(point.median) +
             ',' + exact(point.high) + '\n';
  return write_figure({.title = study,
                       .caption = caption + "; lines: medians, dotted: upper quartiles",
                       .drawing = drawing_of(curves),
                       .csv = csv},
                      stem);
}

}  // namespace crossfade::analysis
