#include "analysis/figures/search_drawing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <map>
#include <numbers>
#include <utility>

#include "analysis/figures/axes.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kWidth = 760, kMapHeight = 460, kCourseHeight = 300, kLeft = 64, kRight = 90;  // pixels
constexpr double kSpotRadius = 10, kSpread = 18, kLeastLabelled = 7;
constexpr const char* kRing = "#D55E00";
constexpr std::size_t kMostLabelled = 60;  // candidates in the forest; of more, lines are thinner

/// Viridis in five steps: lightness rises with the value, so that it reads without colours as well.
constexpr int kViridis[][3] = {
    {0x44, 0x01, 0x54}, {0x3B, 0x52, 0x8B}, {0x21, 0x91, 0x8C}, {0x5E, 0xC9, 0x62}, {0xFD, 0xE7, 0x25}};

/// `part` 0 to 1.
std::string colour_at(double part) {
  const double at = std::clamp(part, 0.0, 1.0) * (std::size(kViridis) - 1);
  const auto below = std::min(static_cast<std::size_t>(at), std::size(kViridis) - 2);
  int mixed[3];
  for (std::size_t c = 0; c < 3; ++c)
    mixed[c] = static_cast<int>(std::lround(kViridis[below][c] + (at - static_cast<double>(below)) *
                                                                     (kViridis[below + 1][c] - kViridis[below][c])));
  char text[8];
  std::snprintf(text, sizeof text, "#%02X%02X%02X", mixed[0], mixed[1], mixed[2]);
  return text;
}

/// Where a value lies on an axis: a text at its place among those there are, a logarithmic number by its logarithm.
double place_of(const SearchedDimension& dimension, const nlohmann::json& value) {
  if (!value.is_number())
    return static_cast<double>(std::ranges::find(dimension.values, value) - dimension.values.begin());
  return dimension.logarithmic ? std::log10(value.get<double>()) : value.get<double>();
}

struct Axis {
  Scale scale;
  std::vector<double> at;
  std::vector<std::string> texts;
};

/// Of `places`, with room at both ends.
Axis axis_of(const std::vector<double>& places, const SearchedDimension* dimension, double at_from, double at_to) {
  const auto [low, high] = std::ranges::minmax(places);
  const double margin = high > low ? 0.06 * (high - low) : 0.5;
  Axis axis{{low - margin, high + margin, at_from, at_to}, {}, {}};
  const bool is_text = dimension != nullptr && !dimension->values.empty() && dimension->values.front().is_string();
  if (is_text)
    for (std::size_t v = 0; v < dimension->values.size(); ++v) axis.at.push_back(static_cast<double>(v));
  else
    axis.at = ticks(axis.scale.from, axis.scale.to, 10);
  for (const double at : axis.at) {
    if (is_text)
      axis.texts.push_back(shortened(dimension->values[static_cast<std::size_t>(at)].get<std::string>(), 12));
    else
      axis.texts.push_back(tick_text(dimension != nullptr && dimension->logarithmic ? std::pow(10, at) : at));
  }
  return axis;
}

std::string axes(const Panel& panel, const Axis& x, const Axis& y, const std::string& x_name,
                 const std::string& y_name) {
  std::string out;
  for (std::size_t i = 0; i < x.at.size(); ++i)
    out += svg_line({x.scale(x.at[i]), panel.top}, {x.scale(x.at[i]), panel.bottom()}, kGrid) +
           svg_text({x.scale(x.at[i]), panel.bottom() + 15}, x.texts[i], kTickFont, "middle", {{"fill", kInk}});
  return out + y_axis(panel, y.scale, y.at, y.texts) + axis_names(panel, shortened(x_name, 60), shortened(y_name, 40));
}

std::string colour_key(const Panel& panel, double low, double high) {
  constexpr int kSteps = 40;
  const double left = panel.right() + 18, step = panel.height / kSteps;
  std::string out = svg_text({left, panel.top - 10}, "Dice", kTickFont, "start", {{"fill", kInk}});
  for (int s = 0; s < kSteps; ++s)
    out += element("rect", {{"x", pixels(left)},
                            {"y", pixels(panel.bottom() - step * (s + 1))},
                            {"width", "12"},
                            {"height", pixels(step + 0.5)},
                            {"fill", colour_at((s + 0.5) / kSteps)}});
  const Scale y{.from = low, .to = high > low ? high : low + 1, .at_from = panel.bottom(), .at_to = panel.top};
  for (const double value : {low, (low + high) / 2, high})
    out += svg_text({left + 16, y(value) + 3.5}, fixed(value, high - low < 0.01 ? 4 : 3), kTickFont, "start",
                    {{"fill", kInk}});
  return out;
}

