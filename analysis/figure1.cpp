#include "analysis/figure1.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "analysis/figure1_lines.hpp"
#include "analysis/gnuplot.hpp"
#include "analysis/text_table.hpp"

namespace crossfade::analysis {
namespace {

/// Okabe and Ito's colours (2008), told apart by colour-blind readers; yellow is left out, too pale for a line.
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"};

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
    add("keyentry with boxes fs solid 0.25 noborder fc rgb '#444444' title 'smallest to largest over seeds'");
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

std::string script(const Figure1& figure, const std::filesystem::path& stem) {
  std::string caption = figure.caption;
  if (figure.finished < figure.planned)
    caption += (caption.empty() ? "" : "; ") + std::to_string(figure.finished) + " of " +
               std::to_string(figure.planned) + " trials finished";
  const auto lines = wrapped(caption, 110);
  std::string out = "set encoding utf8\n" + data_blocks(figure) +
                    "set border 3 lc rgb '#444444'\n"
                    "set tics nomirror out scale 0.6\n"
                    "set rmargin 4\n"
                    "set grid ytics lc rgb '#DDDDDD' lw 1 lt 1\n"
                    "set yrange [0:1]\nset ytics 0.1\n"
                    "set xlabel 'Epoch' offset 0, 0.4\nset ylabel 'Mean Dice (validation)'\n"
                    "set key bmargin center horizontal maxcols 2 samplen 2.5 spacing 1.2 Left reverse noenhanced\n";
  out += "set xrange [0:" + exact(std::max(1.0, figure.stages.back().end)) + "]\n";
  out += "set tmargin " + std::to_string(3 + lines.size()) + "\n";
  out += "set label " + gnuplot_quoted(figure.study) + " at graph 0, graph 1 offset 0, " +
         exact(1.2 + static_cast<double>(lines.size())) + " left font ',14'\n";
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += "set label " + gnuplot_quoted(lines[i]) + " at graph 0, graph 1 offset 0, " +
           exact(0.2 + static_cast<double>(lines.size() - i)) + " left font ',9' tc rgb '#444444'\n";
  out += stage_marks(figure);

  // The plot keeps its height however many lines the key has.
  const std::size_t height = 500 + 11 * (figure.lines.size() + 2);
  const std::pair<const char*, std::string> terminals[] = {
      {".svg", "svg size 900," + std::to_string(height) +
                   " noenhanced font 'DejaVu Sans,Verdana,sans-serif,12' background '#FFFFFF'"},
      {".png", "pngcairo size 1800," + std::to_string(2 * height) +
                   " noenhanced font 'DejaVu Sans,12' fontscale 2 linewidth 2 pointscale 2"},
      {".pdf", "pdfcairo size 7.5in," + exact(static_cast<double>(height) / 120) +
                   "in noenhanced font 'DejaVu Sans,12' fontscale 0.75"}};
  for (const auto& [ending, terminal] : terminals)
    out += "set terminal " + terminal + "\nset output " + gnuplot_quoted(stem.string() + ending) + '\n' +
           plot_command(figure) + "unset output\n";
  return out;
}

void write_csv(const Figure1& figure, const std::filesystem::path& file) {
  std::ofstream out(file);
  out << "variant,epoch,dice,smallest,largest,trials\n";
  for (const auto& line : figure.lines)
    for (const auto& p : line.points)
      out << csv_field(line.variant) << ',' << exact(p.epoch) << ',' << exact(p.dice) << ',' << exact(p.smallest) << ','
          << exact(p.largest) << ',' << p.trials << '\n';
  out.close();
  if (!out)
    throw std::runtime_error("can't write '" + file.string() + "': is its folder there, writable and not full?");
}

}  // namespace

std::vector<std::filesystem::path> plot_figure1(const std::filesystem::path& database,
                                                const std::filesystem::path& stem, const std::string& study) {
  if (one_line(stem.string()) != stem.string())
    throw std::runtime_error("a figure's name can't hold control characters: '" + one_line(stem.string()) + "'");
  const Figure1 figure = read_figure1(database, study);
  std::vector<std::filesystem::path> files;
  for (const char* ending : {".csv", ".svg", ".png", ".pdf"}) files.emplace_back(stem.string() + ending);
  write_csv(figure, files[0]);
  run_gnuplot(script(figure, stem));
  for (const auto& file : files)
    if (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0)
      throw std::runtime_error("gnuplot left no '" + file.string() +
                               "'; has it the terminals svg, pngcairo, pdfcairo?");
  return files;
}

}  // namespace crossfade::analysis
