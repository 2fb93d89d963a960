#include <fstream>
#include <iterator>
#include <map>

#include "analysis/figures/svg.hpp"
#include "analysis/page/sections.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/base64.hpp"

namespace crossfade::analysis {
namespace {

constexpr std::size_t kMostBytes = 10'000'000;  // of all pictures in a page

std::string encoded(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<unsigned char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return data::base64(bytes);
}

/// As an image, so that nothing in the file can be run, and no two of them meet.
std::string figure(const SubjectPicture& picture, const std::string& image) {
  const std::string title = picture_title(picture);
  return "<figure>" +
         element("img", {{"src", "data:image/svg+xml;base64," + image},
                         {"alt", title + ": scan with truth, with prediction, and where they differ"},
                         {"loading", "lazy"}}) +
         element("figcaption", {}, xml_escaped(title)) + "</figure>\n";
}

}  // namespace

std::string pictures_section(const PageContents& page) {
  if (page.pictures.empty()) return {};
  std::map<const SubjectPicture*, std::string> shown;
  std::size_t bytes = 0, left_out = 0;
  // The worst of all variants first: there is most to learn from them.
  for (const char* which : {"worst", "median", "best"}) {
    for (const VariantPictures& variant : page.pictures) {
      for (const SubjectPicture& picture : variant.pictures) {
        if (picture.which != which) continue;
        std::string image = encoded(picture.file);
        if (bytes + image.size() > kMostBytes) {
          ++left_out;
          continue;
        }
        bytes += image.size();
        shown.emplace(&picture, std::move(image));
      }
    }
  }
  const PageScores* best = best_on_validation(page.study.scores);
  std::string content;
  for (const VariantPictures& variant : page.pictures) {
    std::string figures;
    for (const SubjectPicture& picture : variant.pictures)
      if (const auto image = shown.find(&picture); image != shown.end()) figures += figure(picture, image->second);
    if (figures.empty()) continue;
    const bool open = best != nullptr && best->variant == variant.variant;
    content += std::string("<details") + (open ? " open" : "") + "><summary>" + xml_escaped(variant.variant) +
               (variant.role == "finetuned" ? ", fine-tuned" : "") + "</summary>\n<div class=\"pictures\">\n" +
               figures + "</div></details>\n";
  }
  const std::string note =
      "Of each variant the worst, the median and the best test subject over its trials, on the slices where truth and "
      "prediction differ most. Orange: missed; blue: too much; pink: another structure.";
  return section("pictures", "Test subjects, drawn",
                 element("p", {},
                         note + (left_out == 0 ? ""
                                               : " " + std::to_string(left_out) +
                                                     " are left out: pictures have 10 MB in a page.")) +
                     "\n" + content);
}

}  // namespace crossfade::analysis