struct Spot {
  Position at;
  double radius = kSpotRadius;
};

/// Where candidates are drawn. Those that share a place, as they differ in a third dimension, stand around it as the
/// seeds of a sunflower do (Vogel 1979), the best in the middle.
std::vector<Spot> spots_of(const std::vector<Position>& places, const std::vector<double>& dice) {
  constexpr double kGoldenAngle = 2 * std::numbers::pi * (2 - std::numbers::phi);
  constexpr double kApart = 1.3;  // radii: the first and the fourth, the closest two of any number, don't touch
  std::map<std::pair<double, double>, std::vector<std::size_t>> sharing;
  for (std::size_t i = 0; i < places.size(); ++i) sharing[{places[i].x, places[i].y}].push_back(i);
  std::vector<Spot> spots(places.size());
  for (auto& [place, candidates] : sharing) {
    std::ranges::stable_sort(candidates, std::greater{}, [&](std::size_t i) { return dice[i]; });
    const auto count = static_cast<double>(candidates.size());
    const double radius = std::min(kSpotRadius, kSpread / (1 + kApart * std::sqrt(count - 0.5)));
    for (std::size_t k = 0; k < candidates.size(); ++k) {
      const auto turn = static_cast<double>(k);
      const double distance = count > 1 ? kApart * radius * std::sqrt(turn + 0.5) : 0;
      spots[candidates[k]] = {{place.first + distance * std::cos(turn * kGoldenAngle),
                               place.second + distance * std::sin(turn * kGoldenAngle)},
                              count > 1 ? radius : kSpotRadius};
    }
  }
  return spots;
}

}  // namespace

std::vector<SearchedPoint> scored_points(const SearchTable& table) {
  std::vector<SearchedPoint> points;
  std::ranges::copy_if(table.points, std::back_inserter(points),
                       [](const SearchedPoint& point) { return !std::isnan(point.dice); });
  return points;
}

std::optional<Drawing> search_map(const SearchTable& table) {
  const std::vector<SearchedPoint> points = scored_points(table);
  if (points.empty()) return std::nullopt;
  std::vector<const SearchedDimension*> dimensions;  // moments before what else is varied
  for (const SearchedDimension& dimension : table.dimensions) dimensions.push_back(&dimension);
  std::ranges::stable_partition(dimensions, [](const SearchedDimension* dimension) { return dimension->moment; });
  const SearchedDimension& across = *dimensions.front();
  const SearchedDimension* up = dimensions.size() > 1 ? dimensions[1] : nullptr;
  std::vector<double> x_places, y_places, dice;
  for (const SearchedPoint& point : points) {
    dice.push_back(point.dice);
    x_places.push_back(place_of(across, point.point.at(across.name)));
    y_places.push_back(up == nullptr ? point.dice : place_of(*up, point.point.at(up->name)));
  }
  const auto [low, high] = std::ranges::minmax(dice);
  const Panel panel{.left = kLeft, .top = 20, .width = kWidth - kLeft - kRight, .height = kMapHeight - 20 - 44};
  const Axis x = axis_of(x_places, &across, panel.left, panel.right());
  const Axis y = axis_of(y_places, up, panel.bottom(), panel.top);
  std::string out =
      axes(panel, x, y, across.name, up == nullptr ? "Validation Dice" : up->name) + colour_key(panel, low, high);
  std::vector<Position> places;
  for (std::size_t i = 0; i < points.size(); ++i) places.push_back({x.scale(x_places[i]), y.scale(y_places[i])});
  const std::vector<Spot> spots = spots_of(places, dice);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& [at, size] = spots[i];
    const double part = high > low ? (dice[i] - low) / (high - low) : 1;
    std::string values;
    for (const SearchedDimension& dimension : table.dimensions)
      values += dimension.name + " " + value_cell(points[i].point.at(dimension.name)) + ", ";
    const auto circle = [&](double radius, const std::string& fill, const std::string& stroke,
                            const std::string& content) {
      return element("circle",
                     {{"cx", pixels(at.x)},
                      {"cy", pixels(at.y)},
                      {"r", pixels(radius)},
                      {"fill", fill},
                      {"stroke", stroke},
                      {"stroke-width", "2.5"}},
                     content);
    };
    if (!points[i].variant.empty()) out += circle(size + 4, "none", kRing, "");
    out += circle(size, colour_at(part), "none",
                  element("title", {},
                          xml_escaped(values + "Dice " + fixed(dice[i], 4) +
                                      (points[i].variant.empty() ? "" : ": " + points[i].variant))));
    if (size >= kLeastLabelled)
      out += svg_text({at.x, at.y + 3}, std::to_string(points[i].position + 1), 8, "middle",
                      {{"fill", part > 0.6 ? "#000000" : "#FFFFFF"}, {"pointer-events", "none"}});
  }
  return Drawing{kWidth, kMapHeight, "Map of what the search has tried", out};
}

