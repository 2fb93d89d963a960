#include "analysis/figures/figure2.hpp"

#include <algorithm>

#include "analysis/figures/figure_page.hpp"
#include "analysis/figures/gnuplot.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/structures.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr const char* kRed = "#CC3311";   // pre-trained, or the variant that is compared with
constexpr const char* kBlue = "#0072B2";  // fine-tuned
constexpr double kSpacing = 3;            // from one structure's pair of boxes to the next
constexpr double kNameHeight = 0.33;      // of a letter of a slanted name, in lines; gnuplot's own guess leaves a gap

std::string block(const std::string& name, const std::map<std::string, double>& subjects) {
  std::string out = name + " << END\n";
  for (const auto& [subject, value] : subjects) out += exact(value) + '\n';
  return out + "END\n";
}

std::string boxes(const std::string& name, double at, const char* colour) {
  return name + " using (" + exact(at) + "):1 with boxplot lc rgb '" + colour +
         "' lw 1.2 pt 7 ps 0.3 fs transparent solid 0.3 notitle";
}

/// An entry of the key that looks like such a box.
std::string key(const std::string& title, const char* colour) {
  return std::string("keyentry with boxes fc rgb '") + colour + "' fs transparent solid 0.3 title " +
         gnuplot_quoted(title);
}

/// As in the key and in the CSV.
std::string name_of(const StructureSide& side) {
  if (side.title == "Pre-Trained") return "pre-trained";
  return side.title == "Fine-Tuned" ? "fine-tuned" : side.title;
}

std::string csv(const StructureTable& table) {
  std::string out = "structure,stage,subject,dice\n";
  for (const StructureDice& dice : table.structures)
    for (const auto& [subject, first] : dice.sides.front())
      for (std::size_t s = 0; s < table.sides.size(); ++s)
        out += dice.structure + ',' + table.sides[s].key + ',' + csv_field(subject) + ',' +
               exact(dice.sides[s].at(subject)) + '\n';
  return out;
}

FigurePage page(const StructureTable& table) {
  FigurePage page;
  const bool two_variants = table.sides.front().key == "than";  // which the key names, then
  page.study = table.study + ": " + (two_variants ? column_title(table.role) : table.variant);
  page.caption = table.caption + (table.caption.empty() ? "" : "; ") + std::to_string(table.subjects) +
                 " test subjects, each the mean over its seeds";
  page.height = 560;
  const auto colour = [&](std::size_t side) {
    return side == 1 || table.sides[side].key == "finetuned" ? kBlue : kRed;
  };
  std::string tics, elements;
  double smallest = 1, at = 1;
  std::size_t longest_name = 0;
  const auto add = [&](const std::string& element) { elements += (elements.empty() ? " " : ", \\\n     ") + element; };
  for (std::size_t i = 0; i < table.structures.size(); ++i, at += kSpacing) {
    const StructureDice& dice = table.structures[i];
    longest_name = std::max(longest_name, dice.structure.size());
    tics += (tics.empty() ? "" : ", ") + gnuplot_quoted(dice.structure) + " " +
            exact(at + (static_cast<double>(table.sides.size()) - 1) / 2);
    for (std::size_t s = 0; s < dice.sides.size(); ++s) {
      if (dice.sides[s].empty()) continue;
      const std::string name = "$side" + std::to_string(s) + "_" + std::to_string(i);
      page.settings += block(name, dice.sides[s]);
      add(boxes(name, at + static_cast<double>(s), colour(s)));
      for (const auto& [subject, value] : dice.sides[s]) smallest = std::min(smallest, value);
    }
  }
  for (std::size_t s = 0; s < table.sides.size(); ++s) add(key(name_of(table.sides[s]), colour(s)));
  page.settings +=
      "set style boxplot outliers pointtype 7\nset boxwidth 0.8\nset bars 0.5\n"
      "set bmargin " +
      fixed(1.5 + kNameHeight * static_cast<double>(longest_name), 1) +
      "\n"
      "set xtics rotate by 60 right noenhanced font ',9' (" +
      tics +
      ")\n"
      "set xrange [-1:" +
      exact(at) +
      "]\n"
      "set yrange [" +
      fixed(std::max(0.0, std::min(0.9, smallest - 0.05)), 1) +
      ":1]\n"
      "set ylabel 'Dice (test subjects)'\n"
      "set key tmargin right vertical maxrows 2 samplen 2 font ',10'\n";
  page.plot = "plot" + elements + '\n';
  page.csv = csv(table);
  return page;
}

}  // namespace

std::vector<std::filesystem::path> plot_figure2(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study,
                                                const std::string& variant, const std::string& than) {
  return draw(page(read_structures(databases, study, variant, than)), stem);
}

}  // namespace crossfade::analysis
