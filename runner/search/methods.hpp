// Which points a search tries next. Pure functions of what has been tried: a search that is killed goes on as it would
// have.
#pragma once

#include <vector>

#include "runner/search/search_options.hpp"

namespace crossfade::runner {

/// A point and the mean of its objective over the search's seeds; higher is better.
struct Tried {
  Point point;
  double score = 0;
};

/// The space that the search may try points of: with method branch, moments may never come.
Space tried_space(const Search& search);

/// The points to be tried next, once `tried`, in this order, have a score; none: the method is at its end. Budgets are
/// the caller's. Points are allowed and not tried yet.
///  grid    all points of the space, at once
///  random  `batch` points on from where the Sobol sequence is
///  model   the same until there are 2 a coordinate and 2 more; then the points of the highest expected improvement,
///          one after the other, each of a batch believed to score what the model expects of it
///  branch  for one moment after the other, and again until nothing changes: all its values, the other moments as in
///          the best point so far. Moments that have not had their turn are 1, never. The best keeps its place in a
///          tie.
/// None where nothing is tried yet: the orders forbid all that the method would begin with. Preconditions: grid needs a
/// finite space, branch moments alone.
std::vector<Point> next_points(const Search& search, const std::vector<Tried>& tried);

/// Indices of the best of `tried`, at most `count`; of equal ones the earlier.
std::vector<std::size_t> best_of(const std::vector<Tried>& tried, std::size_t count);

/// Points that may still be tried and begin as `point` does, so that all moments at which such a one may go another way
/// are among theirs: all with the same values but for moments or, where these are more than `most`, those with one
/// moment moved, and others made way for it where the orders ask for that; and those with one other value that is no
/// moment: each choice, and the ends of a range of numbers.
std::vector<Point> siblings(const Search& search, const Point& point, const std::vector<Tried>& tried,
                            std::size_t most);

}  // namespace crossfade::runner