std::optional<Drawing> search_course(const SearchTable& table) {
  const std::vector<SearchedPoint> points = scored_points(table);
  if (points.empty()) return std::nullopt;
  std::vector<double> epochs, dice;
  for (const SearchedPoint& point : points) {
    epochs.push_back(point.epochs_so_far);
    dice.push_back(point.dice);
  }
  const Panel panel{.left = kLeft, .top = 12, .width = kWidth - kLeft - kRight, .height = kCourseHeight - 12 - 44};
  Axis x{{0, 1.04 * std::max(1.0, epochs.back()), panel.left, panel.right()}, {}, {}};
  x.at = ticks(x.scale.from, x.scale.to, 10);
  for (const double at : x.at) x.texts.push_back(tick_text(at));
  const Axis y = axis_of(dice, nullptr, panel.bottom(), panel.top);
  std::string out = axes(panel, x, y, "Epochs trained, of all seeds, shared ones once", "Validation Dice");
  std::vector<Position> best;
  double highest = dice.front();
  for (std::size_t i = 0; i < points.size(); ++i) {
    out += element(
        "circle",
        {{"cx", pixels(x.scale(epochs[i]))}, {"cy", pixels(y.scale(dice[i]))}, {"r", "3"}, {"fill", "#56B4E9"}},
        element("title", {}, "candidate " + std::to_string(points[i].position + 1) + ", Dice " + fixed(dice[i], 4)));
    if (!best.empty()) best.push_back({x.scale(epochs[i]), best.back().y});
    highest = std::max(highest, dice[i]);
    best.push_back({x.scale(epochs[i]), y.scale(highest)});
  }
  out += polyline(best, {{"stroke", "#0072B2"}, {"stroke-width", "2.2"}}) +
         svg_text({best.back().x + 6, best.back().y + 4}, "best " + fixed(highest, 3), kAxisFont, "start",
                  {{"fill", "#0072B2"}});
  return Drawing{kWidth, kCourseHeight, "Best validation Dice so far against epochs trained", out};
}

std::optional<Drawing> search_forest(const SearchTable& table) {
  const std::vector<SearchedPoint> points = scored_points(table);
  if (points.empty()) return std::nullopt;
  const auto seeds = static_cast<double>(std::max<std::size_t>(1, table.seeds.size()));
  const double alone = table.epochs_alone / static_cast<double>(table.points.size()) / seeds;  // of a trial
  const double line = points.size() > kMostLabelled ? 4 : 13;
  const Panel panel{
      .left = kLeft, .top = 12, .width = kWidth - kLeft - kRight, .height = line * static_cast<double>(points.size())};
  const Scale x{0, alone, panel.left, panel.right()};
  const auto [lowest, highest] = std::ranges::minmax(points, {}, &SearchedPoint::dice);
  std::string out;
  for (const double at : ticks(0, alone, 10))
    out += svg_line({x(at), panel.top}, {x(at), panel.bottom()}, kGrid) +
           svg_text({x(at), panel.bottom() + 15}, tick_text(at), kTickFont, "middle", {{"fill", kInk}});
  for (std::size_t i = 0; i < points.size(); ++i) {
    const SearchedPoint& point = points[i];
    const double top = panel.top + line * static_cast<double>(i),
                 begin = x(std::max(0.0, alone - point.epochs / seeds));
    const double range = highest.dice - lowest.dice;
    const auto bar = [&](double left, double right, double height, const std::string& fill,
                         const std::string& content) {
      return element("rect",
                     {{"x", pixels(left)},
                      {"y", pixels(top + (line - height) / 2)},
                      {"width", pixels(std::max(0.5, right - left))},
                      {"height", pixels(height)},
                      {"fill", fill}},
                     content);
    };
    out += bar(panel.left, begin, 1, "#9A9A9A", "") +
           bar(begin, panel.right(), 0.75 * line, colour_at(range > 0 ? (point.dice - lowest.dice) / range : 1),
               element("title", {},
                       "candidate " + std::to_string(point.position + 1) + ": " + fixed(point.epochs, 1) +
                           " epochs of its own, all seeds together; Dice " + fixed(point.dice, 4)));
    if (points.size() <= kMostLabelled)
      out += svg_text({panel.left - 6, top + line - 3}, std::to_string(point.position + 1), kTickFont, "end",
                      {{"fill", kInk}});
  }
  out += axis_names(panel, "Epoch of a trial", "Candidate");
  return Drawing{kWidth, panel.bottom() + 44, "Which epochs each candidate has trained itself", out};
}

}  // namespace crossfade::analysis
