#include "analysis/figures/figure_files.hpp"

#include <stdexcept>

#include "analysis/figures/axes.hpp"
#include "analysis/tables/text_table.hpp"
#include "data/program.hpp"
#include "data/publish.hpp"

namespace crossfade::analysis {
namespace {

constexpr double kMargin = 14, kTitleFont = 15, kCaptionFont = 11;  // pixels
constexpr double kTitleLine = 20, kCaptionLine = 15;

/// Title and caption, their lines as wide as the drawing.
Drawing headline(const FigureFiles& figure) {
  const auto columns = [&](double size) {
    return static_cast<std::size_t>(figure.drawing.width / text_width("x", size));
  };
  Drawing drawing{.width = figure.drawing.width, .height = 0, .name = {}, .content = {}};
  for (const std::string& line : wrapped(figure.title, columns(kTitleFont))) {
    drawing.height += kTitleLine;
    drawing.content += svg_text({0, drawing.height - 5}, line, kTitleFont);
  }
  for (const std::string& line : wrapped(figure.caption, columns(kCaptionFont))) {
    drawing.height += kCaptionLine;
    drawing.content += svg_text({0, drawing.height - 3}, line, kCaptionFont, "start", {{"fill", kInk}});
  }
  drawing.height += 10;
  return drawing;
}

std::string page(const FigureFiles& figure) {
  const Drawing head = headline(figure);
  Drawing page{.width = figure.drawing.width + 2 * kMargin,
               .height = head.height + figure.drawing.height + 2 * kMargin,
               .name = figure.title + ". " + figure.drawing.name,
               .content = {}};
  page.content = element("rect", {{"width", pixels(page.width)}, {"height", pixels(page.height)}, {"fill", "white"}}) +
                 moved(head, {kMargin, kMargin}) + moved(figure.drawing, {kMargin, kMargin + head.height});
  return svg_element(page) + '\n';
}

void convert(const std::filesystem::path& svg, const std::filesystem::path& to, const std::string& format,
             const std::string& zoom) {
  data::Partial partial(to);
  // A name with a leading dash is no option: paths stand behind "--" or "=".
  const data::Ending ending = data::run_program({.words = {"rsvg-convert", "--format=" + format, "--zoom=" + zoom,
                                                           "--output=" + partial.path().string(), "--", svg.string()},
                                                 .package = "librsvg2-bin"});
  if (!ending.failure.empty())
    throw std::runtime_error("rsvg-convert failed (" + ending.failure + "): " + one_line(ending.output));
  if (!std::filesystem::exists(partial.path()) || std::filesystem::file_size(partial.path()) == 0)
    throw std::runtime_error("rsvg-convert left no '" + to.string() + "'");
  partial.publish();
}

}  // namespace

std::vector<std::filesystem::path> write_figure(const FigureFiles& figure, const std::filesystem::path& stem) {
  if (one_line(stem.string()) != stem.string())
    throw std::runtime_error("a figure's name can't hold control characters: '" + one_line(stem.string()) + "'");
  std::vector<std::filesystem::path> files;
  for (const char* ending : {".csv", ".svg", ".png", ".pdf"}) files.emplace_back(stem.string() + ending);
  data::write_whole(files[0], figure.csv);
  data::write_whole(files[1], page(figure));
  convert(files[1], files[2], "png", "2");
  convert(files[1], files[3], "pdf", "0.8");  // its pixels are a 96th of an inch
  return files;
}

}  // namespace crossfade::analysis
