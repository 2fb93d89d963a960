#include "analysis/figures/regret_figure.hpp"

#include "analysis/figures/figure_page.hpp"
#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {

std::vector<std::filesystem::path> plot_regret(const std::vector<RegretCurve>& curves, const std::string& study,
                                               const std::string& caption, const std::filesystem::path& stem) {
  FigurePage page;
  page.study = study;
  page.caption = caption;
  page.csv = "method,epochs,low,median,high\n";
  std::string plot;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const std::string block = "$curve" + std::to_string(c), colour = kColours[c % std::size(kColours)];
    page.settings += block + " << END\n";
    for (const RegretPoint& point : curves[c].points) {
      const std::string numbers[] = {exact(point.epochs), exact(point.low), exact(point.median), exact(point.high)};
      page.settings += numbers[0] + ' ' + numbers[1] + ' ' + numbers[2] + ' ' + numbers[3] + '\n';
      page.csv += csv_field(curves[c].method) + ',' + numbers[0] + ',' + numbers[1] + ',' + numbers[2] + ',' +
                  numbers[3] + '\n';
    }
    page.settings += "END\n";
    plot += (plot.empty() ? "plot " : ", \\\n     ") + block + " using 1:4 with steps lw 1 dt 3 lc rgb '" + colour +
            "' notitle, \\\n     " + block + " using 1:3 with steps lw 2.5 lc rgb '" + colour + "' title " +
            gnuplot_quoted(curves[c].method);
  }
  page.settings +=
      "set rmargin 4\nset yrange [0:]\nset xrange [0:]\nset xlabel 'Epochs trained, of all seeds, shared ones once'\n"
      "set ylabel 'Regret: best Dice less that of the choice'\nset key bmargin center horizontal\n";
  page.plots = {plot + ", \\\n     keyentry with lines lw 1 dt 3 lc rgb '#444444' title 'upper quartile'\n"};
  return draw(page, stem);
}

}  // namespace crossfade::analysis
