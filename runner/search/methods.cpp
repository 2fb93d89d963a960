#include "runner/search/methods.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "data/random.hpp"
#include "runner/search/sobol.hpp"
#include "runner/search/surrogate.hpp"

namespace crossfade::runner {
namespace {

constexpr std::size_t kPool = 2048;          // points of an infinite space among which the model chooses
constexpr std::size_t kNear = 128;           // and so many near each of the best two
constexpr double kNearness = 0.05;           // of their distance, as a part of the range
constexpr double kLargestEnumerated = 1e4;   // points of a space that are all looked at
constexpr std::size_t kMostDraws = 1 << 19;  // of a sequence, for the points of one round

bool holds(const std::vector<Point>& points, const Point& point) {
  return std::ranges::find(points, point) != points.end();
}

bool was_tried(const std::vector<Tried>& tried, const Point& point) {
  return std::ranges::find(tried, point, &Tried::point) != tried.end();
}

Point with_value(Point point, std::size_t dimension, double value) {
  point[dimension] = value;
  return point;
}

std::vector<Point> not_tried(std::vector<Point> points, const std::vector<Tried>& tried) {
  std::erase_if(points, [&](const Point& point) { return was_tried(tried, point); });
  return points;
}

/// Up to `count` allowed points of a sequence that are not tried yet, each once.
std::vector<Point> sequence(const Space& space, std::size_t count, std::uint64_t seed,
                            const std::vector<Tried>& tried) {
  if (is_finite(space) && raster_points(space) <= kLargestEnumerated)
    count = std::min(count, not_tried(all_points(space), tried).size());
  std::vector<Point> points;
  // The orders may forbid most of the space: it is drawn from on and on, up to an end, from the beginning each time.
  for (std::size_t draws = 1024 + 64 * (tried.size() + count); points.size() < count; draws *= 4) {
    points.clear();
    for (const std::vector<double>& unit : sobol_points(space.dimensions.size(), draws, seed)) {
      if (points.size() == count) break;
      Point point = point_at(space, unit);
      if (allows(space, point) && !was_tried(tried, point) && !holds(points, point)) points.push_back(std::move(point));
    }
    if (draws >= kMostDraws) break;
  }
  return points;
}

/// Allowed points that are not tried yet: all, or where there are too many of them some everywhere and some near the
/// best.
std::vector<Point> pool(const Search& search, const std::vector<Tried>& tried) {
  const Space& space = search.space;
  if (is_finite(space) && raster_points(space) <= kLargestEnumerated) return not_tried(all_points(space), tried);
  const auto round = static_cast<std::uint32_t>(tried.size());
  data::Random random(search.options.seed, data::Purpose::kSearch, 1, round);
  std::vector<Point> points = sequence(space, kPool, random.bits64() | 1, tried);
  for (const std::size_t best : best_of(tried, 2)) {
    for (std::size_t n = 0; n < kNear; ++n) {
      std::vector<double> unit = unit_of(space, tried[best].point);
      for (double& u : unit) u = std::clamp(u + kNearness * random.normal(), 0.0, std::nextafter(1.0, 0.0));
      const Point point = point_at(space, unit);
      if (allows(space, point) && !was_tried(tried, point)) points.push_back(point);
    }
  }
  return points;
}

std::vector<Point> most_promising(const Search& search, const std::vector<Tried>& tried) {
  std::vector<std::vector<double>> at;
  std::vector<double> scores;
  for (const Tried& one : tried) {
    at.push_back(coordinates(search.space, one.point));
    scores.push_back(one.score);
  }
  std::vector<Point> open = pool(search, tried), chosen;
  while (!open.empty() && static_cast<int>(chosen.size()) < search.options.batch) {
    std::vector<std::vector<double>> others;
    for (const Point& point : open) others.push_back(coordinates(search.space, point));
    const std::vector<Expectation> expected = expect(at, scores, others);
    const auto best = std::ranges::max_element(expected, {}, &Expectation::improvement);
    const auto index = best - expected.begin();
    at.push_back(others[static_cast<std::size_t>(index)]);
    scores.push_back(best->mean);
    chosen.push_back(open[static_cast<std::size_t>(index)]);
    std::erase(open, chosen.back());
  }
  return chosen;
}

std::vector<Point> by_model(const Search& search, const std::vector<Tried>& tried) {
  std::size_t coordinates_of_a_point = 0;
  for (const Dimension& dimension : search.space.dimensions)
    coordinates_of_a_point += std::max<std::size_t>(dimension.choices.size(), 1);
  const std::size_t first = 2 * coordinates_of_a_point + 2, batch = static_cast<std::size_t>(search.options.batch);
  if (tried.size() >= first) return most_promising(search, tried);
  std::vector<Point> points = sequence(search.space, std::min(batch, first - tried.size()), search.options.seed, tried);
  return points.empty() && !tried.empty() ? most_promising(search, tried) : points;
}

double score_of(const std::vector<Tried>& tried, const Point& point) {
  return std::ranges::find(tried, point, &Tried::point)->score;
}

std::vector<Point> by_branches(const Search& search, const std::vector<Tried>& tried) {
  const Space& space = search.space;
  Point best(space.dimensions.size(), kNever);
  for (;;) {
    const Point before = best;
    for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
      std::vector<Point> ways;
      for (const double value : space.dimensions[d].raster) ways.push_back(with_value(best, d, value));
      std::erase_if(ways, [&](const Point& point) { return !allows(space, point); });
      if (std::vector<Point> open = not_tried(ways, tried); !open.empty()) return open;
      for (const Point& way : ways)
        if (!was_tried(tried, best) || score_of(tried, way) > score_of(tried, best)) best = way;
    }
    if (best == before) return {};
  }
}

/// `point` with all values of its moments or, where these are more than `most`, with one of them moved.
std::vector<Point> moved_moments(const Search& search, const Point& point, std::size_t most) {
  Space space = tried_space(search);
  for (std::size_t d = 0; d < space.dimensions.size(); ++d)
    if (!space.dimensions[d].moment) space.dimensions[d].raster = {point[d]};
  if (raster_points(space) <= static_cast<double>(most)) return all_points(space);
  std::vector<Point> points;
  for (std::size_t d = 0; d < space.dimensions.size(); ++d) {
    for (const double value : space.dimensions[d].raster) {
      Point other = with_value(point, d, value);
      if (!allows(space, other))  // behind the moments that were to come later
        for (std::size_t e = 0; e < other.size(); ++e)
          if (e != d) other[e] = space.dimensions[e].raster.back();
      if (allows(space, other) && !holds(points, other)) points.push_back(std::move(other));
    }
  }
  return points;
}

}  // namespace

Space tried_space(const Search& search) {
  return search.options.method == "branch" ? with_never(search.space) : search.space;
}

std::vector<Point> next_points(const Search& search, const std::vector<Tried>& tried) {
  const std::string& method = search.options.method;
  if (method == "grid") return not_tried(all_points(search.space), tried);
  if (method == "random")
    return sequence(search.space, static_cast<std::size_t>(search.options.batch), search.options.seed, tried);
  if (method == "model") return by_model(search, tried);
  return by_branches(search, tried);
}

std::vector<std::size_t> best_of(const std::vector<Tried>& tried, std::size_t count) {
  std::vector<std::size_t> order(tried.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return tried[i].score; });
  order.resize(std::min(count, order.size()));
  return order;
}

std::vector<Point> siblings(const Search& search, const Point& point, const std::vector<Tried>& tried,
                            std::size_t most) {
  std::vector<Point> points = moved_moments(search, point, most);
  // Whatever another number is, its way parts where that of an end of its range does.
  for (Point& other : with_each_value(with_ends(search.space), point))
    if (!holds(points, other)) points.push_back(std::move(other));
  return not_tried(std::move(points), tried);
}

}  // namespace crossfade::runner
