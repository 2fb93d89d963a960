#include "analysis/figures/figure_page.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kTitleLine = 1.3;  // height of a line of the title, in lines of the axes' font

struct Headline {
  std::vector<std::string> title, caption;

  double lines() const {
    return 3 + static_cast<double>(caption.size()) + kTitleLine * static_cast<double>(title.size() - 1);
  }
};

/// Broken so that the title leaves room for a key on its right.
Headline headline_of(const FigurePage& page) {
  const auto pixels = static_cast<std::size_t>(page.width);
  Headline headline{wrapped(page.study, (pixels - 260) / 9), wrapped(page.caption, 110 * pixels / 900)};
  if (headline.title.empty()) headline.title = {""};
  return headline;
}

std::string commands(const Headline& headline) {
  std::string out = "set tmargin " + exact(headline.lines()) + "\n";
  const auto label = [&](const std::string& text, double line, const std::string& style) {
    out +=
        "set label " + gnuplot_quoted(text) + " at graph 0, graph 1 offset 0, " + exact(line) + " left " + style + '\n';
  };
  double line = headline.lines() - 1.8;
  for (const std::string& text : headline.title) {
    label(text, line, "font ',14'");
    line -= kTitleLine;
  }
  for (std::size_t i = 0; i < headline.caption.size(); ++i)
    label(headline.caption[i], 0.2 + static_cast<double>(headline.caption.size() - i), "font ',9' tc rgb '#444444'");
  return out;
}

struct Drawing {
  std::string once, each_time;  // commands for all kinds of file together, and for one
  int height = 0;               // pixels of the whole page
};

Drawing drawing(const FigurePage& page) {
  const Headline headline = headline_of(page);
  if (page.plots.size() == 1) return {page.settings + commands(headline), page.plots.front(), page.height};
  const double first = page.height, other = first - kLinePixels * (headline.lines() - 1);
  const double all = first + other * static_cast<double>(page.plots.size() - 1);
  Drawing result{page.settings, "set multiplot\n" + commands(headline), static_cast<int>(all)};
  double top = 1;
  for (std::size_t i = 0; i < page.plots.size(); ++i) {
    const double share = (i == 0 ? first : other) / all;
    top -= share;
    result.each_time += "set origin 0, " + exact(std::max(0.0, top)) + "\nset size 1, " + exact(share) + '\n' +
                        (i == 0 ? "" : "set tmargin 1\nunset label\nunset key\n") + page.plots[i];
  }
  result.each_time += "unset multiplot\n";
  return result;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out)
    throw std::runtime_error("can't write '" + file.string() + "': is its folder there, writable and not full?");
}

void check_stem(const std::filesystem::path& stem) {
  if (one_line(stem.string()) != stem.string())
    throw std::runtime_error("a figure's name can't hold control characters: '" + one_line(stem.string()) + "'");
}

}  // namespace

std::vector<std::filesystem::path> draw(const FigurePage& page, const std::filesystem::path& stem) {
  check_stem(stem);
  const Drawing drawn = drawing(page);
  const auto size = [&](int scale) {
    return std::to_string(scale * page.width) + "," + std::to_string(scale * drawn.height);
  };
  const std::pair<const char*, std::string> terminals[] = {
      {".svg", "svg size " + size(1) + " noenhanced font 'DejaVu Sans,Verdana,sans-serif,12' background '#FFFFFF'"},
      {".png", "pngcairo size " + size(2) + " noenhanced font 'DejaVu Sans,12' fontscale 2 linewidth 2 pointscale 2"},
      {".pdf", "pdfcairo size " + exact(page.width / 120.0) + "in," + exact(drawn.height / 120.0) +
                   "in noenhanced font 'DejaVu Sans,12' fontscale 0.75"}};
  std::string script =
      "set encoding utf8\n"
      "set border 3 lc rgb '#444444'\n"
      "set tics nomirror out scale 0.6\n"
      "set grid ytics lc rgb '#DDDDDD' lw 1 lt 1\n" +
      drawn.once;
  std::vector<std::filesystem::path> files = {stem.string() + ".csv"};
  write_file(files[0], page.csv);
  for (const auto& [ending, terminal] : terminals) {
    files.emplace_back(stem.string() + ending);
    script += "set terminal " + terminal + "\nset output " + gnuplot_quoted(files.back().string()) + '\n' +
              drawn.each_time + "unset output\n";
  }
  run_gnuplot(script);
  for (const auto& file : files)
    if (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0)
      throw std::runtime_error("gnuplot left no '" + file.string() +
                               "'; has it the terminals svg, pngcairo, pdfcairo?");
  return files;
}

}  // namespace crossfade::analysis
