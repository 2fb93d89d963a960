#include "analysis/figures/search_drawing.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <regex>

namespace crossfade::analysis {
namespace {

struct Circle {
  double x = 0, y = 0, radius = 0;
};

std::vector<Circle> circles(const std::string& svg, const std::string& rest) {
  const std::regex expression("<circle cx=\"([^\"]*)\" cy=\"([^\"]*)\" r=\"([^\"]*)\" " + rest);
  std::vector<Circle> found;
  for (std::sregex_iterator at(svg.begin(), svg.end(), expression), end; at != end; ++at)
    found.push_back({std::stod((*at)[1]), std::stod((*at)[2]), std::stod((*at)[3])});
  return found;
}

double apart(const Circle& a, const Circle& b) {
  return std::hypot(a.x - b.x, a.y - b.y);
}

SearchTable space(const std::vector<std::vector<double>>& points) {
  SearchTable table;
  for (const char* name : {"rate", "first", "second"}) {
    SearchedDimension dimension;
    dimension.name = name;
    dimension.moment = dimension.name != "rate";
    dimension.logarithmic = !dimension.moment;
    table.dimensions.push_back(dimension);
  }
  for (const std::vector<double>& p : points) {
    SearchedPoint point;
    point.position = static_cast<int>(table.points.size());
    point.point = {{"rate", p[0]}, {"first", p[1]}, {"second", p[2]}};
    point.dice = p[3];
    table.points.push_back(point);
  }
  return table;
}

constexpr double kHundredth = 0.015;  // coordinates are written with two digits

TEST(SearchMap, PutsCandidatesWhereTheirMomentsAreWithTheirNumbers) {
  const auto drawing = search_map(space({{0.01, 0.2, 0.5, 0.7}, {0.01, 0.4, 0.5, 0.8}, {0.01, 0.2, 0.9, 0.6}}));
  ASSERT_TRUE(drawing);
  const std::vector<Circle> drawn = circles(drawing->content, "fill=\"#");
  ASSERT_EQ(drawn.size(), 3u);
  EXPECT_EQ(drawn[0].x, drawn[2].x);
  EXPECT_EQ(drawn[0].y, drawn[1].y);
  EXPECT_GT(drawn[1].x, drawn[0].x);
  EXPECT_LT(drawn[2].y, drawn[0].y) << "upwards";
  EXPECT_THAT(drawing->content, testing::HasSubstr(">3</text>"));
}

TEST(SearchMap, ShowsEachOfThoseThatShareAPlaceAndTheBestInTheMiddle) {
  std::vector<std::vector<double>> points{{0.01, 0.8, 0.9, 0.5}};
  for (int n = 1; n <= 12; ++n) points.push_back({0.001 * n, 0.2, 0.5, 0.6 + 0.01 * ((7 * n) % 13)});
  points.push_back({0.01, 0.2, 0.9, 0.5});  // straight above these
  points.push_back({0.01, 0.8, 0.5, 0.5});  // level with them
  SearchTable table = space(points);
  table.points[2].variant = "found";  // n = 2
  const auto drawing = search_map(table);
  ASSERT_TRUE(drawing);
  const std::vector<Circle> drawn = circles(drawing->content, "fill=\"#");
  ASSERT_EQ(drawn.size(), points.size());
  for (std::size_t a = 0; a < drawn.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      EXPECT_GE(apart(drawn[a], drawn[b]), drawn[a].radius + drawn[b].radius - 2 * kHundredth) << a << " and " << b;
  const Circle place{drawn[13].x, drawn[14].y, 0};
  std::size_t best = 1;
  for (std::size_t n = 1; n <= 12; ++n) {
    if (points[n][3] > points[best][3]) best = n;
    EXPECT_LT(apart(drawn[n], place), 20) << "by their place, further from which are the next";
  }
  for (std::size_t n = 1; n <= 12; ++n) EXPECT_LE(apart(drawn[best], place), apart(drawn[n], place));
  const std::vector<Circle> rings = circles(drawing->content, "fill=\"none\"");
  ASSERT_EQ(rings.size(), 1u);
  EXPECT_LT(apart(rings[0], drawn[2]), 2 * kHundredth);
  EXPECT_GT(rings[0].radius, drawn[2].radius);
}

}  // namespace
}  // namespace crossfade::analysis
