#include "analysis/figures/figure1.hpp"

#include <algorithm>

#include "analysis/figures/figure1_lines.hpp"
#include "analysis/figures/figure_page.hpp"
#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

/// Colour and, once all colours are used, another dash, so that lines stay apart in greater studies.
std::string look(std::size_t line) {
  return std::string("lc rgb '") + kColours[line % std::size(kColours)] + "' dt " +
         std::to_string(1 + line / std::size(kColours));
}

/// Height of a variant's line between two of its points.
double height_at(const Figure1Line& line, double epoch) {
  const auto right = std::ranges::lower_bound(line.points, epoch, {}, &Figure1Point::epoch);
  if (right == line.points.begin()) return line.points.front().dice;
  if (right == line.points.end()) return line.points.back().dice;
  const auto left = right - 1;
  return left->dice + (right->dice - left->dice) * (epoch - left->epoch) / (right->epoch - left->epoch);
}

std::string data_blocks(const Figure1& figure) {
  std::string out;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) {
    const Figure1Line& line = figure.lines[i];
    out += "$line" + std::to_string(i) + " << END\n";
    for (const auto& p : line.points)
      out += exact(p.epoch) + ' ' + exact(p.dice) + ' ' + exact(p.smallest) + ' ' + exact(p.largest) + '\n';
    out += "END\n";
    if (line.switches.empty()) continue;
    out += "$switch" + std::to_string(i) + " << END\n";
    for (const double epoch : line.switches)
      if (epoch <= line.points.back().epoch) out += exact(epoch) + ' ' + exact(height_at(line, epoch)) + '\n';
    out += "END\n";
  }
  return out;
}

bool has_switch(const Figure1Line& line) {
  return !line.switches.empty() && line.switches.front() <= line.points.back().epoch;
}

std::string plot_command(const Figure1& figure) {
  std::string out = "plot";
  const auto add = [&](const std::string& element) { out += (out == "plot" ? " " : ", \\\n     ") + element; };
  for (std::size_t i = 0; i < figure.lines.size(); ++i)
    add("$line" + std::to_string(i) + " using 1:3:4 with filledcurves fc rgb '" + kColours[i % std::size(kColours)] +
        "' fs transparent solid 0.25 noborder notitle");
  for (std::size_t i = 0; i < figure.lines.size(); ++i)
    add("$line" + std::to_string(i) + " using 1:2 with linespoints pt 7 ps 0.35 lw 2.5 " + look(i) + " title " +
        gnuplot_quoted(figure.lines[i].variant));
  bool any = false;
  for (std::size_t i = 0; i < figure.lines.size(); ++i) {
    if (!has_switch(figure.lines[i])) continue;
    any = true;
    const std::string block = "$switch" + std::to_string(i);
    add(block + " using 1:2 with impulses lw 1 lc rgb '" + kColours[i % std::size(kColours)] + "' dt 3 notitle");
    add(block + " using 1:2 with points pt 7 ps 1.5 lc rgb 'white' notitle");  // so that the outline stands out
    add(block + " using 1:2 with points pt 6 ps 1.5 lw 2 lc rgb '" + kColours[i % std::size(kColours)] + "' notitle");
  }
  if (any) add("keyentry with points pt 6 ps 1.5 lw 2 lc rgb '#444444' title 'schedule switches'");
  const auto shows_band = [](const Figure1Line& line) {
    return std::ranges::any_of(line.points, [](const Figure1Point& p) { return p.trials > 1; });
  };
  if (std::ranges::any_of(figure.lines, shows_band))
    add("keyentry with boxes fs solid 0.25 noborder fc rgb '#444444' title 'smallest to largest over seeds and folds'");
  return out + '\n';
}

std::string stage_marks(const Figure1& figure) {
  if (figure.stages.size() < 2) return {};
  std::string out;
  double start = 0;
  for (const auto& stage : figure.stages) {
    if (start > 0)
      out += "set arrow from " + exact(start) + ", graph 0 to " + exact(start) +
             ", graph 1 nohead lc rgb '#888888' lw 1\n";
    out += "set label " + gnuplot_quoted(stage.name) + " at " + exact((start + stage.end) / 2) +
           ", graph 0.97 center tc rgb '#888888'\n";
    start = stage.end;
  }
  return out;
}

std::string csv(const Figure1& figure) {
  std::string out = "variant,epoch,dice,smallest,largest,trials\n";
  for (const auto& line : figure.lines)
    for (const auto& p : line.points)
      out += csv_field(line.variant) + ',' + exact(p.epoch) + ',' + exact(p.dice) + ',' + exact(p.smallest) + ',' +
             exact(p.largest) + ',' + std::to_string(p.trials) + '\n';
  return out;
}

FigurePage page(const Figure1& figure) {
  FigurePage page;
  page.study = figure.study;
  page.caption = figure.caption;
  if (figure.finished < figure.planned)
    page.caption += (page.caption.empty() ? "" : "; ") + std::to_string(figure.finished) + " of " +
                    std::to_string(figure.planned) + " trials finished";
  // The plot keeps its height however many lines the key has.
  page.height = 500 + 11 * (static_cast<int>(figure.lines.size()) + 2);
  page.settings =
      data_blocks(figure) +
      "set rmargin 4\n"
      "set yrange [0:1]\nset ytics 0.1\n"
      "set xlabel 'Epoch' offset 0, 0.4\nset ylabel 'Mean Dice (validation, labels of the stage)'\n"
      "set key bmargin center horizontal maxcols 2 samplen 2.5 spacing 1.2 Left reverse noenhanced font ',9'\n"
      "set xrange [0:" +
      exact(std::max(1.0, figure.stages.back().end)) + "]\n" + stage_marks(figure);
  page.plots = {plot_command(figure)};
  page.csv = csv(figure);
  return page;
}

}  // namespace

std::vector<std::filesystem::path> plot_figure1(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study) {
  return draw(page(read_figure1(databases, study)), stem);
}

}  // namespace crossfade::analysis
