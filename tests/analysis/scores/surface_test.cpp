#include "analysis/scores/surface.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "tests/analysis/study.hpp"

namespace crossfade::analysis {
namespace {

using Labels = std::vector<std::uint8_t>;
using Place = std::array<int, 3>;

/// Two volumes, empty at first.
struct Volumes {
  std::array<int, 3> size;
  std::array<double, 3> spacing_mm;
  Labels truth, prediction;

  Volumes(std::array<int, 3> n, std::array<double, 3> mm)
      : size(n), spacing_mm(mm), truth(static_cast<std::size_t>(n[0] * n[1] * n[2])), prediction(truth.size()) {}
  std::size_t index(const Place& p) const {
    const int n = p[0] + size[0] * (p[1] + size[1] * p[2]);
    return static_cast<std::size_t>(n);
  }
  LabelPair pair() const { return {truth, prediction, size, spacing_mm}; }
};

/// Calls `body` with every place of a box, from `begin` to before `end`.
template <class Body>
void each(const Place& begin, const Place& end, Body&& body) {
  for (int k = begin[2]; k < end[2]; ++k)
    for (int j = begin[1]; j < end[1]; ++j)
      for (int i = begin[0]; i < end[0]; ++i) body(Place{i, j, k});
}

void fill(const Volumes& v, Labels& labels, const Place& begin, const Place& end, std::uint8_t c) {
  each(begin, end, [&](const Place& p) { labels[v.index(p)] = c; });
}

TEST(SurfaceScores, OfTwoVoxelsAreTheDistanceOfTheirCentres) {
  Volumes v({12, 9, 8}, {2, 1.5, 0.5});
  v.truth[v.index({1, 2, 0})] = 7;
  v.prediction[v.index({7, 6, 5})] = 7;  // 6 * 2, 4 * 1.5, 5 * 0.5 mm away: 12, 6, 2.5
  const double distance = std::sqrt(144 + 36 + 6.25);
  const auto scores = surface_scores(v.pair(), data::kClasses, distance - 0.01);
  EXPECT_NEAR(scores[7].hd95_mm, distance, 1e-6 * distance);  // squares are rounded to float
  EXPECT_EQ(scores[7].nsd, 0);
  EXPECT_EQ(scores[7].volume_difference, 0);
  EXPECT_EQ(surface_scores(v.pair(), data::kClasses, distance + 0.01)[7].nsd, 1);
}

TEST(SurfaceScores, CountADistanceEqualToTheToleranceHoweverItIsRounded) {
  for (const double step : {0.1, 0.3, 0.7, 0.9375, 1.0 / 3}) {
    for (int k = 1; k < 12; ++k) {
      Volumes v({1, 12, 1}, {1, step, 1});
      v.truth[0] = 1;
      v.prediction[static_cast<std::size_t>(k)] = 1;
      EXPECT_EQ(surface_scores(v.pair(), data::kClasses, step * k)[1].nsd, 1) << k << " steps of " << step << " mm";
      EXPECT_EQ(surface_scores(v.pair(), data::kClasses, step * k * 0.9999)[1].nsd, 0)
          << k << " steps of " << step << " mm";
    }
  }
}

TEST(SurfaceScores, OfShiftedCubesWorkedByHand) {
  // Cubes of 4^3 voxels have 4^3 - 2^3 = 56 boundary voxels: 16 in the first and the last layer along i, rings of 12 in
  // the two between. Shifted by one layer of 3 mm, truth fills layers 2 to 5 and prediction 3 to 6. In layers 3, 4 and
  // 5 both have the ring: 36 distances of 0 each way. The truth's 4 inner voxels of layer 5 are 1 mm from the ring of
  // the prediction, its 16 of layer 2 are 3 mm from layer 3; the prediction's, mirrored, likewise.
  Volumes v({9, 8, 7}, {3, 1, 1});
  fill(v, v.truth, {2, 2, 1}, {6, 6, 5}, 3);
  fill(v, v.prediction, {3, 2, 1}, {7, 6, 5}, 3);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 0.5)[3].nsd, 72.0 / 112);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[3].nsd, 80.0 / 112);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 3)[3].nsd, 1);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[3].hd95_mm, 3);  // 16 of 56 distances: more than 5 %
}

