#include "analysis/figures/axes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr const char* kGrid = "#DDDDDD";
constexpr const char* kInk = "#444444";

std::vector<double> multiples(double from, double to, double step) {
  std::vector<double> values;
  for (double n = std::ceil(from / step - 1e-9); n * step <= to + 1e-9 * step; ++n) values.push_back(n * step);
  return values;
}

std::vector<double> ticks_apart(double from, double to, int most, double least_step) {
  if (!(to > from)) return {from};
  double power = std::pow(10, std::floor(std::log10((to - from) / most)) - 1);
  for (;; power *= 10)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double step = factor * power;
      if (step < least_step) continue;
      if (const auto values = multiples(from, to, step); values.size() <= static_cast<std::size_t>(most)) return values;
    }
}

std::string line(const Position& from, const Position& to, const char* colour) {
  return element(
      "line",
      {{"x1", pixels(from.x)}, {"y1", pixels(from.y)}, {"x2", pixels(to.x)}, {"y2", pixels(to.y)}, {"stroke", colour}});
}

}  // namespace

std::vector<double> ticks(double from, double to, int most) {
  return ticks_apart(from, to, most, 0);
}

std::vector<double> whole_ticks(double from, double to, int most) {
  return ticks_apart(from, to, most, 1);
}

std::string tick_text(double value) {
  const double rounded = std::abs(value) < 1e-12 ? 0 : value;
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", rounded);
  return text;
}

std::string y_axis(const Panel& panel, const Scale& y, const std::vector<double>& at) {
  std::string out;
  for (const double value : at)
    out += line({panel.left, y(value)}, {panel.right(), y(value)}, kGrid) +
           svg_text({panel.left - 5, y(value) + 3.5}, tick_text(value), kTickFont, "end", {{"fill", kInk}});
  return out;
}

std::string x_axis(const Panel& panel, const Scale& x, const std::vector<double>& at) {
  std::string out = line({panel.left, panel.bottom()}, {panel.right(), panel.bottom()}, kInk);
  for (const double value : at)
    out += line({x(value), panel.bottom()}, {x(value), panel.bottom() + 4}, kInk) +
           svg_text({x(value), panel.bottom() + 15}, tick_text(value), kTickFont, "middle", {{"fill", kInk}});
  return out;
}

std::vector<double> spread_out(const std::vector<double>& wanted, double gap, double low, double high) {
  const std::size_t count = wanted.size();
  if (count == 0) return {};
  if (count > 1) gap = std::min(gap, (high - low) / static_cast<double>(count - 1));
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return wanted[i]; });
  std::vector<double> at(count);
  double least = low;
  for (const std::size_t i : order) {  // downwards as far as needed
    at[i] = std::max(least, std::min(wanted[i], high));
    least = at[i] + gap;
  }
  double most = high;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {  // and back into the range
    at[*i] = std::min(at[*i], most);
    most = at[*i] - gap;
  }
  return at;
}

}  // namespace crossfade::analysis
