#include "analysis/figures/axes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/tables/text_table.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

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

}  // namespace

std::vector<double> ticks(double from, double to, int most) {
  return ticks_apart(from, to, most, 0);
}

std::vector<double> whole_ticks(double from, double to, int most) {
  return ticks_apart(from, to, most, 1);
}

std::string tick_text(double value) {
  return data::significant(std::abs(value) < 1e-12 ? 0 : value, 6);
}

std::string y_axis(const Panel& panel, const Scale& y, const std::vector<double>& at,
                   const std::vector<std::string>& texts) {
  std::string out;
  for (std::size_t i = 0; i < at.size(); ++i)
    out += svg_line({panel.left, y(at[i])}, {panel.right(), y(at[i])}, kGrid) +
           svg_text({panel.left - 5, y(at[i]) + 3.5}, texts.empty() ? tick_text(at[i]) : texts[i], kTickFont, "end",
                    {{"fill", kInk}});
  return out;
}

std::string x_axis(const Panel& panel, const Scale& x, const std::vector<double>& at) {
  std::string out = svg_line({panel.left, panel.bottom()}, {panel.right(), panel.bottom()}, kInk);
  for (const double value : at)
    out += svg_line({x(value), panel.bottom()}, {x(value), panel.bottom() + 4}, kInk) +
           svg_text({x(value), panel.bottom() + 15}, tick_text(value), kTickFont, "middle", {{"fill", kInk}});
  return out;
}

std::string axis_names(const Panel& panel, const std::string& x, const std::string& y) {
  return svg_text({panel.left + panel.width / 2, panel.bottom() + 34}, x, kAxisFont, "middle", {{"fill", kInk}}) +
         svg_text({-(panel.top + panel.height / 2), 12}, y, kAxisFont, "middle",
                  {{"fill", kInk}, {"transform", "rotate(-90)"}});
}

std::string range_text(const Scale& scale) {
  return exact(scale.from) + " " + exact(scale.to) + " " + pixels(scale.at_from) + " " + pixels(scale.at_to);
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
