#include "analysis/figures/search_figure.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "analysis/figures/figure_page.hpp"
#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/search.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

/// Where a value lies on an axis: a text at its place among those there are.
double place_of(const SearchedDimension& dimension, const nlohmann::json& value) {
  if (value.is_number()) return value.get<double>();
  return static_cast<double>(std::ranges::find(dimension.values, value) - dimension.values.begin());
}

std::vector<SearchedPoint> finished(const SearchTable& table) {
  std::vector<SearchedPoint> points;
  std::ranges::copy_if(table.points, std::back_inserter(points),
                       [](const SearchedPoint& point) { return !std::isnan(point.dice); });
  return points;
}

/// Ticks and range of an axis ("x" or "y") for a dimension.
std::string axis(const std::string& name, const SearchedDimension& dimension,
                 const std::vector<SearchedPoint>& points) {
  std::string out = "set " + name + "label " + gnuplot_quoted(dimension.name) + '\n';
  double low = place_of(dimension, points.front().point.at(dimension.name)), high = low;
  for (const SearchedPoint& point : points) {
    const double place = place_of(dimension, point.point.at(dimension.name));
    low = std::min(low, place);
    high = std::max(high, place);
  }
  if (dimension.logarithmic) return out + "set logscale " + name + "\n";
  const double margin = high > low ? 0.06 * (high - low) : 0.5;
  out += "set " + name + "range [" + exact(low - margin) + ":" + exact(high + margin) + "]\n";
  if (!dimension.values.empty() && dimension.values.front().is_string()) {
    std::string ticks;
    for (std::size_t v = 0; v < dimension.values.size(); ++v)
      ticks += (v == 0 ? "" : ", ") + gnuplot_quoted(dimension.values[v].get<std::string>()) + " " + std::to_string(v);
    out += "set " + name + "tics (" + ticks + ")\n";
  }
  return out;
}

std::string data_blocks(const SearchTable& table, const std::vector<SearchedPoint>& points) {
  const SearchedDimension& across = table.dimensions.front();
  const bool one = table.dimensions.size() == 1;
  std::string tried = "$tried << END\n", found = "$found << END\n", course = "$course << END\n",
              best = "$best << END\n";
  double highest = 0;
  bool any_found = false;
  for (const SearchedPoint& point : points) {
    const double x = place_of(across, point.point.at(across.name));
    const double y = one ? point.dice : place_of(table.dimensions[1], point.point.at(table.dimensions[1].name));
    const std::string row = exact(x) + ' ' + exact(y) + ' ' + exact(point.dice);
    tried += row + ' ' + std::to_string(point.position + 1) + '\n';
    if (!point.variant.empty()) found += row + '\n';
    any_found = any_found || !point.variant.empty();
    highest = std::max(highest, point.dice);
    course += exact(point.epochs_so_far) + ' ' + exact(point.dice) + '\n';
    best += exact(point.epochs_so_far) + ' ' + exact(highest) + '\n';
  }
  if (!any_found) found += "NaN NaN NaN\n";
  return tried + "END\n" + found + "END\n" + course + "END\n" + best + "END\n";
}

std::string csv(const SearchTable& table, const std::vector<SearchedPoint>& points) {
  std::string out = "tried";
  for (const SearchedDimension& dimension : table.dimensions) out += ',' + csv_field(dimension.name);
  out += ",dice,epochs_so_far,variant\n";
  for (const SearchedPoint& point : points) {
    out += std::to_string(point.position + 1);
    for (const SearchedDimension& dimension : table.dimensions)
      out += ',' + csv_field(value_cell(point.point.at(dimension.name)));
    out += ',' + exact(point.dice) + ',' + exact(point.epochs_so_far) + ',' + csv_field(point.variant) + '\n';
  }
  return out;
}

FigurePage page(const SearchTable& table) {
  const std::vector<SearchedPoint> points = finished(table);
  if (points.empty())
    throw std::runtime_error("no candidate of the search of study '" + table.study + "' is finished yet");
  FigurePage page;
  page.study = table.study;
  page.caption = (table.caption.empty() ? "" : table.caption + "; ") + "search by " + table.method + ", " +
                 std::to_string(points.size()) + " candidates, validation Dice over " +
                 std::to_string(table.seeds.size()) + " seeds";
  page.height = 480;
  page.settings = data_blocks(table, points) +
                  // Viridis in five steps: lightness rises with the value, so that it reads without colours as well.
                  "set palette defined (0 '#440154', 1 '#3B528B', 2 '#21918C', 3 '#5EC962', 4 '#FDE725')\n"
                  "set cblabel 'Validation Dice' offset 1, 0\nset rmargin 16\nset lmargin 12\n";
  const bool one = table.dimensions.size() == 1;
  // Drawn once a kind of file, so that each plot says again what the other has changed.
  page.plots = {"set colorbox\nset xtics auto\nset ytics auto\nset key bmargin right\n" +
                    axis("x", table.dimensions.front(), points) +
                    (one ? "set ylabel 'Validation Dice'\nset autoscale y\n" : axis("y", table.dimensions[1], points)) +
                    "plot $tried using 1:2:3 with points pt 7 ps 2.2 palette notitle, \\\n"
                    "     $found using 1:2 with points pt 6 ps 2.9 lw 2.5 lc rgb '#D55E00' title 'finalists', \\\n"
                    "     $tried using 1:2:4 with labels font ',7' offset 0, 1.1 tc rgb '#444444' notitle\n",
                "unset logscale\nunset colorbox\nset xtics auto\nset ytics auto\nset autoscale x\nset autoscale y\n"
                "set key bmargin center horizontal\nset xrange [0:]\n"
                "set xlabel 'Epochs trained, of all seeds, shared ones once' offset 0, 0.4\nset ylabel 'Validation Dice'\n"
                "plot $course using 1:2 with points pt 7 ps 0.5 lc rgb '#56B4E9' title 'candidate', \\\n"
                "     $best using 1:2 with steps lw 2.5 lc rgb '#0072B2' title 'best so far'\n"};
  page.csv = csv(table, points);
  return page;
}

}  // namespace

std::vector<std::filesystem::path> plot_search(const std::vector<std::filesystem::path>& databases,
                                               const std::filesystem::path& stem, const std::string& study) {
  return draw(page(read_search(databases, study)), stem);
}

}  // namespace crossfade::analysis
