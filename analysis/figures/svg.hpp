// Text of SVG. Private to analysis/.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace crossfade::analysis {

/// Okabe and Ito's colours (2008), told apart by colour-blind readers; yellow is left out, too pale for a line.
inline constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// <name a="b">content</name>; the values are escaped here, `content` is markup.
std::string element(const std::string& name, const Attributes& attributes, const std::string& content = {});

/// With at most two decimals, which is a hundredth of a pixel.
std::string pixels(double value);

struct Position {
  double x = 0, y = 0;
};

/// Something that is drawn, and what it is called where it can't be seen.
struct Drawing {
  double width = 0, height = 0;  // pixels
  std::string name;
  std::string content;  // markup
};

/// An svg element of its own.
std::string svg_element(const Drawing& drawing);

/// A part of another drawing, its upper left corner at `at`.
std::string moved(const Drawing& drawing, const Position& at);

/// "x,y x,y ..", as polylines and polygons have them.
std::string points_text(const std::vector<Position>& points);

/// `fill` is none.
std::string polyline(const std::vector<Position>& points, Attributes attributes);

std::string svg_line(const Position& from, const Position& to, const std::string& colour);

/// A horizontal line of text of font size `size`; `anchor`: start, middle or end.
std::string svg_text(const Position& at, const std::string& text, double size, const std::string& anchor = "start",
                     const Attributes& more = {});

/// What `text` is wide in about, in pixels, in the font that is drawn with.
double text_width(const std::string& text, double size);

/// `text` with an ellipsis in its middle where it has more than `most` characters: names often differ at their end.
std::string shortened(const std::string& text, std::size_t most);

}  // namespace crossfade::analysis
