#include "analysis/figures/slice_drawing.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "analysis/figures/axes.hpp"
#include "analysis/figures/svg.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/base64.hpp"
#include "data/hash.hpp"
#include "data/labels/classes.hpp"
#include "data/volumes/outlines.hpp"
#include "data/volumes/png_file.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kSide = 200, kGap = 6, kHead = 16, kFont = 11, kStroke = 1.3;  // pixels; kSide: the longer one
constexpr const char* kTitles[] = {"truth", "prediction", "where they differ"};

std::size_t place(const ComparedSlice& slice, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(slice.width) + static_cast<std::size_t>(x);
}

/// Calls `use(value, begin, length)` for each stretch of 0 to `length` in which `value_at` says the same.
template <class ValueAt, class Use>
void for_each_run(int length, ValueAt value_at, Use use) {
  for (int begin = 0, end = 0; begin < length; begin = end) {
    const auto value = value_at(begin);
    for (end = begin + 1; end < length && value_at(end) == value;) ++end;
    use(value, begin, end - begin);
  }
}

/// Steps along a grid of pixels, as paths have them, by colour.
using Paths = std::map<std::string, std::string>;

std::string colour_of(std::uint8_t class_id) {
  const auto [red, green, blue] = data::outline_colour(class_id);
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", red, green, blue);
  return text.data();
}

/// Of each class its edges, in straight lines as long as they go; an edge of two classes belongs to the later one. In
/// pixels of the slice, y from the top.
Paths outlines(const ComparedSlice& slice, const std::vector<std::uint8_t>& labels) {
  const auto at = [&](int x, int y) -> std::uint8_t {
    if (x < 0 || y < 0 || x >= slice.width || y >= slice.height) return 0;
    const std::uint8_t label = labels[place(slice, x, y)];
    return label == data::kIgnored ? std::uint8_t{0} : label;
  };
  const auto owner = [](std::uint8_t a, std::uint8_t b) { return a == b ? std::uint8_t{0} : std::max(a, b); };
  Paths paths;
  const auto line = [&](std::uint8_t of, int x, int y, int length, char direction) {
    if (of == 0) return;
    paths[colour_of(of)] += "M" + std::to_string(x) + " " + std::to_string(y) + direction + std::to_string(length);
  };
  for (int y = 0; y <= slice.height; ++y)
    for_each_run(
        slice.width, [&](int x) { return owner(at(x, y - 1), at(x, y)); },
        [&](std::uint8_t of, int begin, int length) { line(of, begin, slice.height - y, length, 'h'); });
  for (int x = 0; x <= slice.width; ++x)
    for_each_run(
        slice.height, [&](int y) { return owner(at(x - 1, y), at(x, y)); },
        [&](std::uint8_t of, int begin, int length) { line(of, x, slice.height - begin - length, length, 'v'); });
  return paths;
}

/// Pixels that differ, in rows as long as they go.
Paths differences(const ComparedSlice& slice) {
  const auto colour = [&](int x, int y) -> const char* {
    const std::uint8_t truth = slice.truth[place(slice, x, y)], said = slice.prediction[place(slice, x, y)];
    if (truth == said || truth == data::kIgnored) return nullptr;
    if (truth == 0) return kTooMuchColour;
    return said == 0 ? kMissedColour : kOtherColour;
  };
  Paths paths;
  for (int y = 0; y < slice.height; ++y)
    for_each_run(
        slice.width, [&](int x) { return colour(x, y); },
        [&](const char* of, int begin, int length) {
          if (of != nullptr)
            paths[of] += "M" + std::to_string(begin) + " " + std::to_string(slice.height - 1 - y) + "h" +
                         std::to_string(length) + "v1h-" + std::to_string(length) + "z";
        });
  return paths;
}

std::vector<unsigned char> png(const ComparedSlice& slice) {
  std::vector<unsigned char> rows;
  for (int y = slice.height - 1; y >= 0; --y) {
    const auto row = slice.grey.begin() + static_cast<std::ptrdiff_t>(place(slice, 0, y));
    rows.insert(rows.end(), row, row + slice.width);
  }
  return data::png_of({.width = slice.width, .height = slice.height, .channels = 1, .bits = 8, .bytes = rows});
}

/// The slice's pixels on the drawing's.
struct Fit {
  double x = 1, y = 1;
  double width = 0, height = 0;
};

Fit fit(const ComparedSlice& slice) {
  const double width = slice.width * slice.pixel_width, height = slice.height * slice.pixel_height;
  const double scale = kSide / std::max(width, height);
  return {scale * slice.pixel_width, scale * slice.pixel_height, scale * width, scale * height};
}

std::string paths_of(const Paths& paths, const Fit& fit, bool filled) {
  std::string out;
  for (const auto& [colour, d] : paths) {
    out += filled ? element("path", {{"d", d}, {"fill", colour}, {"fill-opacity", "0.75"}})
                  : element("path", {{"d", d},
                                     {"stroke", colour},
                                     {"stroke-width", fixed(kStroke / fit.x, 3)},
                                     {"stroke-linecap", "square"},
                                     {"fill", "none"}});
  }
  return element("g", {{"transform", "scale(" + fixed(fit.x, 6) + " " + fixed(fit.y, 6) + ")"}}, out);
}

Drawing row(const ComparedSlice& slice) {
  const Fit to = fit(slice);
  const std::vector<unsigned char> bytes = png(slice);
  const std::string image = data::base64(bytes);
  // By its content, so that several drawings may stand in one file.
  const std::string id = "scan-" + data::sha256_hex(image).substr(0, 16);
  const std::array<Paths, 3> paths = {outlines(slice, slice.truth), outlines(slice, slice.prediction),
                                      differences(slice)};
  Drawing drawing{.width = 3 * to.width + 2 * kGap, .height = kHead + to.height, .name = slice.name, .content = {}};
  drawing.content = svg_text({0, kHead - 5}, slice.name, kFont, "start", {{"fill", kInk}});
  for (std::size_t panel = 0; panel < paths.size(); ++panel) {
    const std::string scan = panel == 0 ? element("image", {{"id", id},
                                                            {"width", pixels(to.width)},
                                                            {"height", pixels(to.height)},
                                                            {"preserveAspectRatio", "none"},
                                                            {"href", "data:image/png;base64," + image}})
                                        : element("use", {{"href", "#" + id}});
    const Drawing part{.width = to.width,
                       .height = to.height,
                       .name = {},
                       .content = scan + paths_of(paths[panel], to, panel + 1 == paths.size())};
    drawing.content += moved(part, {static_cast<double>(panel) * (to.width + kGap), kHead});
  }
  return drawing;
}

}  // namespace

std::string compared_slices(std::span<const ComparedSlice> slices) {
  Drawing all{.width = 0, .height = kHead, .name = "Truth, prediction and where they differ", .content = {}};
  for (const ComparedSlice& slice : slices) {
    const Drawing one = row(slice);
    if (all.width == 0)
      for (std::size_t panel = 0; panel < std::size(kTitles); ++panel)
        all.content +=
            svg_text({static_cast<double>(panel) * (fit(slice).width + kGap), kHead - 5}, kTitles[panel], kFont);
    all.content += moved(one, {0, all.height});
    all.width = std::max(all.width, one.width);
    all.height += one.height + kGap;
    all.name += ", " + slice.name;
  }
  return svg_element(all) + '\n';
}

}  // namespace crossfade::analysis
