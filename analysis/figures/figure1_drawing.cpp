#include "analysis/figures/figure1_drawing.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "analysis/figures/axes.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr const char* kContext = "#C8C8C8";          // of the other variants behind one
constexpr std::size_t kMostContext = 30;             // lines of these; more are drawn as a range
constexpr double kLabelGap = 14;                     // pixels
constexpr std::size_t kLongestLabel = 44;            // characters of a variant's name beside its line
constexpr double kFacetTop = 34, kFacetPlot = 120;   // of a facet: its title, its chart,
constexpr double kTermGap = 27, kTermPlot = 46;      // and those of its terms
constexpr double kFacetLeft = 34, kFacetRight = 74;  // margins

double last_epoch(const Figure1& figure) {
  return std::max(1.0, figure.stages.empty() ? 1.0 : figure.stages.back().end);
}

/// Highest Dice of any line, to the next tenth: small ones fill the chart, too.
double highest(const Figure1& figure) {
  double dice = 0.1;
  for (const Figure1Line& line : figure.lines)
    for (const Figure1Point& point : line.points) dice = std::max(dice, point.largest);
  return std::min(1.0, std::ceil(dice * 10 - 1e-9) / 10);
}

struct Axes {
  Panel panel;
  Scale x, y;
};

Axes axes_of(const Figure1& figure, const Panel& panel, double y_from, double y_to) {
  return {panel,
          {.from = std::min(1.0, last_epoch(figure) - 1),
           .to = last_epoch(figure),
           .at_from = panel.left,
           .at_to = panel.right()},
          {.from = y_from, .to = y_to, .at_from = panel.bottom(), .at_to = panel.top}};
}

/// What a script needs to read values off a chart's lines.
Attributes data_of(const Axes& axes) {
  return {{"class", "panel"}, {"data-x", range_text(axes.x)}, {"data-y", range_text(axes.y)}};
}

std::vector<Position> mean_line(const Figure1Line& line, const Axes& axes) {
  std::vector<Position> points;
  for (const Figure1Point& point : line.points) points.push_back({axes.x(point.epoch), axes.y(point.dice)});
  return points;
}

/// A lone epoch is a line that nobody would see.
std::string dot_of_lone(const std::vector<Position>& points) {
  if (points.size() != 1) return {};
  return element("circle",
                 {{"cx", pixels(points[0].x)}, {"cy", pixels(points[0].y)}, {"r", "2.5"}, {"fill", "currentColor"}});
}

/// Height of a variant's line between two of its points.
double height_at(const Figure1Line& line, double epoch) {
  const auto right = std::ranges::lower_bound(line.points, epoch, {}, &Figure1Point::epoch);
  if (right == line.points.begin()) return line.points.front().dice;
  if (right == line.points.end()) return line.points.back().dice;
  const auto left = right - 1;
  return left->dice + (right->dice - left->dice) * (epoch - left->epoch) / (right->epoch - left->epoch);
}

std::string switch_marks(const Figure1Line& line, const Axes& axes) {
  std::string out;
  for (const double epoch : line.switches) {
    if (epoch < line.points.front().epoch || epoch > line.points.back().epoch) continue;
    out += element("circle",
                   {{"class", "switch"},
                    {"cx", pixels(axes.x(epoch))},
                    {"cy", pixels(axes.y(height_at(line, epoch)))},
                    {"r", "4"},
                    {"fill", "white"},
                    {"stroke", "currentColor"},
                    {"stroke-width", "1.5"}},
                   element("title", {}, "schedule switches at epoch " + tick_text(epoch)));
  }
  return out;
}

std::string stage_marks(const Figure1& figure, const Axes& axes, bool names) {
  if (figure.stages.size() < 2) return {};
  std::string out;
  double start = 0;
  for (const Figure1Stage& stage : figure.stages) {
    if (start > 0) out += svg_line({axes.x(start), axes.panel.top}, {axes.x(start), axes.panel.bottom()}, "#888888");
    if (names)
      out += svg_text({axes.x(std::max(start, axes.x.from)) + 4, axes.panel.top + 10}, shortened(stage.name, 16),
                      kTickFont, "start", {{"fill", "#707070"}});
    start = stage.end;
  }
  return out;
}

std::string trial_lines(const Figure1Line& line, const Axes& axes, const std::string& class_name, bool hidden) {
  std::string out;
  for (const Figure1Trial& trial : line.trials) {
    std::vector<Position> points;
    for (const auto& [epoch, dice] : trial.dice) points.push_back({axes.x(epoch), axes.y(dice)});
    if (points.size() < 2) continue;
    Attributes attributes = {{"class", class_name},
                             {"data-name", seed_and_fold(trial.seed, trial.fold)},
                             {"stroke", "currentColor"},
                             {"stroke-width", "0.8"},
                             {"stroke-opacity", "0.55"}};
    if (hidden) attributes.emplace_back("display", "none");
    out += polyline(points, attributes);
  }
  return out;
}

