#include "analysis/figures/search_figure.hpp"

#include <stdexcept>

#include "analysis/figures/figure_files.hpp"
#include "analysis/figures/search_drawing.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kGap = 16;  // pixels between map and course

std::string exact_value(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : exact(value.get<double>());
}

std::string csv(const SearchTable& table, const std::vector<SearchedPoint>& points) {
  std::string out = "tried";
  for (const SearchedDimension& dimension : table.dimensions) out += ',' + csv_field(dimension.name);
  out += ",dice,epochs_so_far,variant\n";
  for (const SearchedPoint& point : points) {
    out += std::to_string(point.position + 1);
    for (const SearchedDimension& dimension : table.dimensions)
      out += ',' + csv_field(exact_value(point.point.at(dimension.name)));
    out += ',' + exact(point.dice) + ',' + exact(point.epochs_so_far) + ',' + csv_field(point.variant) + '\n';
  }
  return out;
}

}  // namespace

std::vector<std::filesystem::path> plot_search(const std::vector<std::filesystem::path>& databases,
                                               const std::filesystem::path& stem, const std::string& study) {
  const SearchTable table = read_search(databases, study);
  const std::vector<SearchedPoint> points = scored_points(table);
  if (points.empty())
    throw std::runtime_error("no candidate of the search of study '" + table.study + "' is finished yet");
  const Drawing map = *search_map(table), course = *search_course(table);
  return write_figure(
      {.title = table.study,
       .caption =
           (table.caption.empty() ? "" : table.caption + "; ") + "search by " + table.method + ", " +
           data::counted(points.size(), "candidate") +
           (points.size() < table.points.size() ? " of " + std::to_string(table.points.size()) + " so far" : "") +
           ", validation Dice over " + data::counted(table.seeds.size(), "seed") + "; finalists in a ring",
       .drawing = {.width = map.width,
                   .height = map.height + kGap + course.height,
                   .name = map.name + ". " + course.name,
                   .content = map.content + moved(course, {0, map.height + kGap})},
       .csv = csv(table, points)},
      stem);
}

}  // namespace crossfade::analysis
