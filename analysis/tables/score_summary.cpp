#include "analysis/tables/score_summary.hpp"

#include <cmath>
#include <stdexcept>

#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {

Spread spread(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  int n = 0;
  for (const double v : values)
    if (!std::isnan(v)) sum += v, ++n;
  Spread out;
  if (n > 0) out.mean = sum / n;
  for (const double v : values)
    if (!std::isnan(v)) squares += (v - out.mean) * (v - out.mean);
  if (n > 1) out.sd = std::sqrt(squares / (n - 1));
  return out;
}

std::string score_cell(double value) {
  return std::isnan(value) ? "–" : fixed(value, 4);
}

nlohmann::ordered_json json_number(double value) {
  return std::isnan(value) ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

void require_classes(const std::vector<SubjectCounts>& subjects, const data::Classes& classes) {
  for (const SubjectCounts& s : subjects)
    if (s.counts.classes() != classes.count())
      throw std::invalid_argument("subject '" + s.subject + "' has counts of " + std::to_string(s.counts.classes()) +
                                  " classes, expected those of the " + std::to_string(classes.count()) +
                                  " that have a name");
}

double subject_mean(const SubjectCounts& subject) {
  return mean_over_subjects({&subject, 1});
}

std::vector<double> subject_means(const std::vector<SubjectCounts>& subjects) {
  std::vector<double> values;
  values.reserve(subjects.size());
  for (const auto& s : subjects) values.push_back(subject_mean(s));
  return values;
}

std::string summary_text(const std::vector<SubjectCounts>& subjects) {
  const Spread all = spread(subject_means(subjects));
  return "Dice, mean over structures, then over " + std::to_string(subjects.size()) +
         " subject(s): " + score_cell(all.mean) +
         (std::isnan(all.sd) ? "" : " ± " + fixed(all.sd, 3) + " (sample sd)") +
         "\n–: in neither truth nor prediction, left out of means\n";
}

}  // namespace crossfade::analysis
