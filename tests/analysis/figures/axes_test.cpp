#include "analysis/figures/axes.hpp"

#include <gmock/gmock.h>

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

auto near(const std::vector<double>& values) {
  return Pointwise(testing::DoubleNear(1e-12), values);
}

TEST(Axes, TicksAreRoundAndNoMoreThanAsked) {
  EXPECT_THAT(ticks(0, 1, 11), near({0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1.}));
  EXPECT_THAT(ticks(0, 1, 6), near({0, .2, .4, .6, .8, 1.}));
  EXPECT_THAT(ticks(0, 0.9, 6), near({0, .2, .4, .6, .8}));
  EXPECT_THAT(ticks(-3, 4, 4), near({-2., 0, 2, 4}));
  EXPECT_THAT(ticks(1234, 1300, 3), ElementsAre(DoubleNear(1250, 1e-9), DoubleNear(1300, 1e-9)));
  EXPECT_THAT(ticks(5, 5, 4), ElementsAre(5));
}

TEST(Axes, EpochsAreWholeNumbers) {
  EXPECT_THAT(whole_ticks(1, 3, 10), ElementsAre(1, 2, 3));
  EXPECT_THAT(whole_ticks(1, 24, 7), ElementsAre(5, 10, 15, 20));
}

TEST(Axes, TickTextsHaveNoNoise) {
  EXPECT_EQ(tick_text(3 * 0.1), "0.3");
  EXPECT_EQ(tick_text(1e-17), "0");
  EXPECT_EQ(tick_text(1e-5), "1e-05");
}

TEST(Axes, LabelsKeepTheirDistanceAndTheirOrder) {
  EXPECT_THAT(spread_out({50, 10, 90}, 14, 0, 100), ElementsAre(50, 10, 90)) << "far from one another already";
  EXPECT_THAT(spread_out({50, 52, 51}, 10, 0, 100), ElementsAre(50, 70, 60));
  EXPECT_THAT(spread_out({99, 100, 100}, 10, 0, 100), ElementsAre(80, 90, 100)) << "pushed back into the range";
  EXPECT_THAT(spread_out({5, 5, 5}, 10, 0, 10), ElementsAre(0, 5, 10)) << "closer where there is no room";
  EXPECT_THAT(spread_out({}, 10, 0, 10), ElementsAre());
}

TEST(Svg, EscapesMarkupAndWhatIsNoText) {
  EXPECT_EQ(xml_escaped("<a href=\"x\">&'\n\x01\xff"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;  \uFFFD");
  EXPECT_EQ(element("b", {{"title", "\"><script>"}}, "x"), "<b title=\"&quot;&gt;&lt;script&gt;\">x</b>");
  EXPECT_EQ(pixels(-0.001), "0");
  EXPECT_EQ(pixels(12.3456), "12.35");
  EXPECT_EQ(shortened("abcdefghij", 5), "ab…ij");
  EXPECT_EQ(shortened("äöü", 3), "äöü");
}

}  // namespace
}  // namespace crossfade::analysis