/// Another dash once all colours are used, so that lines stay apart in greater studies.
std::string dash(std::size_t slot) {
  constexpr const char* kDashes[] = {"", "7 3", "2 3", "9 3 2 3"};
  return kDashes[slot / std::size(kColours) % std::size(kDashes)];
}

std::string label_of(const Figure1Line& line) {
  return shortened(line.variant, kLongestLabel);
}

/// Mean, smallest and largest Dice of a line's end, as a sentence for who can't see it.
std::string spoken(const Figure1Line& line) {
  const Figure1Point& end = line.points.back();
  return line.variant + " ends at a Dice of " + fixed(end.dice, 3) +
         (end.trials > 1 ? " (" + fixed(end.smallest, 3) + " to " + fixed(end.largest, 3) + ")" : "");
}

/// What stands behind a line of a small chart: each line of the figure in grey, or where these are very many their
/// range alone.
std::vector<std::string> contexts(const Figure1& figure, const Axes& axes) {
  std::vector<std::string> out;
  if (figure.lines.size() <= kMostContext) {
    for (const Figure1Line& line : figure.lines) out.push_back(polyline(mean_line(line, axes), {{"stroke", kContext}}));
    return out;
  }
  std::map<double, std::pair<double, double>> range;
  for (const Figure1Line& line : figure.lines)
    for (const Figure1Point& point : line.points) {
      const auto [at, is_new] = range.try_emplace(point.epoch, point.dice, point.dice);
      at->second = {std::min(at->second.first, point.dice), std::max(at->second.second, point.dice)};
    }
  std::vector<Position> outline;
  for (const auto& [epoch, of] : range) outline.push_back({axes.x(epoch), axes.y(of.second)});
  for (auto at = range.rbegin(); at != range.rend(); ++at)
    outline.push_back({axes.x(at->first), axes.y(at->second.first)});
  return {element("polygon", {{"points", points_text(outline)}, {"fill", "#EBEBEB"}})};
}

/// A chart of the terms' weights or values, each with its name at its end.
std::string term_chart(const Figure1& figure, const Figure1Line& line, const Panel& panel, bool weights) {
  double most = 0, least = 0;
  const auto of = [&](const Figure1Term::Point& point) { return weights ? point.weight : point.value; };
  for (const Figure1Term& term : line.terms)
    for (const auto& point : term.points)
      if (std::isfinite(of(point))) most = std::max(most, of(point)), least = std::min(least, of(point));
  if (!(most > least)) most = least + 1;
  const Axes axes = axes_of(figure, panel, least, most);
  std::string out = y_axis(panel, axes.y, ticks(least, most, 3)) +
                    svg_text({0, panel.top - 9}, weights ? "weight of each term" : "value of each term", kTickFont,
                             "start", {{"fill", kInk}});
  std::vector<double> wanted;
  std::vector<const Figure1Term*> drawn;
  for (const Figure1Term& term : line.terms) {
    std::vector<Position> points;
    for (const auto& point : term.points) {
      if (!std::isfinite(of(point))) continue;
      if (weights)  // of its whole epoch: a stair
        points.push_back({axes.x(std::max(axes.x.from, point.epoch - 1)), axes.y(of(point))});
      points.push_back({axes.x(point.epoch), axes.y(of(point))});
    }
    if (points.empty()) continue;
    wanted.push_back(points.back().y);
    drawn.push_back(&term);
    const auto slot = static_cast<std::size_t>(&term - line.terms.data());
    out += element("g", {{"style", std::string("color:") + kColours[slot % std::size(kColours)]}},
                   polyline(points, {{"data-name", term.name + (weights ? ", weight" : ", value")},
                                     {"stroke", "currentColor"},
                                     {"stroke-width", "1.5"},
                                     {"stroke-dasharray", dash(slot)}}) +
                       dot_of_lone(points));
  }
  const std::vector<double> at = spread_out(wanted, 11, panel.top + 2, panel.bottom() - 1);
  for (std::size_t t = 0; t < drawn.size(); ++t)
    out += svg_text({panel.right() + 4, at[t] + 3}, shortened(drawn[t]->name, 13), 9, "start",
                    {{"fill", kColours[static_cast<std::size_t>(drawn[t] - line.terms.data()) % std::size(kColours)]}});
  return element("g", data_of(axes), out);
}

