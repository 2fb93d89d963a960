#include <nlohmann/json.hpp>
#include <stdexcept>

#include "analysis/tables/report.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/text_table.hpp"

namespace crossfade::analysis {
namespace {

constexpr std::size_t kSubjectsAcross = 6;  // columns that fit a terminal beside the names

std::vector<double> of_structure(const std::vector<SubjectCounts>& subjects, std::size_t c) {
  std::vector<double> values;
  values.reserve(subjects.size());
  for (const auto& s : subjects) values.push_back(dice(s.counts)[c]);
  return values;
}

/// Structures down, subjects across, in blocks that fit a terminal; then the figure over all subjects.
std::string text(const std::vector<SubjectCounts>& subjects, const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t first = 0; first < subjects.size(); first += kSubjectsAcross) {
    const std::size_t last = std::min(first + kSubjectsAcross, subjects.size());
    TextTable table{.columns = {{"Structure"}}, .rows = {}};
    for (std::size_t s = first; s < last; ++s) table.columns.push_back({subjects[s].subject, true});
    for (std::size_t c = 1; c < names.size(); ++c) {
      std::vector<std::string> row = {names[c]};
      for (std::size_t s = first; s < last; ++s) row.push_back(score_cell(dice(subjects[s].counts)[c]));
      table.rows.push_back(std::move(row));
    }
    std::vector<std::string> means = {"Mean"}, left_out = {"Left out"};
    for (std::size_t s = first; s < last; ++s) {
      means.push_back(score_cell(subject_mean(subjects[s])));
      left_out.push_back(std::to_string(mean_dice(subjects[s].counts).left_out));
    }
    table.rows.push_back(std::move(means));
    table.rows.push_back(std::move(left_out));
    out += as_text(table) + '\n';
  }
  return out + summary_text(subjects);
}

std::string csv(const std::vector<SubjectCounts>& subjects, const std::vector<std::string>& names) {
  std::string out = "subject,structure,dice\n";
  for (const auto& s : subjects) {
    const auto values = dice(s.counts);
    for (std::size_t c = 1; c < names.size(); ++c)
      out += csv_field(s.subject) + ',' + csv_field(names[c]) + ',' + exact(values[c]) + '\n';
  }
  return out;
}

std::string json(const std::vector<SubjectCounts>& subjects, const std::vector<std::string>& names) {
  nlohmann::ordered_json out;
  const Spread all = spread(subject_means(subjects));
  out["mean"] = json_number(all.mean);
  out["sd_over_subjects"] = json_number(all.sd);
  out["structures"] = nlohmann::ordered_json::object();
  for (std::size_t c = 1; c < names.size(); ++c)
    out["structures"][names[c]] = json_number(spread(of_structure(subjects, c)).mean);
  out["subjects"] = nlohmann::ordered_json::array();
  for (const auto& s : subjects) {
    nlohmann::ordered_json entry = {
        {"subject", s.subject}, {"mean", json_number(subject_mean(s))}, {"left_out", mean_dice(s.counts).left_out}};
    const auto values = dice(s.counts);
    for (std::size_t c = 1; c < names.size(); ++c) entry["dice"][names[c]] = json_number(values[c]);
    out["subjects"].push_back(std::move(entry));
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string render_scores(const std::vector<SubjectCounts>& subjects, const data::Classes& classes,
                          const std::string& format) {
  require_classes(subjects, classes);
  if (format == "text") return text(subjects, classes.names);
  if (format == "csv") return csv(subjects, classes.names);
  if (format == "json") return json(subjects, classes.names);
  throw std::invalid_argument("unknown format '" + format + "' of scores; there is text, csv, json");
}

}  // namespace crossfade::analysis
