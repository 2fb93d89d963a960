#include "runner/search/methods.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace crossfade::runner {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Dimension moment(const std::string& name, std::vector<double> raster) {
  return {.name = name, .from = raster.front(), .to = raster.back(), .moment = true, .raster = raster};
}

/// Two switch points, the first before the second.
Search switches(const std::string& method) {
  Search search;
  search.options.method = method;
  search.space.dimensions = {moment("first", {0.2, 0.4, 0.6, 0.8}), moment("second", {0.4, 0.6, 0.8})};
  search.space.orders = {{0, 1, false}};
  return search;
}

/// Of these, 1 stands for never.
double peak_at(const Point& point, double first, double second) {
  return 1 - std::pow(point[0] - first, 2) - std::pow(point[1] - second, 2);
}

template <class Score>
std::vector<Tried> run(const Search& search, Score score, std::size_t most = 1000) {
  std::vector<Tried> tried;
  for (;;) {
    const std::vector<Point> next = next_points(search, tried);
    for (const Point& point : next) {
      if (tried.size() == most) return tried;
      EXPECT_THAT(tried, Not(Contains(testing::Field(&Tried::point, point)))) << "tried once";
      tried.push_back({point, score(point)});
    }
    if (next.empty()) return tried;
  }
}

Point best_point(const std::vector<Tried>& tried) {
  return tried[best_of(tried, 1).front()].point;
}

TEST(Methods, AGridTriesAllAllowedPointsInOrder) {
  const Search search = switches("grid");
  const std::vector<Point> points = next_points(search, {});
  EXPECT_THAT(points, ElementsAre(Point{0.2, 0.4}, Point{0.2, 0.6}, Point{0.2, 0.8}, Point{0.4, 0.6}, Point{0.4, 0.8},
                                  Point{0.6, 0.8}));
  EXPECT_THAT(next_points(search, {{points[0], 1}, {points[1], 1}}),
              ElementsAre(points[2], points[3], points[4], points[5]));
  EXPECT_EQ(run(search, [](const Point&) { return 0.0; }).size(), 6u);
}

TEST(Methods, ABranchTriesOneMomentAfterTheOtherFromTheBestTrunk) {
  const Search search = switches("branch");
  std::vector<Tried> tried;
  const auto score = [](const Point& p) { return peak_at(p, 0.4, 0.8); };
  const auto next = [&] {
    const std::vector<Point> points = next_points(search, tried);
    for (const Point& point : points) tried.push_back({point, score(point)});
    return points;
  };
  EXPECT_THAT(next(), ElementsAre(Point{0.2, 1}, Point{0.4, 1}, Point{0.6, 1}, Point{0.8, 1})) << "the second never";
  EXPECT_THAT(next(), ElementsAre(Point{0.4, 0.6}, Point{0.4, 0.8}));
  EXPECT_THAT(next(), ElementsAre(Point{0.2, 0.8}, Point{0.6, 0.8})) << "the first again, with what was found";
  EXPECT_THAT(next(), IsEmpty()) << "nothing changed any more";
  EXPECT_EQ(best_point(tried), (Point{0.4, 0.8}));
}

TEST(Methods, ABranchMayFindThatAMomentIsBestLeftOut) {
  const auto tried = run(switches("branch"), [](const Point& p) { return peak_at(p, 0.6, 1); });
  EXPECT_EQ(best_point(tried), (Point{0.6, 1}));
}

TEST(Methods, RandomFillsTheSpaceAndEndsWhereItIsEmpty) {
  Search search = switches("random");
  search.options.batch = 4;
  EXPECT_EQ(next_points(search, {}).size(), 4u);
  const auto tried = run(search, [](const Point&) { return 0.0; });
  EXPECT_EQ(tried.size(), 6u) << "all points that are allowed";
  for (const Tried& one : tried) EXPECT_TRUE(allows(search.space, one.point));
  Search other = search;
  other.options.seed = 2;
  EXPECT_NE(next_points(search, {}), next_points(other, {}));
}

TEST(Methods, RandomGoesOnWhereTheOrdersForbidNearlyAll) {
  Search search;
  search.options.method = "random";
  search.options.batch = 30;
  std::vector<double> epochs;
  for (int e = 1; e <= 20; ++e) epochs.push_back(e / 20.0);
  for (std::size_t d = 0; d < 5; ++d) {
    search.space.dimensions.push_back({.name = std::string(1, "abcde"[d]), .moment = true, .raster = epochs});
    if (d > 0) search.space.orders.push_back({d - 1, d});
  }
  const std::vector<Point> points = next_points(search, {});  // of 15,504 in 3,200,000
  EXPECT_EQ(points.size(), 30u);
  for (const Point& point : points) EXPECT_TRUE(allows(search.space, point));
}

TEST(Methods, GoOnFromWhatWasTried) {
  const auto score = [](const Point& p) { return peak_at(p, 0.4, 0.8); };
  for (const std::string method : {"grid", "random", "model", "branch"}) {
    Search search = switches(method);
    search.options.batch = 2;
    const std::vector<Tried> whole = run(search, score);
    for (std::size_t known = 0; known < whole.size(); ++known) {
      std::vector<Tried> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(known));
      for (std::vector<Point> next = next_points(search, part); !next.empty(); next = next_points(search, part))
        for (const Point& point : next) part.push_back({point, score(point)});
      EXPECT_EQ(best_point(part), best_point(whole)) << method << ", " << known;
    }
  }
}