TEST(SurfaceScores, TakeTheBorderOfTheVolumeForABoundary) {
  // Truth fills all of 5^3, so its 98 outer voxels are the boundary; prediction is the inner 3^3 with a boundary of 26.
  // Truth to prediction: 6 * 9 of 1 mm, 12 * 3 of sqrt 2, 8 corners of sqrt 3, which hold rank 0.95 * 97 = 92.15. All
  // 26 of the prediction are 1 mm from the border.
  Volumes v({5, 5, 5}, {1, 1, 1});
  fill(v, v.truth, {0, 0, 0}, {5, 5, 5}, 27);
  fill(v, v.prediction, {1, 1, 1}, {4, 4, 4}, 27);
  const SurfaceScores s = surface_scores(v.pair(), data::kClasses, 1)[27];
  EXPECT_DOUBLE_EQ(s.nsd, (54.0 + 26) / (98 + 26));
  EXPECT_NEAR(s.hd95_mm, std::sqrt(3), 1e-7);
  EXPECT_DOUBLE_EQ(s.volume_difference, (27.0 - 125) / 125);
}

// A square of 20 pixels and one of 14 in its middle: their outlines of 76 and 52 pixels are 3 apart. Outwards all are 3
// mm away, inwards 4 * 14 are 3, the others up to a corner's 3 sqrt 2, next to it sqrt(9 + 4): of 76 distances rank
// 0.95 * 75 = 71.25 lies between the eight of sqrt 13 and the four corners, 0.25 of the way.
TEST(SurfaceScores, OfAPictureAreThoseOfOutlines) {
  for (const std::size_t across : {0u, 1u, 2u}) {
    Place size{64, 64, 64}, outer{10, 10, 10}, outer_end{30, 30, 30}, inner{13, 13, 13}, inner_end{27, 27, 27};
    size[across] = outer_end[across] = inner_end[across] = 1;
    outer[across] = inner[across] = 0;
    Volumes v(size, {1, 1, 1});
    fill(v, v.truth, outer, outer_end, 1);
    fill(v, v.prediction, inner, inner_end, 1);
    const SurfaceScores scores = surface_scores(v.pair(), data::kClasses, 1)[1];
    EXPECT_EQ(scores.nsd, 0) << "across axis " << across;
    const double beside = std::sqrt(13), corner = std::sqrt(18);
    EXPECT_NEAR(scores.hd95_mm, beside + 0.25 * (corner - beside), 1e-6) << "across axis " << across;
  }
}

TEST(SurfaceScores, InterpolateThePercentileAndTakeTheLargerDirection) {
  // From 11 voxels in a row to the first of them: 0, 2, ... 20 mm; rank 0.95 * 10 = 9.5 lies between 18 and 20. Back:
  // 0.
  Volumes v({11, 1, 1}, {2, 1, 1});
  fill(v, v.truth, {0, 0, 0}, {1, 1, 1}, 1);
  fill(v, v.prediction, {0, 0, 0}, {11, 1, 1}, 1);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[1].hd95_mm, 19);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[1].volume_difference, 10);
  std::swap(v.truth, v.prediction);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[1].hd95_mm, 19);
  EXPECT_DOUBLE_EQ(surface_scores(v.pair(), data::kClasses, 1)[1].volume_difference, -10.0 / 11);
}

TEST(SurfaceScores, OfEmptyStructuresFollowTheConvention) {
  Volumes v({4, 6, 10}, {3, 4, 0.5});  // 12 * 24 * 5 mm: diagonal sqrt(144 + 576 + 25)
  v.truth[0] = 1;
  v.prediction[9] = 2;
  const auto scores = surface_scores(v.pair(), data::kClasses, 1);
  for (const std::size_t c : {1U, 2U}) {
    EXPECT_DOUBLE_EQ(scores[c].hd95_mm, std::sqrt(745));
    EXPECT_EQ(scores[c].nsd, 0);
  }
  EXPECT_EQ(scores[1].volume_difference, -1);
  EXPECT_TRUE(std::isnan(scores[2].volume_difference));
  for (const std::size_t c : {0U, 3U, 27U}) {
    EXPECT_TRUE(std::isnan(scores[c].hd95_mm));
    EXPECT_TRUE(std::isnan(scores[c].nsd));
    EXPECT_TRUE(std::isnan(scores[c].volume_difference));
  }
}

