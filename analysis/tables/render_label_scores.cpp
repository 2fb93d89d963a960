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

/// By class id; of each the metrics in the order of kMetrics.
using ClassMetrics = std::vector<Metrics>;

ClassMetrics metrics_of(const SubjectScores& subject) {
  const auto values = dice(subject.counts);
  ClassMetrics metrics;
  metrics.reserve(values.size());
  for (std::size_t c = 0; c < values.size(); ++c) {
    const SurfaceScores& s = subject.surfaces[c];
    metrics.push_back({values[c], s.hd95_mm, s.nsd, s.volume_difference});
  }
  return metrics;
}

/// Means over those subjects that have a number.
ClassMetrics means(const std::vector<SubjectScores>& subjects, std::size_t classes) {
  std::vector<std::array<std::vector<double>, kMetrics.size()>> values(classes);
  for (const SubjectScores& subject : subjects) {
    const ClassMetrics metrics = metrics_of(subject);
    for (std::size_t c = 0; c < classes; ++c)
      for (std::size_t m = 0; m < kMetrics.size(); ++m) values[c][m].push_back(metrics[c][m]);
  }
  ClassMetrics result(classes);
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t m = 0; m < kMetrics.size(); ++m) result[c][m] = spread(values[c][m]).mean;
  return result;
}

std::string text(const std::string& name, const std::vector<SubjectScores>& subjects,
                 const std::vector<std::string>& classes) {
  TextTable structures{.columns = {{"Structure"}}, .rows = {}};
  for (const Metric& metric : kMetrics) structures.columns.push_back({metric.title, true});
  const ClassMetrics of_structures = means(subjects, classes.size());
  for (std::size_t c = 1; c < classes.size(); ++c) {
    std::vector<std::string> row = {classes[c]};
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

std::string csv(const std::vector<SubjectScores>& subjects, const std::vector<std::string>& classes) {
  std::string out = "subject,structure";
  for (const Metric& metric : kMetrics) out += std::string(",") + metric.name;
  out += '\n';
  for (const SubjectScores& subject : subjects) {
    const ClassMetrics metrics = metrics_of(subject);
    for (std::size_t c = 1; c < classes.size(); ++c) {
      out += csv_field(subject.subject) + ',' + csv_field(classes[c]);
      for (const double value : metrics[c]) out += ',' + exact(value);
      out += '\n';
    }
  }
  return out;
}

nlohmann::ordered_json structures_of(const ClassMetrics& metrics, const std::vector<std::string>& classes) {
  nlohmann::ordered_json out;
  for (std::size_t c = 1; c < classes.size(); ++c)
    for (std::size_t m = 0; m < kMetrics.size(); ++m) out[classes[c]][kMetrics[m].name] = json_number(metrics[c][m]);
  return out;
}

std::string json(const std::string& name, const std::vector<SubjectScores>& subjects,
                 const std::vector<std::string>& classes) {
  const auto counts = counts_of(subjects);
  const Spread all = spread(subject_means(counts));
  nlohmann::ordered_json out = {
      {"name", name}, {"mean", json_number(all.mean)}, {"sd_over_subjects", json_number(all.sd)}};
  out["structures"] = structures_of(means(subjects, classes.size()), classes);
  out["subjects"] = nlohmann::ordered_json::array();
  for (std::size_t s = 0; s < subjects.size(); ++s)
    out["subjects"].push_back({{"subject", counts[s].subject},
                               {"mean", json_number(subject_mean(counts[s]))},
                               {"left_out", mean_dice(counts[s].counts).left_out},
                               {"structures", structures_of(metrics_of(subjects[s]), classes)}});
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

void require_scores(const std::vector<SubjectScores>& subjects, const data::Classes& classes) {
  require_classes(counts_of(subjects), classes);
  for (const SubjectScores& s : subjects)
    if (s.surfaces.size() != classes.names.size())
      throw std::invalid_argument("subject '" + s.subject + "' has surfaces of " + std::to_string(s.surfaces.size()) +
                                  " classes, expected those of the " + std::to_string(classes.count()) +
                                  " that have a name");
}

}  // namespace

std::string render_label_scores(const std::string& name, const std::vector<SubjectScores>& subjects,
                                const data::Classes& classes, const std::string& format) {
  require_scores(subjects, classes);
  if (format == "text") return text(name, subjects, classes.names);
  if (format == "csv") return csv(subjects, classes.names);
  if (format == "json") return json(name, subjects, classes.names);
  throw std::invalid_argument("unknown format '" + format + "' of scores; there is text, csv, json");
}

}  // namespace crossfade::analysis
