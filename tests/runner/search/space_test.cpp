#include "runner/search/space.hpp"

#include <gmock/gmock.h>

#include "runner/grid/point_text.hpp"
#include "runner/search/sobol.hpp"

namespace crossfade::runner {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

const Dimension kRate{.name = "lr", .from = 1e-4, .to = 1e-2, .logarithmic = true};
const Dimension kShape{.name = "shape", .from = 0, .to = 1, .raster = {0, 1}, .choices = {"step", "linear"}};
const Dimension kFirst{.name = "first", .from = 0.2, .to = 0.6, .moment = true, .raster = {0.2, 0.4, 0.6}};

TEST(Space, TakesUnitCoordinatesToValuesAndBack) {
  const Space space{{kRate, kShape, kFirst}};
  const Point point = point_at(space, {0.5, 0.7, 0.99});
  EXPECT_THAT(point, ElementsAre(DoubleNear(1e-3, 1e-12), 1, 0.6));
  EXPECT_EQ(point_at(space, unit_of(space, point)), point);
  EXPECT_THAT(coordinates(space, point), ElementsAre(DoubleNear(0.5, 1e-12), 0, 1, DoubleNear(1, 1e-12)));
  EXPECT_EQ(point_text(space, {1e-3, 1, 0.6}), "lr=0.001, shape=linear, first=0.6");
  EXPECT_EQ(brief_text(space, {1e-3 / 3, 0, 1.0 / 6}), "lr=0.0003333, shape=step, first=0.1667");
}

TEST(Space, ListsWhatOrdersAllow) {
  Dimension second = kFirst;
  second.name = "second";
  Space space{{kFirst, second}, {{0, 1, false}}};
  EXPECT_THAT(all_points(space), ElementsAre(Point{0.2, 0.4}, Point{0.2, 0.6}, Point{0.4, 0.6}));
  space.orders.front().or_equal = true;
  EXPECT_EQ(all_points(space).size(), 6u);
  EXPECT_TRUE(is_finite(space));
  space.dimensions.push_back(kRate);
  EXPECT_FALSE(is_finite(space));
}

TEST(Space, TakesEachValueOnceBesideAPoint) {
  const Dimension depth{.name = "depth", .from = 2, .to = 4, .raster = {2, 3, 4}};
  const Dimension most{.name = "most", .from = 3, .to = 5, .raster = {3, 5}};
  const Space space{{kRate, kShape, kFirst, depth, most}, {{3, 4, false}}};
  EXPECT_THAT(with_each_value(space, {1e-3, 1, 0.4, 2, 3}),
              ElementsAre(Point{1e-3, 1, 0.4, 2, 3}, Point{1e-3, 0, 0.4, 2, 3}, Point{1e-3, 1, 0.4, 2, 5}))
      << "neither a depth of 3 nor of 4 lies below 3";
  const Space ends = with_ends(space);
  EXPECT_THAT(ends.dimensions[0].raster, ElementsAre(kRate.from, kRate.to));
  EXPECT_EQ(ends.dimensions[1].raster, kShape.raster) << "all choices";
  EXPECT_THAT(ends.dimensions[3].raster, ElementsAre(2, 4));
}

// The first points of the sequence with the direction numbers of Joe and Kuo (2008), as
// scipy.stats.qmc.Sobol(3, scramble=False).random(8) of SciPy 1.15 gives them.
TEST(Sobol, IsThatOfJoeAndKuo) {
  const std::vector<std::vector<double>> expected = {{0, 0, 0},
                                                     {0.5, 0.5, 0.5},
                                                     {0.75, 0.25, 0.25},
                                                     {0.25, 0.75, 0.75},
                                                     {0.375, 0.375, 0.625},
                                                     {0.875, 0.875, 0.125},
                                                     {0.625, 0.125, 0.875},
                                                     {0.125, 0.625, 0.375}};
  EXPECT_EQ(sobol_points(3, 8, 0), expected);
  EXPECT_EQ(sobol_points(3, 1, 0), (std::vector<std::vector<double>>{{0, 0, 0}}));
}

TEST(Sobol, ASeedMovesAllPointsByOneVector) {
  const auto plain = sobol_points(2, 64, 0), moved = sobol_points(2, 64, 5);
  EXPECT_EQ(sobol_points(2, 32, 5).back(), moved[31]) << "more points are the same points";
  for (std::size_t d = 0; d < 2; ++d) {
    const double shift = moved[0][d];
    EXPECT_NE(shift, 0);
    for (std::size_t p = 0; p < plain.size(); ++p) {
      EXPECT_GE(moved[p][d], 0);
      EXPECT_LT(moved[p][d], 1);
      const double whole = plain[p][d] + shift;
      EXPECT_NEAR(moved[p][d], whole < 1 ? whole : whole - 1, 1e-15);
    }
  }
}

}  // namespace
}  // namespace crossfade::runner