TEST(SurfaceScores, CountIgnoredVoxelsAsClass0InBothVolumes) {
  // In a row of 2 mm truth is 1 1 255 255 0 0 and prediction 0 1 1 1 0 2: judged, 1 1 0 0 0 0 and 0 1 0 0 0 2. Of class
  // 1 the truth's voxels are 2 and 0 mm from the prediction's one, and that 0 mm from the truth: rank 0.95 * 1 of 0 and
  // 2 is 1.9. The volume goes from 2 to 1. Class 2 is predicted alone: diagonal of 12 x 1 x 1 mm.
  Volumes v({6, 1, 1}, {2, 1, 1});
  v.truth = {1, 1, 255, 255, 0, 0};
  v.prediction = {0, 1, 1, 1, 0, 2};
  const auto scores = surface_scores(v.pair(), 3, 1);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_DOUBLE_EQ(scores[1].hd95_mm, 1.9);
  EXPECT_DOUBLE_EQ(scores[1].nsd, 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores[1].volume_difference, -0.5);
  EXPECT_DOUBLE_EQ(scores[2].hd95_mm, std::sqrt(146));
  v.truth[5] = 255;
  EXPECT_TRUE(std::isnan(surface_scores(v.pair(), 3, 1)[2].hd95_mm)) << "in neither where anybody has judged";
  v.prediction[5] = 3;
  EXPECT_NE(error_of([&] { surface_scores(v.pair(), 3, 1); }).find("class 3 at voxel 5"), std::string::npos);
}

/// Boundary voxels of class c, from the definition.
std::vector<Place> boundary_of(const Volumes& v, const Labels& labels, std::uint8_t c) {
  const bool picture = std::ranges::count(v.size, 1) == 1;
  const auto is_c = [&](const Place& p) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (p[axis] < 0 || p[axis] >= v.size[axis]) return picture && v.size[axis] == 1;  // nothing lies across it
    return labels[v.index(p)] == c;
  };
  std::vector<Place> result;
  each({}, v.size, [&](const Place& p) {
    const auto [i, j, k] = p;
    const bool all = is_c({i - 1, j, k}) && is_c({i + 1, j, k}) && is_c({i, j - 1, k}) && is_c({i, j + 1, k}) &&
                     is_c({i, j, k - 1}) && is_c({i, j, k + 1});
    if (is_c(p) && !all) result.push_back(p);
  });
  return result;
}

/// Distances from every voxel of `from` to the nearest of `to`, sorted, by looking at all pairs.
std::vector<double> all_pairs(const Volumes& v, const std::vector<Place>& from, const std::vector<Place>& to) {
  std::vector<double> result;
  for (const Place& a : from) {
    double best = INFINITY;
    for (const Place& b : to)
      best = std::min(best, std::hypot(v.spacing_mm[0] * (a[0] - b[0]), v.spacing_mm[1] * (a[1] - b[1]),
                                       v.spacing_mm[2] * (a[2] - b[2])));
    result.push_back(best);
  }
  std::ranges::sort(result);
  return result;
}

