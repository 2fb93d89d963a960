#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "analysis/scores/label_scores.hpp"
#include "analysis/scores/metrics.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

using Metrics = std::array<double, kMetrics.size()>;

/// The metrics of each class in the order of kMetrics.
std::array<Metrics, data::kClasses> metrics_of(const SubjectScores& subject) {
  const auto values = dice(subject.counts);
  std::array<Metrics, data::kClasses> metrics{};
  for (std::size_t c = 0; c < data::kClasses; ++c) {
    const SurfaceScores& s = subject.surfaces[c];
    metrics[c] = {values[c], s.hd95_mm, s.nsd, s.volume_difference};
  }
  return metrics;
}

/// Means over those subjects that have a number.
std::array<Metrics, data::kClasses> means(const std::vector<SubjectScores>& subjects) {
  std::array<std::array<std::vector<double>, kMetrics.size()>, data::kClasses> values;
  for (const SubjectScores& subject : subjects) {
    const auto metrics = metrics_of(subject);
    for (std::size_t c = 0; c < data::kClasses; ++c)
      for (std::size_t m = 0; m < kMetrics.size(); ++m) values[c][m].push_back(metrics[c][m]);
  }
  std::array<Metrics, data::kClasses> result{};
  for (std::size_t c = 0; c < data::kClasses; ++c)
    for (std::size_t m = 0; m < kMetrics.size(); ++m) result[c][m] = spread(values[c][m]).mean;
  return result;
}

std::string text(const std::string& name, const std::vector<SubjectScores>& subjects) {
  TextTable structures{.columns = {{"Structure"}}, .rows = {}};
  for (const Metric& metric : kMetrics) structures.columns.push_back({metric.title, true});
  const auto of_structures = means(subjects);
  for (std::size_t c = 1; c < data::kClasses; ++c) {
    std::vector<std::string> row = {std::string(data::kStructures[c])};
    for (const double value : of_structures[c]) row.push_back(score_cell(value));
    structures.rows.push_back(std::move(row));
  }
  const auto counts = counts_of(subjects);
  TextTable of_subjects{.columns = {{"Subject"}, {"Mean Dice", true}, {"Left out", true}}, .rows = {}};
  for (const SubjectCounts& s : counts)
    of_subjects.rows.push_back({s.subject, score_cell(subject_mean(s)), std::to_string(mean_dice(s.counts).left_out)});
  return name + ", means over subjects\n" + as_text(structures) + '\n' + as_text(of_subjects) + '\n' +
         summary_text(counts);
}

std::string csv(const std::vector<SubjectScores>& subjects) {
  std::string out = "subject,structure";
  for (const Metric& metric : kMetrics) out += std::string(",") + metric.name;
  out += '\n';
  for (const SubjectScores& subject : subjects) {
    const auto metrics = metrics_of(subject);
    for (std::size_t c = 1; c < data::kClasses; ++c) {
      out += csv_field(subject.subject) + ',' + std::string(data::kStructures[c]);
      for (const double value : metrics[c]) out += ',' + exact(value);
      out += '\n';
    }
  }
  return out;
}

nlohmann::ordered_json structures_of(const std::array<Metrics, data::kClasses>& metrics) {
  nlohmann::ordered_json out;
  for (std::size_t c = 1; c < data::kClasses; ++c)
    for (std::size_t m = 0; m < kMetrics.size(); ++m)
      out[std::string(data::kStructures[c])][kMetrics[m].name] = json_number(metrics[c][m]);
  return out;
}

std::string json(const std::string& name, const std::vector<SubjectScores>& subjects) {
  const auto counts = counts_of(subjects);
  const Spread all = spread(subject_means(counts));
  nlohmann::ordered_json out = {
      {"name", name}, {"mean", json_number(all.mean)}, {"sd_over_subjects", json_number(all.sd)}};
  out["structures"] = structures_of(means(subjects));
  out["subjects"] = nlohmann::ordered_json::array();
  for (std::size_t s = 0; s < subjects.size(); ++s)
    out["subjects"].push_back({{"subject", counts[s].subject},
                               {"mean", json_number(subject_mean(counts[s]))},
                               {"left_out", mean_dice(counts[s].counts).left_out},
                               {"structures", structures_of(metrics_of(subjects[s]))}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string render_label_scores(const std::string& name, const std::vector<SubjectScores>& subjects,
                                const std::string& format) {
  if (format == "text") return text(name, subjects);
  if (format == "csv") return csv(subjects);
  if (format == "json") return json(name, subjects);
  throw std::invalid_argument("unknown format '" + format + "' of scores; there is text, csv, json");
}

}  // namespace crossfade::analysis
