#include "analysis/figures/slices_figure.hpp"

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "analysis/figures/axes.hpp"
#include "analysis/figures/figure_files.hpp"
#include "analysis/figures/pictures.hpp"
#include "analysis/figures/slice_drawing.hpp"
#include "analysis/results/folder.hpp"
#include "analysis/results/merge.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kGap = 24, kLine = 18, kFont = 12, kNameFont = 13;  // pixels
constexpr std::size_t kLongestName = 90;

/// A file of compared_slices() as it was written.
Drawing read_drawing(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string svg = text.str();
  const std::string head = svg.substr(0, svg.find('>'));
  static const std::regex kSize("^<svg [^>]* width=\"([0-9.]+)\" height=\"([0-9.]+)\"");
  std::smatch size;
  if (!in || !std::regex_search(head, size, kSize))
    throw std::runtime_error("'" + file.string() + "' is no picture of a test subject: remove it, or make it again");
  return {.width = std::stod(size[1]), .height = std::stod(size[2]), .name = {}, .content = svg};
}

/// The pictures of one variant beside each other.
Drawing row(const VariantPictures& variant) {
  Drawing drawing{.width = 0, .height = 0, .name = variant.variant, .content = {}};
  drawing.content = svg_text({0, kLine - 4}, shortened(variant.variant, kLongestName), kNameFont);
  for (const SubjectPicture& picture : variant.pictures) {
    const Drawing one = read_drawing(picture.file);
    const double left = drawing.width == 0 ? 0 : drawing.width + kGap;
    drawing.content += svg_text({left, 2 * kLine - 4}, picture_title(picture), kFont, "start", {{"fill", kInk}}) +
                       moved(one, {left, 2 * kLine});
    drawing.width = left + one.width;
    drawing.height = std::max(drawing.height, 2 * kLine + one.height);
  }
  return drawing;
}

std::string csv(const std::vector<VariantPictures>& variants) {
  std::string out = "variant,column,which,subject,seed,fold,dice\n";
  for (const VariantPictures& variant : variants)
    for (const SubjectPicture& picture : variant.pictures)
      out += csv_field(variant.variant) + ',' + variant.role + ',' + picture.which + ',' + csv_field(picture.subject) +
             ',' + std::to_string(picture.seed) + ',' + std::to_string(picture.fold) + ',' + exact(picture.dice) + '\n';
  return out;
}

}  // namespace

std::vector<std::filesystem::path> plot_slices(const std::vector<std::filesystem::path>& databases,
                                               const std::filesystem::path& stem, const std::string& study,
                                               const std::string& variant) {
  struct Found {
    StudyRow study;
    std::vector<VariantPictures> variants;
  };
  Found found = read_study(databases, study, "reading which test subjects are drawn",
                           [&](SQLite::Database& db, const StudyRow& row) {
                             return Found{row, find_pictures(db, row, databases)};
                           });
  if (found.variants.empty())
    throw std::runtime_error("no trial of study '" + found.study.name + "' has left pictures in '" +
                             pictures_folder(databases.front()).string() +
                             "': trials draw test subjects at the end of a stage, unless run.pictures is false");
  if (!variant.empty()) {
    std::string known;
    for (const VariantPictures& one : found.variants) known += (known.empty() ? "'" : ", '") + one.variant + "'";
    std::erase_if(found.variants, [&](const VariantPictures& one) { return one.variant != variant; });
    if (found.variants.empty())
      throw std::runtime_error("there are no pictures of variant '" + variant + "', only of " + known);
  }
  Drawing all{.width = 0, .height = 0, .name = "Test subjects", .content = {}};
  for (const VariantPictures& one : found.variants) {
    const Drawing part = row(one);
    all.content += moved(part, {0, all.height});
    all.width = std::max(all.width, part.width);
    all.height += part.height + kGap;
  }
  return write_figure(
      {.title = found.study.name,
       .caption = (found.study.caption.empty() ? "" : found.study.caption + "; ") +
                  "the worst, the median and the best test subject over the trials of a variant, by mean Dice, on the "
                  "slices where truth and prediction differ most; orange: missed, blue: too much, pink: another class",
       .drawing = all,
       .csv = csv(found.variants)},
      stem);
}

}  // namespace crossfade::analysis
