#include "analysis/scores/dice.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

namespace crossfade::analysis {
namespace {

std::size_t checked(int classes) {
  if (classes < 2 || classes > data::kMostClasses)
    throw std::invalid_argument("counts of " + std::to_string(classes) + " classes; there are 2 to " +
                                std::to_string(data::kMostClasses) + ", class 0 among them");
  return static_cast<std::size_t>(classes);
}

void require_class(std::uint8_t id, std::size_t voxel, const char* where, std::size_t classes) {
  if (id >= classes)
    throw std::invalid_argument("class " + std::to_string(id) + " at voxel " + std::to_string(voxel) + " of the " +
                                where + "; classes are 0 to " + std::to_string(classes - 1));
}

}  // namespace

Counts::Counts(int classes)
    : true_positive(checked(classes)), false_positive(true_positive), false_negative(true_positive) {}

Counts& Counts::operator+=(const Counts& other) {
  if (other == Counts{}) return *this;
  if (*this == Counts{}) return *this = other;
  if (classes() != other.classes())
    throw std::invalid_argument("counts of " + std::to_string(other.classes()) + " classes are added to those of " +
                                std::to_string(classes()) + "; the two must have equally many");
  const auto add = [](std::vector<std::int64_t>& to, const std::vector<std::int64_t>& more) {
    std::ranges::transform(to, more, to.begin(), std::plus<>());
  };
  add(true_positive, other.true_positive);
  add(false_positive, other.false_positive);
  add(false_negative, other.false_negative);
  return *this;
}

Counts count(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction, int classes) {
  if (truth.size() != prediction.size())
    throw std::invalid_argument("counts of " + std::to_string(truth.size()) + " voxels of truth against " +
                                std::to_string(prediction.size()) + " of prediction; the two must be equally long");
  Counts counts(classes);
  const std::size_t end = counts.true_positive.size();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::uint8_t t = truth[i], p = prediction[i];
    require_class(p, i, "prediction", end);
    if (t == data::kIgnored) continue;
    require_class(t, i, "truth", end);
    if (t == p) {
      ++counts.true_positive[t];
    } else {
      ++counts.false_negative[t];
      ++counts.false_positive[p];
    }
  }
  return counts;
}

std::vector<double> dice(const Counts& counts) {
  std::vector<double> result;
  result.reserve(counts.true_positive.size());
  for (std::size_t c = 0; c < counts.true_positive.size(); ++c) {
    const std::int64_t twice = 2 * counts.true_positive[c];
    const std::int64_t all = twice + counts.false_positive[c] + counts.false_negative[c];
    result.push_back(all > 0 ? static_cast<double>(twice) / static_cast<double>(all)
                             : std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

MeanDice mean_dice(const Counts& counts) {
  const auto values = dice(counts);
  MeanDice result;
  for (std::size_t c = 1; c < values.size(); ++c) {
    if (std::isnan(values[c])) {
      ++result.left_out;
    } else {
      result.mean += values[c];
      ++result.structures;
    }
  }
  if (result.structures > 0) result.mean /= result.structures;
  return result;
}

double mean_over_subjects(std::span<const SubjectCounts> subjects) {
  double sum = 0;
  int scored = 0;
  for (const SubjectCounts& s : subjects) {
    const MeanDice mean = mean_dice(s.counts);
    if (mean.structures == 0) continue;
    sum += mean.mean;
    ++scored;
  }
  return scored > 0 ? sum / scored : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::size_t> worst_median_best(std::span<const SubjectCounts> subjects) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t s = 0; s < subjects.size(); ++s)
    if (const MeanDice mean = mean_dice(subjects[s].counts); mean.structures > 0) order.emplace_back(mean.mean, s);
  std::ranges::sort(order);
  std::vector<std::size_t> places;
  if (order.empty()) return places;
  for (const std::size_t rank : {std::size_t{0}, (order.size() - 1) / 2, order.size() - 1})
    if (std::ranges::find(places, order[rank].second) == places.end()) places.push_back(order[rank].second);
  return places;
}

Counts pooled(std::span<const SubjectCounts> subjects) {
  Counts sum;
  for (const SubjectCounts& s : subjects) sum += s.counts;
  return sum;
}

ValidationDice validation_dice(std::span<const SubjectCounts> subjects) {
  return {mean_over_subjects(subjects), pooled(subjects)};
}

}  // namespace crossfade::analysis
