#include "analysis/scores/dice.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace crossfade::analysis {

Counts& Counts::operator+=(const Counts& other) {
  for (std::size_t c = 0; c < data::kClasses; ++c) {
    true_positive[c] += other.true_positive[c];
    false_positive[c] += other.false_positive[c];
    false_negative[c] += other.false_negative[c];
  }
  return *this;
}

Counts count(std::span<const std::uint8_t> truth, std::span<const std::uint8_t> prediction) {
  if (truth.size() != prediction.size())
    throw std::invalid_argument("counts of " + std::to_string(truth.size()) + " voxels of truth against " +
                                std::to_string(prediction.size()) + " of prediction; the two must be equally long");
  Counts counts;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t t = truth[i], p = prediction[i];
    if (t >= data::kClasses || p >= data::kClasses)
      throw std::invalid_argument("class " + std::to_string(t >= data::kClasses ? t : p) + " at voxel " +
                                  std::to_string(i) + " of the " + (t >= data::kClasses ? "truth" : "prediction") +
                                  "; classes are 0 to " + std::to_string(data::kClasses - 1));
    if (t == p) {
      ++counts.true_positive[t];
    } else {
      ++counts.false_negative[t];
      ++counts.false_positive[p];
    }
  }
  return counts;
}

std::array<double, data::kClasses> dice(const Counts& counts) {
  std::array<double, data::kClasses> result{};
  for (std::size_t c = 0; c < data::kClasses; ++c) {
    const std::int64_t twice = 2 * counts.true_positive[c];
    const std::int64_t all = twice + counts.false_positive[c] + counts.false_negative[c];
    result[c] =
        all > 0 ? static_cast<double>(twice) / static_cast<double>(all) : std::numeric_limits<double>::quiet_NaN();
  }
  return result;
}

MeanDice mean_dice(const Counts& counts) {
  const auto values = dice(counts);
  MeanDice result;
  int present = 0;
  for (std::size_t c = 1; c < values.size(); ++c) {
    if (std::isnan(values[c])) {
      ++result.left_out;
    } else {
      result.mean += values[c];
      ++present;
    }
  }
  if (present > 0) result.mean /= present;
  return result;
}

double mean_over_subjects(std::span<const SubjectCounts> subjects) {
  double sum = 0;
  int scored = 0;
  for (const SubjectCounts& s : subjects) {
    const MeanDice mean = mean_dice(s.counts);
    if (mean.left_out == data::kClasses - 1) continue;
    sum += mean.mean;
    ++scored;
  }
  return scored > 0 ? sum / scored : std::numeric_limits<double>::quiet_NaN();
}

Counts pooled(std::span<const SubjectCounts> subjects) {
  Counts sum;
  for (const SubjectCounts& s : subjects) sum += s.counts;
  return sum;
}

}  // namespace crossfade::analysis
