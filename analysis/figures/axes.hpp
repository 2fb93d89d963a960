// Axes of a chart. Private to analysis/.
#pragma once

#include <string>
#include <vector>

#include "analysis/figures/svg.hpp"

namespace crossfade::analysis {

/// From values to pixels.
struct Scale {
  double from = 0, to = 1;        // values
  double at_from = 0, at_to = 1;  // pixels
  double operator()(double value) const { return at_from + (at_to - at_from) * (value - from) / (to - from); }
};

/// Round numbers (1, 2 or 5 times a power of ten apart) from `from` to `to`, both ends counted, no more than `most`.
std::vector<double> ticks(double from, double to, int most);

/// The same, whole numbers alone.
std::vector<double> whole_ticks(double from, double to, int most);

/// As short as a tick can be told from the next: 0.25, 1e-05.
std::string tick_text(double value);

/// A rectangle in which something is drawn, in pixels.
struct Panel {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};

inline constexpr double kTickFont = 10, kAxisFont = 11;
inline constexpr const char* kInk = "#444444";   // of ticks, names of axes and captions
inline constexpr const char* kGrid = "#DDDDDD";  // of lines across a panel

/// Lines across `panel` at `at`, with their values, or with `texts`, to the left.
std::string y_axis(const Panel& panel, const Scale& y, const std::vector<double>& at,
                   const std::vector<std::string>& texts = {});

/// The lower edge of `panel`, with ticks and their values below it.
std::string x_axis(const Panel& panel, const Scale& x, const std::vector<double>& at);

/// Below the panel, and at the left edge of the drawing, upwards.
std::string axis_names(const Panel& panel, const std::string& x, const std::string& y);

/// "FROM TO AT_FROM AT_TO": what page.js needs to read values off a chart.
std::string range_text(const Scale& scale);

/// Where labels go that want to be at `wanted` but need `gap` between them and the range `low` to `high`; in the same
/// order. Where the range is too small for all, they lie closer.
std::vector<double> spread_out(const std::vector<double>& wanted, double gap, double low, double high);

}  // namespace crossfade::analysis
