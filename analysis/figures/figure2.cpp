#include "analysis/figures/figure2.hpp"

#include "analysis/figures/figure_files.hpp"
#include "analysis/figures/structure_drawing.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/structures.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/number_words.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kKeyHeight = 24, kKeyFont = 11;  // pixels
constexpr std::size_t kLongestTitle = 60;         // characters of a side's name in the key

std::string csv(const StructureTable& table) {
  std::string out = "structure,stage,subject,dice\n";
  for (const StructureDice& dice : table.structures)
    for (const auto& [subject, first] : dice.sides.front())
      for (std::size_t s = 0; s < table.sides.size(); ++s)
        out += csv_field(dice.structure) + ',' + table.sides[s].key + ',' + csv_field(subject) + ',' +
               exact(dice.sides[s].at(subject)) + '\n';
  return out;
}

/// As in the key.
std::string name_of(const StructureSide& side) {
  if (side.title == "Pre-Trained") return "pre-trained";
  return side.title == "Fine-Tuned" ? "fine-tuned" : side.title;
}

/// Of a side. Its subjects are the same in both, in one order.
StructureValues values_of(const StructureTable& table, std::size_t side) {
  StructureValues values;
  for (const StructureDice& dice : table.structures) {
    values.emplace_back();
    for (const auto& [subject, value] : dice.sides[side]) values.back().push_back(value);
  }
  return values;
}

/// One line a side.
Drawing key(const StructureTable& table, double width) {
  Drawing drawing{.width = width, .height = 0, .name = {}, .content = {}};
  for (std::size_t s = 0; s < table.sides.size(); ++s) {
    const bool is_second = s + 1 == table.sides.size();
    drawing.content += element("rect", {{"x", "0"},
                                        {"y", pixels(drawing.height + 4)},
                                        {"width", "10"},
                                        {"height", "10"},
                                        {"fill", is_second ? kSecondColour : kFirstColour}}) +
                       svg_text({16, drawing.height + 13}, shortened(name_of(table.sides[s]), kLongestTitle), kKeyFont);
    drawing.height += kKeyHeight;
  }
  return drawing;
}

}  // namespace

std::vector<std::filesystem::path> plot_figure2(const std::vector<std::filesystem::path>& databases,
                                                const std::filesystem::path& stem, const std::string& study,
                                                const std::string& variant, const std::string& than) {
  const StructureTable table = read_structures(databases, study, variant, than);
  std::vector<std::string> structures;
  for (const StructureDice& dice : table.structures) structures.push_back(dice.structure);
  const StructureValues second = values_of(table, table.sides.size() - 1);
  const StructureValues first = table.sides.size() > 1 ? values_of(table, 0) : StructureValues{};
  const Drawing rows = structure_rows(structures, first.empty() ? nullptr : &first, second);
  const Drawing names = key(table, rows.width);
  const bool two_variants = table.sides.front().key == "than";  // which the key names, then
  return write_figure({.title = table.study + ": " + (two_variants ? column_title(table.role) : table.variant),
                       .caption = table.caption + (table.caption.empty() ? "" : "; ") +
                                  data::counted(table.subjects, "test subject") + ", each the mean over its seeds",
                       .drawing = {.width = rows.width,
                                   .height = names.height + rows.height,
                                   .name = rows.name,
                                   .content = names.content + moved(rows, {0, names.height})},
                       .csv = csv(table)},
                      stem);
}

}  // namespace crossfade::analysis
