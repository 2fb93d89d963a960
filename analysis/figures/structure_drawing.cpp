#include "analysis/figures/structure_drawing.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/figures/axes.hpp"
#include "analysis/scores/statistics.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kWidth = 760, kNames = 210, kDifference = 70, kTop = 26, kRow = 24;  // pixels
constexpr std::size_t kLongestName = 32;

std::vector<double> numbers(const std::vector<double>& values) {
  std::vector<double> sorted;
  std::ranges::copy_if(values, std::back_inserter(sorted), [](double v) { return !std::isnan(v); });
  std::ranges::sort(sorted);
  return sorted;
}

double lowest(const StructureValues* first, const StructureValues& second) {
  double low = 1;
  for (const StructureValues* values : {first, &second})
    if (values != nullptr)
      for (const auto& structure : *values)
        for (const double dice : structure)
          if (!std::isnan(dice)) low = std::min(low, dice);
  return std::floor(low * 10) / 10;
}

/// One side of a row, its middle at `y`.
std::string box(const std::vector<double>& values, const Scale& x, double y, const char* name, const char* colour) {
  const std::vector<double> sorted = numbers(values);
  std::string whisker, median, dots;
  double left = 0, width = 0;
  if (!sorted.empty()) {
    const double low = x(quantile(sorted, 0.25)), high = x(quantile(sorted, 0.75)), middle = x(quantile(sorted, 0.5));
    left = low;
    width = high - low;
    whisker = "M" + pixels(x(sorted.front())) + " " + pixels(y) + "H" + pixels(x(sorted.back()));
    median = "M" + pixels(middle) + " " + pixels(y - 4.5) + "v9";
    for (const double value : sorted) dots += "M" + pixels(x(value)) + " " + pixels(y) + "h0";
  }
  const auto path = [](const char* part, const std::string& d, const char* stroke_width, const char* opacity) {
    return element("path", {{"class", part},
                            {"d", d.empty() ? "M0 0" : d},
                            {"stroke", "currentColor"},
                            {"stroke-width", stroke_width},
                            {"stroke-opacity", opacity},
                            {"stroke-linecap", "round"},
                            {"fill", "none"}});
  };
  return element("g", {{"class", name}, {"style", std::string("color:") + colour}, {"data-y", pixels(y)}},
                 path("whisker", whisker, "1", "0.7") +
                     element("rect", {{"class", "box"},
                                      {"x", pixels(left)},
                                      {"y", pixels(y - 3.5)},
                                      {"width", pixels(width)},
                                      {"height", "7"},
                                      {"fill", "currentColor"},
                                      {"fill-opacity", "0.3"},
                                      {"stroke", "currentColor"}}) +
                     path("dots", dots, "2.6", "0.5") + path("median", median, "2", "1"));
}

/// Over the subjects that both have.
double mean_difference(const std::vector<double>& first, const std::vector<double>& second) {
  double sum = 0, count = 0;
  for (std::size_t s = 0; s < first.size(); ++s)
    if (!std::isnan(first[s]) && !std::isnan(second[s])) sum += second[s] - first[s], ++count;
  return sum / count;
}

}  // namespace

Drawing structure_rows(const std::vector<std::string>& structures, const StructureValues* first,
                       const StructureValues& second) {
  const auto rows = static_cast<double>(structures.size());
  const Panel panel{.left = kNames, .top = kTop, .width = kWidth - kNames - kDifference, .height = kRow * rows};
  const Scale x{.from = std::min(0.9, lowest(first, second)), .to = 1, .at_from = panel.left, .at_to = panel.right()};
  std::string out;
  for (const double value : ticks(x.from, 1, 11)) {
    out += svg_line({x(value), panel.top}, {x(value), panel.bottom()}, kGrid) +
           svg_text({x(value), panel.top - 6}, tick_text(value), kTickFont, "middle", {{"fill", kInk}});
  }
  out += svg_text({panel.left - 8, panel.top - 6}, "Dice", kTickFont, "end", {{"fill", kInk}});
  if (first != nullptr) out += svg_text({kWidth, panel.top - 6}, "difference", kTickFont, "end", {{"fill", kInk}});
  for (std::size_t i = 0; i < structures.size(); ++i) {
    std::string row =
        svg_text({panel.left - 8, kRow / 2 + 4}, shortened(structures[i], kLongestName), kAxisFont, "end");
    if (first != nullptr) row += box((*first)[i], x, kRow / 2 - 5, "first", kFirstColour);
    row += box(second[i], x, kRow / 2 + (first != nullptr ? 5 : 0), "second", kSecondColour);
    const double difference = first == nullptr ? NAN : mean_difference((*first)[i], second[i]);
    row += svg_text({kWidth, kRow / 2 + 4}, first == nullptr ? "" : signed_digits(difference), kAxisFont, "end",
                    {{"class", "difference"}});
    out += element("g",
                   {{"class", "row"},
                    {"data-structure", std::to_string(i)},
                    {"transform", "translate(0 " + pixels(panel.top + kRow * static_cast<double>(i)) + ")"}},
                   row);
  }
  return {
      kWidth, panel.bottom() + 8, "Dice of each structure over test subjects",
      element(
          "g",
          {{"class", "rows"}, {"data-x", range_text(x)}, {"data-top", pixels(panel.top)}, {"data-row", pixels(kRow)}},
          out)};
}

}  // namespace crossfade::analysis
