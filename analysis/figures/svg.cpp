#include "analysis/figures/svg.hpp"

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kLetter = 0.58;  // width of a letter of DejaVu Sans on average, in font sizes

}  // namespace

std::string element(const std::string& name, const Attributes& attributes, const std::string& content) {
  std::string out = "<" + name;
  for (const auto& [key, value] : attributes) out += " " + key + "=\"" + xml_escaped(value) + "\"";
  return out + ">" + content + "</" + name + ">";
}

std::string pixels(double value) {
  std::string text = fixed(value, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string svg_element(const Drawing& drawing) {
  return element("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"viewBox", "0 0 " + pixels(drawing.width) + " " + pixels(drawing.height)},
                  {"width", pixels(drawing.width)},
                  {"height", pixels(drawing.height)},
                  {"role", "img"},
                  {"aria-label", drawing.name},
                  {"font-family", "DejaVu Sans, Verdana, sans-serif"}},
                 drawing.content);
}

std::string moved(const Drawing& drawing, const Position& at) {
  return element("g", {{"transform", "translate(" + pixels(at.x) + " " + pixels(at.y) + ")"}}, drawing.content);
}

std::string points_text(const std::vector<Position>& points) {
  std::string out;
  for (const Position& point : points) out += (out.empty() ? "" : " ") + pixels(point.x) + "," + pixels(point.y);
  return out;
}

std::string polyline(const std::vector<Position>& points, Attributes attributes) {
  attributes.emplace_back("points", points_text(points));
  attributes.emplace_back("fill", "none");
  return element("polyline", attributes);
}

std::string svg_line(const Position& from, const Position& to, const std::string& colour) {
  return element(
      "line",
      {{"x1", pixels(from.x)}, {"y1", pixels(from.y)}, {"x2", pixels(to.x)}, {"y2", pixels(to.y)}, {"stroke", colour}});
}

std::string svg_text(const Position& at, const std::string& text, double size, const std::string& anchor,
                     const Attributes& more) {
  Attributes attributes = {{"x", pixels(at.x)}, {"y", pixels(at.y)}, {"font-size", pixels(size)}};
  if (anchor != "start") attributes.emplace_back("text-anchor", anchor);
  attributes.insert(attributes.end(), more.begin(), more.end());
  return element("text", attributes, xml_escaped(text));
}

double text_width(const std::string& text, double size) {
  return kLetter * size * static_cast<double>(width(text));
}

std::string shortened(const std::string& text, std::size_t most) {
  std::vector<std::size_t> begins;  // of characters: no further byte of one in UTF-8
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) begins.push_back(i);
  if (begins.size() <= most) return text;
  const std::size_t last = (most - 1) / 2, first = most - 1 - last;
  return text.substr(0, begins[first]) + "…" + text.substr(begins[begins.size() - last]);
}

}  // namespace crossfade::analysis