/// `behind`: what stands behind the line.
Drawing facet(const Figure1& figure, const Figure1Line& line, const Axes& axes, const std::string& behind, bool terms) {
  Panel panel = axes.panel;
  std::string out;
  const std::vector<std::string> title = wrapped(shortened(line.variant, 84), 42);
  for (std::size_t l = 0; l < title.size() && l < 2; ++l)
    out += svg_text({0, 12 + 14 * static_cast<double>(l)}, shortened(title[l], 44), kAxisFont, "start",
                    {{"font-weight", "bold"}});
  const std::vector<Position> points = mean_line(line, axes);
  const std::string chart =
      y_axis(panel, axes.y, ticks(0, axes.y.to, 6)) + behind + stage_marks(figure, axes, false) +
      element("g", {{"style", std::string("color:") + kColours[0]}},
              trial_lines(line, axes, "trial", false) +
                  polyline(
                      points,
                      {{"class", "mean"}, {"data-name", "mean"}, {"stroke", "currentColor"}, {"stroke-width", "2.2"}}) +
                  dot_of_lone(points) + switch_marks(line, axes) +
                  svg_text({points.back().x + 5, points.back().y + 4}, fixed(line.points.back().dice, 3), kAxisFont,
                           "start", {{"fill", "currentColor"}}));
  out += element("g", data_of(axes), chart);
  if (terms && !line.terms.empty())
    for (const bool weights : {true, false}) {
      panel = {.left = kFacetLeft, .top = panel.bottom() + kTermGap, .width = panel.width, .height = kTermPlot};
      out += term_chart(figure, line, panel, weights);
    }
  out += x_axis(panel, axes.x, whole_ticks(axes.x.from, axes.x.to, 7));
  return {kFacetWidth, panel.bottom() + 20, spoken(line), out};
}

}  // namespace

std::vector<std::size_t> highest_lines(const Figure1& figure) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) order.push_back(i);
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return figure.lines[i].points.back().dice; });
  order.resize(std::min(order.size(), kMostLines));
  std::ranges::sort(order);
  return order;
}

Drawing overview(const Figure1& figure, const std::vector<std::size_t>& shown, double width, double height, bool all) {
  double names = 0;
  for (const Figure1Line& line : figure.lines)
    names = std::max(names, text_width(label_of(line) + " 0.000", kAxisFont));
  const Panel panel{
      .left = 44, .top = 12, .width = width - 44 - std::min(names + 16, width / 2), .height = height - 12 - 40};
  const Axes axes = axes_of(figure, panel, 0, highest(figure));
  std::string out = y_axis(panel, axes.y, ticks(0, axes.y.to, 11)) +
                    x_axis(panel, axes.x, whole_ticks(axes.x.from, axes.x.to, 12)) + stage_marks(figure, axes, true) +
                    axis_names(panel, "Epoch", "Mean Dice (validation)");

  std::vector<double> ends;
  for (const std::size_t i : shown) ends.push_back(axes.y(figure.lines[i].points.back().dice));
  const std::vector<double> labels = spread_out(ends, kLabelGap, panel.top, panel.bottom());
  std::string description;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) {
    const Figure1Line& line = figure.lines[i];
    const auto slot = static_cast<std::size_t>(std::ranges::find(shown, i) - shown.begin());
    const bool hidden = slot == shown.size();
    if (hidden && !all) continue;
    const std::vector<Position> points = mean_line(line, axes);
    const double label = hidden ? points.back().y : labels[slot];
    Attributes attributes = {{"class", "line"}, {"data-line", std::to_string(i)}};
    if (hidden)
      attributes.emplace_back("display", "none");
    else
      attributes.emplace_back("style", std::string("color:") + kColours[slot % std::size(kColours)]);
    if (!hidden) description += (description.empty() ? "" : "; ") + spoken(line);
    out +=
        element("g", attributes,
                (all ? trial_lines(line, axes, "seed", true) : "") +
                    polyline(points, {{"class", "mean"},
                                      {"data-name", line.variant},
                                      {"stroke", "currentColor"},
                                      {"stroke-width", "2.2"},
                                      {"stroke-dasharray", hidden ? "" : dash(slot)}}) +
                    dot_of_lone(points) + switch_marks(line, axes) +
                    polyline({{points.back().x + 2, points.back().y}, {panel.right() + 8, label}},
                             {{"class", "leader"}, {"stroke", "currentColor"}, {"stroke-width", "0.8"}}) +
                    svg_text({panel.right() + 11, label + 4}, label_of(line) + " " + fixed(line.points.back().dice, 3),
                             kAxisFont, "start", {{"class", "end"}, {"fill", "currentColor"}}));
  }
  return {width, height, "Mean validation Dice over epochs. " + description, element("g", data_of(axes), out)};
}

std::vector<Drawing> facets(const Figure1& figure, bool terms) {
  const Panel panel{
      .left = kFacetLeft, .top = kFacetTop, .width = kFacetWidth - kFacetLeft - kFacetRight, .height = kFacetPlot};
  const Axes axes = axes_of(figure, panel, 0, highest(figure));
  const std::vector<std::string> all = contexts(figure, axes);
  std::vector<Drawing> out;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) {
    std::string behind;
    for (std::size_t c = 0; c < all.size(); ++c)
      if (figure.lines.size() > kMostContext || c != i) behind += all[c];
    out.push_back(facet(figure, figure.lines[i], axes, behind, terms));
  }
  return out;
}

}  // namespace crossfade::analysis