/// Branin's function of two numbers, least at 0.397887 (Dixon and Szego 1978), upside down.
double branin(const Point& p) {
  const double pi = std::numbers::pi, x = p[0], y = p[1];
  const double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return -(a * a + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10);
}

/// Hartmann's function of three numbers, least at -3.86278, upside down.
double hartmann(const Point& p) {
  constexpr double alpha[4] = {1, 1.2, 3, 3.2};
  constexpr double a[4][3] = {{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}};
  constexpr double centre[4][3] = {
      {0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.03815, 0.5743, 0.8828}};
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    double exponent = 0;
    for (int d = 0; d < 3; ++d) exponent += a[i][d] * std::pow(p[static_cast<std::size_t>(d)] - centre[i][d], 2);
    sum += alpha[i] * std::exp(-exponent);
  }
  return sum;
}

Search continuous(const std::vector<std::pair<double, double>>& ranges, const std::string& method) {
  Search search;
  search.options.method = method;
  search.options.batch = 1;
  for (const auto& [from, to] : ranges)
    search.space.dimensions.push_back(
        {.name = std::string(1, static_cast<char>('a' + search.space.dimensions.size())), .from = from, .to = to});
  return search;
}

/// Median over three seeds of what the best of `most` points lacks of the greatest value.
double median_regret(Search search, double (*score)(const Point&), double greatest, std::size_t most) {
  std::vector<double> regrets;
  for (const std::uint64_t seed : {1, 2, 3}) {
    search.options.seed = seed;
    regrets.push_back(greatest - score(best_point(run(search, score, most))));
  }
  std::ranges::nth_element(regrets, regrets.begin() + 1);
  return regrets[1];
}

// Far below what the same number of points of a Sobol sequence reach, and a small part of what the functions vary by,
// 308 and 3.86.
TEST(Methods, AModelFindsThePeaksOfStandardFunctions) {
  const std::vector<std::pair<double, double>> of_branin = {{-5, 10}, {0, 15}}, of_hartmann = {{0, 1}, {0, 1}, {0, 1}};
  const double model = median_regret(continuous(of_branin, "model"), branin, -0.397887, 40);
  const double random = median_regret(continuous(of_branin, "random"), branin, -0.397887, 40);
  EXPECT_LT(model, 0.05);
  EXPECT_LT(model, random / 3);
  const double model3 = median_regret(continuous(of_hartmann, "model"), hartmann, 3.86278, 40);
  const double random3 = median_regret(continuous(of_hartmann, "random"), hartmann, 3.86278, 40);
  EXPECT_LT(model3, 0.05);
  EXPECT_LT(model3, random3 / 3);
}

TEST(Methods, AModelTakesChoicesOrdersLogarithmsAndBatches) {
  Search search;
  search.options.method = "model";
  search.options.batch = 3;
  search.space.dimensions = {
      {.name = "lr", .from = 1e-5, .to = 1e-1, .logarithmic = true},
      {.name = "shape", .from = 0, .to = 2, .raster = {0, 1, 2}, .choices = {"step", "linear", "cosine"}},
      moment("first", {0.2, 0.4, 0.6, 0.8}),
      moment("second", {0.2, 0.4, 0.6, 0.8})};
  search.space.orders = {{2, 3, true}};
  const auto score = [](const Point& p) {
    return 1 - std::pow(std::log10(p[0]) + 3, 2) / 4 - (p[1] == 1 ? 0 : 0.5) - std::pow(p[2] - 0.4, 2);
  };
  const std::vector<Tried> tried = run(search, score, 45);
  for (const Tried& one : tried) EXPECT_TRUE(allows(search.space, one.point));
  const Point best = best_point(tried);
  EXPECT_NEAR(std::log10(best[0]), -3, 0.3);
  EXPECT_EQ(best[1], 1);
  EXPECT_EQ(best[2], 0.4);
}

TEST(Methods, SiblingsAreWhatMayBeginAlike) {
  Search search = switches("grid");
  search.space.dimensions.push_back({.name = "lr", .from = 1e-4, .to = 1e-2, .logarithmic = true});
  const Point point = {0.4, 0.6, 1e-3};
  const std::vector<Point> grid = siblings(search, point, {{point, 0}}, 100);
  EXPECT_THAT(grid,
              ElementsAre(Point{0.2, 0.4, 1e-3}, Point{0.2, 0.6, 1e-3}, Point{0.2, 0.8, 1e-3}, Point{0.4, 0.8, 1e-3},
                          Point{0.6, 0.8, 1e-3}, Point{0.4, 0.6, 1e-4}, Point{0.4, 0.6, 1e-2}))
      << "and the ends of what is no moment";
  EXPECT_THAT(siblings(search, point, {{point, 0}}, 11),
              ElementsAre(Point{0.2, 0.6, 1e-3}, Point{0.6, 0.8, 1e-3}, Point{0.4, 0.8, 1e-3}, Point{0.4, 0.6, 1e-4},
                          Point{0.4, 0.6, 1e-2}))
      << "of 12 on the raster those that part at 0.2, at 0.4 (from one behind 0.6, for which second makes way) and at "
         "0.6";
  search.options.method = "branch";
  EXPECT_THAT(siblings(search, point, {}, 100), Contains(Point{0.8, 1, 1e-3})) << "never comes, too";
}

}  // namespace
}  // namespace crossfade::runner