double percentile_95(const std::vector<double>& sorted) {
  const double rank = 0.95 * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(rank)), high = static_cast<std::size_t>(std::ceil(rank));
  return sorted[low] + (rank - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

TEST(SurfaceScores, AgreeWithAllPairsOfBoundaryVoxels) {
  std::mt19937 random(11);
  for (const std::array<int, 3> size : {std::array{9, 7, 8}, std::array{1, 12, 5}, std::array{14, 1, 1}}) {
    Volumes v(size, {2, 1.3, 0.7});
    for (int repeat = 0; repeat < 8; ++repeat) {
      // Thinly scattered voxels at first, crowded ones in the end; class 4 is so frequent that it has an inside.
      std::uniform_int_distribution<int> any(1, 3), tenth(0, 9);
      const auto draw = [&] { return static_cast<std::uint8_t>(tenth(random) > repeat ? 0 : any(random)); };
      for (std::size_t n = 0; n < v.truth.size(); ++n) {
        v.truth[n] = repeat > 5 && tenth(random) > 0 ? 4 : draw();
        v.prediction[n] = repeat > 5 && tenth(random) > 0 ? 4 : draw();
      }
      const double tolerance = 0.5 * repeat + 0.45;  // equal to no distance
      const auto scores = surface_scores(v.pair(), data::kClasses, tolerance);
      for (std::uint8_t c = 1; c <= 4; ++c) {
        const auto truth = boundary_of(v, v.truth, c), prediction = boundary_of(v, v.prediction, c);
        if (truth.empty() || prediction.empty()) continue;
        const auto forth = all_pairs(v, truth, prediction), back = all_pairs(v, prediction, truth);
        const double hd95 = std::max(percentile_95(forth), percentile_95(back));
        EXPECT_NEAR(scores[c].hd95_mm, hd95, 1e-6 * hd95);  // squares are rounded to float, three times at most
        const auto within = [tolerance](double d) { return d <= tolerance; };
        const auto near = std::ranges::count_if(forth, within) + std::ranges::count_if(back, within);
        EXPECT_DOUBLE_EQ(scores[c].nsd, static_cast<double>(near) / static_cast<double>(forth.size() + back.size()));
      }
    }
  }
}

/// Ellipsoids of all structures, many across the border of the volume; in the prediction shifted and scaled.
Volumes ellipsoids(std::array<int, 3> size, std::array<double, 3> spacing_mm, std::mt19937& random) {
  Volumes v(size, spacing_mm);
  std::uniform_real_distribution<> unit(0, 1);
  for (std::uint8_t c = 1; c <= 27; ++c) {
    std::array<double, 3> centre{}, radius{}, shift{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      centre[axis] = unit(random) * size[axis];
      radius[axis] = 1.5 + unit(random) * 0.2 * size[axis];
      shift[axis] = 4 * unit(random) - 2;
    }
    const double growth = 0.8 + 0.4 * unit(random);
    each({}, size, [&](const Place& p) {
      double truth = 0, prediction = 0;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        truth += std::pow((p[axis] - centre[axis]) / radius[axis], 2);
        prediction += std::pow((p[axis] - centre[axis] - shift[axis]) / radius[axis] / growth, 2);
      }
      if (truth < 1) v.truth[v.index(p)] = c;
      if (prediction < 1) v.prediction[v.index(p)] = c;
    });
  }
  std::ranges::replace(v.truth, std::uint8_t{5}, std::uint8_t{0});
  std::ranges::replace(v.prediction, std::uint8_t{9}, std::uint8_t{0});
  for (Labels* labels : {&v.truth, &v.prediction}) {
    std::ranges::replace(*labels, std::uint8_t{12}, std::uint8_t{0});
    std::ranges::replace(*labels, std::uint8_t{14}, std::uint8_t{0});
  }
  v.truth[v.index({size[0] - 1, 0, 3})] = 14;  // a single voxel each
  v.prediction[v.index({0, 2, size[2] - 1})] = 14;
  v.prediction[v.index({0, 0, 0})] = 20;  // stray voxels
  v.prediction[v.index({size[0] - 1, size[1] - 1, size[2] - 1})] = 27;
  return v;
}

/// The middle slice of ellipsoids, across the axis of size 1.
Volumes picture(std::array<int, 3> size, std::array<double, 3> spacing_mm, std::mt19937& random) {
  constexpr int kMiddle = 10;
  Place deep = size;
  std::ranges::replace(deep, 1, 2 * kMiddle);
  const Volumes whole = ellipsoids(deep, spacing_mm, random);
  Volumes v(size, spacing_mm);
  each({}, size, [&](const Place& p) {
    Place q = p;
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (size[axis] == 1) q[axis] = kMiddle;
    v.truth[v.index(p)] = whole.truth[whole.index(q)];
    v.prediction[v.index(p)] = whole.prediction[whole.index(q)];
  });
  return v;
}

