// A search over a cube of unit length, whose objective is worked out by who reads this: search_bench METHOD BATCH SEED
// DIMENSIONS EVALUATIONS prints points, a line each, then an empty line, and reads as many scores.
#include <iostream>
#include <stdexcept>
#include <string>

#include "runner/search/methods.hpp"

namespace crossfade::runner {
namespace {

Search search_of(char** arguments) {
  Search search;
  search.options.method = arguments[1];
  search.options.batch = std::stoi(arguments[2]);
  search.options.seed = std::stoull(arguments[3]);
  search.space.dimensions.resize(std::stoul(arguments[4]));
  return search;
}

void converse(const Search& search, std::size_t evaluations) {
  std::vector<Tried> tried;
  while (tried.size() < evaluations) {
    std::vector<Point> next = next_points(search, tried);
    next.resize(std::min(next.size(), evaluations - tried.size()));
    for (const Point& point : next) {
      for (const double x : point) std::cout << x << ' ';
      std::cout << '\n';
    }
    std::cout << std::endl;
    for (Point& point : next) {
      double score = 0;
      if (!(std::cin >> score)) throw std::runtime_error("standard input ends before the scores do");
      tried.push_back({std::move(point), score});
    }
  }
}

}  // namespace
}  // namespace crossfade::runner

int main(int count, char** arguments) {
  if (count != 6) {
    std::cerr << "usage: search_bench METHOD BATCH SEED DIMENSIONS EVALUATIONS\n";
    return 2;
  }
  std::cout.precision(17);
  crossfade::runner::converse(crossfade::runner::search_of(arguments), std::stoul(arguments[5]));
}
