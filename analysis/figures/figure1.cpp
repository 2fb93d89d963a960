#include "analysis/figures/figure1.hpp"

#include <algorithm>

#include "analysis/figures/figure1_drawing.hpp"
#include "analysis/figures/figure_files.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kWidth = 920, kHeight = 420;  // pixels, of one chart of all variants
constexpr std::size_t kAcross = 3;             // small ones beside one another
constexpr double kGap = 10;

std::string csv(const Figure1& figure) {
  std::string out = "variant,epoch,dice,smallest,largest,trials\n";
  for (const auto& line : figure.lines)
    for (const auto& p : line.points)
      out += csv_field(line.variant) + ',' + exact(p.epoch) + ',' + exact(p.dice) + ',' + exact(p.smallest) + ',' +
             exact(p.largest) + ',' + std::to_string(p.trials) + '\n';
  return out;
}

Drawing small_charts(const Figure1& figure) {
  Drawing all{.width = kAcross * kFacetWidth + (kAcross - 1) * kGap,
              .height = 0,
              .name = "Mean validation Dice",
              .content = {}};
  const std::vector<Drawing> charts = facets(figure, false);
  for (std::size_t i = 0; i < charts.size(); ++i) {
    const Drawing& one = charts[i];
    const auto row = static_cast<double>(i / kAcross), column = static_cast<double>(i % kAcross);
    all.content += moved(one, {column * (kFacetWidth + kGap), row * (one.height + kGap)});
    all.height = std::max(all.height, (row + 1) * (one.height + kGap));
  }
  return all;
}

std::string caption(const Figure1& figure) {
  std::string text = figure.caption;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (figure.finished < figure.planned)
    add(std::to_string(figure.finished) + " of " + std::to_string(figure.planned) + " trials finished");
  if (figure.lines.size() > kMostLines)
    add("mean Dice on validation over epochs, of each variant before the others in grey, each trial a thin line");
  else
    add("mean Dice on validation over epochs");
  if (std::ranges::any_of(figure.lines, [](const Figure1Line& line) { return !line.switches.empty(); }))
    add("circles: the schedule switches");
  return text;
}

}  // namespace

std::vector<std::filesystem::path> plot_figure1(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study) {
  const Figure1 figure = read_figure1(databases, study);
  const Drawing drawing = figure.lines.size() > kMostLines
                              ? small_charts(figure)
                              : overview(figure, highest_lines(figure), kWidth, kHeight, false);
  return write_figure({.title = figure.study, .caption = caption(figure), .drawing = drawing, .csv = csv(figure)},
                      stem);
}

}  // namespace crossfade::analysis
