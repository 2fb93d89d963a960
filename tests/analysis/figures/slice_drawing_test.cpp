#include "analysis/figures/slice_drawing.hpp"

#include <gmock/gmock.h>

#include <regex>

#include "data/labels/classes.hpp"

namespace crossfade::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What stands in `pattern`'s group, everywhere in `text`.
std::vector<std::string> all_of(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

/// Three columns, two rows; the first row is drawn lowest.
ComparedSlice small(std::vector<std::uint8_t> truth, std::vector<std::uint8_t> prediction) {
  return {.name = "slice 7",
          .width = 3,
          .height = 2,
          .grey = {0, 50, 100, 150, 200, 250},
          .truth = std::move(truth),
          .prediction = std::move(prediction)};
}

std::string drawn(const ComparedSlice& slice) {
  return compared_slices(std::vector{slice});
}

TEST(ComparedSlices, OutlineEachClassInItsColourByStraightLines) {
  // Lower row: 0 1 1, upper row: 0 1 2. Rows are counted from the top in the drawing.
  const std::string svg = drawn(small({0, 1, 1, 0, 1, 2}, {0, 0, 0, 0, 0, 0}));
  EXPECT_THAT(all_of(svg, "<path d=\"([^\"]*)\" stroke=\"#ff5555\""), ElementsAre("M1 2h2M1 0h1M1 0v2M3 1v1"));
  EXPECT_THAT(all_of(svg, "<path d=\"([^\"]*)\" stroke=\"#00ff00\""), ElementsAre("M2 1h1M2 0h1M2 0v1M3 0v1"))
      << "an edge of two classes belongs to the later one";
}

TEST(ComparedSlices, ColourWhatDiffersByItsKind) {
  const std::string svg = drawn(small({1, 1, 0, 2, data::kIgnored, 0}, {0, 0, 0, 1, 1, 2}));
  EXPECT_THAT(all_of(svg, "<path d=\"([^\"]*)\" fill=\"" + std::string(kMissedColour)), ElementsAre("M0 1h2v1h-2z"));
  EXPECT_THAT(all_of(svg, "<path d=\"([^\"]*)\" fill=\"" + std::string(kOtherColour)), ElementsAre("M0 0h1v1h-1z"));
  EXPECT_THAT(all_of(svg, "<path d=\"([^\"]*)\" fill=\"" + std::string(kTooMuchColour)), ElementsAre("M2 0h1v1h-1z"));
}

TEST(ComparedSlices, HaveNoColourWhereNothingDiffers) {
  EXPECT_THAT(all_of(drawn(small({0, 1, 1, 0, 1, 1}, {0, 1, 1, 0, 1, 1})), "(fill-opacity)"), IsEmpty());
}

TEST(ComparedSlices, ShowTheScanOnceInItsProportions) {
  ComparedSlice slice = small({0, 1, 1, 0, 1, 1}, {0, 1, 1, 0, 1, 1});
  slice.pixel_height = 3;  // 3 mm wide, 6 mm high
  const std::string svg = drawn(slice);
  const auto ids = all_of(svg, "<image id=\"([^\"]*)\" width=\"100\" height=\"200\"");
  ASSERT_EQ(ids.size(), 1U);
  EXPECT_THAT(all_of(svg, "<use href=\"#([^\"]*)\""), ElementsAre(ids[0], ids[0]));
  EXPECT_THAT(all_of(svg, "scale\\(([^)]*)\\)"),
              ElementsAre("33.333333 100.000000", "33.333333 100.000000", "33.333333 100.000000"));
  EXPECT_THAT(svg, HasSubstr("slice 7"));
  EXPECT_THAT(svg, HasSubstr("data:image/png;base64,iVBORw0KGgo"));
}

}  // namespace
}  // namespace crossfade::analysis
