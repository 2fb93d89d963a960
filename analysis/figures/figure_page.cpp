#include "analysis/figures/figure_page.hpp"

#include <fstream>
#include <stdexcept>

#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

std::string headline(const FigurePage& page) {
  const auto lines = wrapped(page.caption, 110);
  std::string out = "set tmargin " + std::to_string(3 + lines.size()) + "\n";
  out += "set label " + gnuplot_quoted(page.study) + " at graph 0, graph 1 offset 0, " +
         exact(1.2 + static_cast<double>(lines.size())) + " left font ',14'\n";
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += "set label " + gnuplot_quoted(lines[i]) + " at graph 0, graph 1 offset 0, " +
           exact(0.2 + static_cast<double>(lines.size() - i)) + " left font ',9' tc rgb '#444444'\n";
  return out;
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
  const std::pair<const char*, std::string> terminals[] = {
      {".svg", "svg size 900," + std::to_string(page.height) +
                   " noenhanced font 'DejaVu Sans,Verdana,sans-serif,12' background '#FFFFFF'"},
      {".png", "pngcairo size 1800," + std::to_string(2 * page.height) +
                   " noenhanced font 'DejaVu Sans,12' fontscale 2 linewidth 2 pointscale 2"},
      {".pdf", "pdfcairo size 7.5in," + exact(static_cast<double>(page.height) / 120) +
                   "in noenhanced font 'DejaVu Sans,12' fontscale 0.75"}};
  std::string script =
      "set encoding utf8\n"
      "set border 3 lc rgb '#444444'\n"
      "set tics nomirror out scale 0.6\n"
      "set grid ytics lc rgb '#DDDDDD' lw 1 lt 1\n" +
      page.settings + headline(page);
  std::vector<std::filesystem::path> files = {stem.string() + ".csv"};
  write_file(files[0], page.csv);
  for (const auto& [ending, terminal] : terminals) {
    files.emplace_back(stem.string() + ending);
    script += "set terminal " + terminal + "\nset output " + gnuplot_quoted(files.back().string()) + '\n' + page.plot +
              "unset output\n";
  }
  run_gnuplot(script);
  for (const auto& file : files)
    if (!std::filesystem::exists(file) || std::filesystem::file_size(file) == 0)
      throw std::runtime_error("gnuplot left no '" + file.string() +
                               "'; has it the terminals svg, pngcairo, pdfcairo?");
  return files;
}

}  // namespace crossfade::analysis
