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

// Structures beside one another, so that boxes and names neither run into each other nor grow without bounds.
constexpr std::size_t kMostAcross = 32;                          // of more there are several rows
constexpr std::size_t kFullAcross = 27;                          // fill a page of full width
constexpr std::size_t kFewestAcross = 6;                         // fewer keep the room that these would have
constexpr int kFullWidth = 900, kLeastWidth = 600, kPitch = 30;  // pixels; of a page, and of a structure

constexpr std::size_t kLongestName = 40, kUsualName = 29;  // characters; the page of the latter is high enough

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
        out += csv_field(dice.structure) + ',' + table.sides[s].key + ',' + csv_field(subject) + ',' +
               exact(dice.sides[s].at(subject)) + '\n';
  return out;
}

/// Where `name` has its characters' first bytes, and its end.
std::vector<std::size_t> characters(const std::string& name) {
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < name.size(); ++i)
    if ((static_cast<unsigned char>(name[i]) & 0xC0U) != 0x80U) begins.push_back(i);  // no further byte in UTF-8
  begins.push_back(name.size());
  return begins;
}

/// With an ellipsis in the middle of what is too long to stand under an axis: names often differ at their end.
std::string shortened(const std::string& name) {
  const std::vector<std::size_t> begins = characters(name);
  const std::size_t count = begins.size() - 1;
  if (count <= kLongestName) return name;
  const std::size_t last = (kLongestName - 1) / 2, first = kLongestName - 1 - last;
  return name.substr(0, begins[first]) + "…" + name.substr(begins[count - last]);
}

/// How structures are spread over rows.
struct Rows {
  std::size_t count = 0, across = 0;  // the last row may have fewer
};

Rows rows_of(std::size_t structures) {
  const std::size_t count = std::max<std::size_t>(1, (structures + kMostAcross - 1) / kMostAcross);
  return {count, (structures + count - 1) / count};
}

int page_width(std::size_t across) {
  if (across >= kFullAcross) return kFullWidth;
  return std::max(kLeastWidth, kFullWidth - kPitch * static_cast<int>(kFullAcross - across));
}

const char* colour_of(const StructureTable& table, std::size_t side) {
  return side == 1 || table.sides[side].key == "finetuned" ? kBlue : kRed;
}

std::string block_name(std::size_t structure, std::size_t side) {
  return "$side" + std::to_string(side) + "_" + std::to_string(structure);
}

/// Left and right, the same for all rows, which gnuplot's own are not; wide enough for the first name, slanted to the
/// left.
std::string margins(double page_width, double letters_above_usual) {
  constexpr double kLeft = 88, kRight = 40, kLetter = 4;  // pixels; kLetter of a slanted one
  return "set lmargin at screen " + exact((kLeft + kLetter * letters_above_usual) / page_width) +
         "\nset rmargin at screen " + exact(1 - kRight / page_width) + '\n';
}

/// The boxes of structures `begin` to before `end`, from x = 1 on, with their names.
std::string plot_of(const StructureTable& table, std::size_t begin, std::size_t end) {
  std::string tics, elements;
  const auto add = [&](const std::string& element) { elements += (elements.empty() ? " " : ", \\\n     ") + element; };
  double at = 1;
  for (std::size_t i = begin; i < end; ++i, at += kSpacing) {
    const StructureDice& dice = table.structures[i];
    tics += (tics.empty() ? "" : ", ") + gnuplot_quoted(shortened(dice.structure)) + " " +
            exact(at + (static_cast<double>(table.sides.size()) - 1) / 2);
    for (std::size_t s = 0; s < dice.sides.size(); ++s)
      if (!dice.sides[s].empty()) add(boxes(block_name(i, s), at + static_cast<double>(s), colour_of(table, s)));
  }
  if (elements.empty()) add("NaN with lines notitle");  // gnuplot draws no axes for a key alone
  for (std::size_t s = 0; s < table.sides.size(); ++s) add(key(name_of(table.sides[s]), colour_of(table, s)));
  return "set xtics rotate by 60 right noenhanced font ',9' (" + tics + ")\nplot" + elements + '\n';
}

FigurePage page(const StructureTable& table) {
  FigurePage page;
  const bool two_variants = table.sides.front().key == "than";  // which the key names, then
  page.study = table.study + ": " + (two_variants ? column_title(table.role) : table.variant);
  page.caption = table.caption + (table.caption.empty() ? "" : "; ") + std::to_string(table.subjects) +
                 " test subjects, each the mean over its seeds";
  double smallest = 1;
  std::size_t longest_name = 0;
  for (std::size_t i = 0; i < table.structures.size(); ++i) {
    const StructureDice& dice = table.structures[i];
    longest_name = std::max(longest_name, width(shortened(dice.structure)));
    for (std::size_t s = 0; s < dice.sides.size(); ++s) {
      if (dice.sides[s].empty()) continue;
      page.settings += block(block_name(i, s), dice.sides[s]);
      for (const auto& [subject, value] : dice.sides[s]) smallest = std::min(smallest, value);
    }
  }
  const Rows rows = rows_of(table.structures.size());
  const auto across = static_cast<double>(rows.across);
  const double room = kSpacing * std::max(0.0, static_cast<double>(kFewestAcross) - across) / 2;
  const std::size_t above_usual = longest_name > kUsualName ? longest_name - kUsualName : 0;
  page.width = page_width(rows.across);
  page.height = 560 + static_cast<int>(kLinePixels * kNameHeight * static_cast<double>(above_usual));
  page.settings +=
      "set style boxplot outliers pointtype 7\nset boxwidth 0.8\nset bars 0.5\n"
      "set bmargin " +
      fixed(1.5 + kNameHeight * static_cast<double>(longest_name), 1) +
      "\n"
      "set xrange [" +
      exact(-1 - room) + ":" + exact(1 + kSpacing * across + room) +
      "]\n"
      "set yrange [" +
      fixed(std::max(0.0, std::min(0.9, smallest - 0.05)), 1) +
      ":1]\n"
      "set ylabel 'Dice (test subjects)'\n";
  if (rows.count > 1 || page.width < kFullWidth || above_usual > 0)
    page.settings += margins(page.width, static_cast<double>(above_usual));
  for (std::size_t row = 0; row < rows.count; ++row) {
    const std::size_t begin = row * rows.across, end = std::min(begin + rows.across, table.structures.size());
    page.plots.push_back((row > 0 ? "" : "set key tmargin right vertical maxrows 2 samplen 2 font ',10'\n") +
                         plot_of(table, begin, end));
  }
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