TEST(SurfaceScores, AgreeWithMonai) {
  constexpr double kTolerance = 1.3;  // mm; in the first volume a distance between neighbours, too
  std::mt19937 random(17);
  std::vector<Volumes> volumes = {
      ellipsoids({21, 30, 40}, {2, 1.3, 0.7}, random),       ellipsoids({32, 32, 32}, {1, 1, 1}, random),
      ellipsoids({40, 28, 14}, {0.9375, 0.9375, 3}, random), ellipsoids({30, 32, 28}, {1, 1, 1.5}, random),
      picture({60, 48, 1}, {0.5, 0.7, 1}, random),           picture({1, 70, 50}, {3, 0.9375, 0.8}, random)};
  fill(volumes[3], volumes[3].truth, {11, 0, 12}, {16, 32, 17}, data::kIgnored);  // a bar that nobody has judged
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, const Labels& labels) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(labels.data()), static_cast<std::streamsize>(labels.size()));
  };
  for (std::size_t n = 0; n < volumes.size(); ++n) {
    const Volumes& v = volumes[n];
    std::ofstream out(folder / (std::to_string(n) + ".size"));
    for (const int voxels : v.size) out << voxels << ' ';
    for (const double mm : v.spacing_mm) out << mm << ' ';
    write(std::to_string(n) + ".truth", v.truth);
    write(std::to_string(n) + ".prediction", v.prediction);
  }
  const Said said =
      run({CROSSFADE_PYTHON, CROSSFADE_TESTS "/monai_surfaces.py", std::to_string(kTolerance), folder.path.string()});
  ASSERT_EQ(said.status, 0);
  const auto reference = nlohmann::json::parse(said.output);
  ASSERT_EQ(reference.size(), volumes.size());

  for (std::size_t n = 0; n < volumes.size(); ++n) {
    const auto scores = surface_scores(volumes[n].pair(), data::kClasses, kTolerance);
    int compared = 0;
    for (std::size_t c = 1; c < data::kClasses; ++c) {
      SCOPED_TRACE("volume " + std::to_string(n) + ", class " + std::to_string(c));
      const auto &hd95 = reference[n]["hd95"][c - 1], &nsd = reference[n]["nsd"][c - 1];
      if (nsd.is_null()) {
        EXPECT_TRUE(std::isnan(scores[c].nsd));
        EXPECT_TRUE(std::isnan(scores[c].hd95_mm));
        continue;
      }
      EXPECT_NEAR(scores[c].nsd, nsd.get<double>(), 1e-6);  // float32 there, of counts that are exact here
      if (hd95.is_null()) {                                 // in one of the two alone: by convention, see above
        EXPECT_EQ(scores[c].nsd, 0);
        continue;
      }
      // torch.quantile has its rank in float32: below 4096 that is off by 2e-4 at most, which counts times the step
      // from one distance to the next, well below 0.5 mm on these surfaces.
      EXPECT_NEAR(scores[c].hd95_mm, hd95.get<double>(), 1e-4);
      ++compared;
    }
    EXPECT_GE(compared, std::ranges::count(volumes[n].size, 1) == 0 ? 20 : 5);
  }
}

TEST(SurfaceScores, RefuseWhatIsNoPairOfVolumes) {
  Volumes v({2, 3, 4}, {1, 1, 1});
  LabelPair pair = v.pair();
  pair.prediction = pair.prediction.first(23);
  EXPECT_NE(error_of([&] { surface_scores(pair, data::kClasses, 1); }).find("23 of prediction; the volume has 24"),
            std::string::npos);
  pair = v.pair();
  pair.size = {-2, -3, 4};
  EXPECT_THROW(surface_scores(pair, data::kClasses, 1), std::invalid_argument);
  for (const double spacing : {0.0, -1.0, std::nan(""), double{INFINITY}}) {
    pair = v.pair();
    pair.spacing_mm[1] = spacing;
    EXPECT_THROW(surface_scores(pair, data::kClasses, 1), std::invalid_argument) << spacing;
  }
  for (const double tolerance : {-0.1, std::nan(""), double{INFINITY}})
    EXPECT_THROW(surface_scores(v.pair(), data::kClasses, tolerance), std::invalid_argument) << tolerance;
  for (const int classes : {1, 256}) EXPECT_THROW(surface_scores(v.pair(), classes, 1), std::invalid_argument);
  v.truth[5] = 28;
  EXPECT_NE(error_of([&] { surface_scores(v.pair(), data::kClasses, 1); }).find("class 28 at voxel 5"),
            std::string::npos);
}

}  // namespace
}  // namespace crossfade::analysis
