#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/results/merge.hpp"
#include "analysis/scores/metrics.hpp"
#include "analysis/tables/net_size.hpp"
#include "analysis/tables/persons.hpp"
#include "analysis/tables/rendering.hpp"
#include "analysis/tables/report.hpp"
#include "analysis/tables/score_summary.hpp"
#include "analysis/tables/voxel_size.hpp"

namespace crossfade::analysis {
namespace {

/// A variant's results in one column of Table 1.
struct Row {
  std::string variant, role;
  std::map<std::string, std::vector<double>> subjects;  // by metric: one a subject
  std::vector<double> seconds;                          // one a subject, mean over trials
};

struct MetricTable {
  std::string study, caption;
  std::vector<double> voxel_mm;
  std::string persons;                   // persons_note()
  std::vector<std::int64_t> parameters;  // of each variant's nets
  std::vector<Row> rows;
};

/// Per trial and subject the mean over those structures that have a number, then per subject the mean over trials: as
/// a cell of Table 1 is made.
MetricTable read_metrics(const std::vector<std::filesystem::path>& databases, const std::string& study) {
  return read_study(
      databases, study, "reading metrics",
      [&](SQLite::Database& db, const StudyRow& found) {
        MetricTable table{.study = found.name,
                          .caption = found.caption,
                          .voxel_mm = {},
                          .persons = persons_note(db, found.id),
                          .parameters = {},
                          .rows = {}};
        SQLite::Statement query(db,
                                "SELECT v.name, m.role, m.metric, avg(m.value), v.id FROM"
                                " (SELECT variant_id, role, metric, subject, avg(value) AS value FROM structure_score"
                                "  WHERE part = 'test' GROUP BY stage_id, metric, subject) AS m"
                                " JOIN variant AS v ON v.id = m.variant_id WHERE v.study_id = ? AND m.value IS NOT NULL"
                                " GROUP BY v.id, m.role, m.metric, m.subject"
                                " ORDER BY v.source = 'score', v.position, m.role = 'finetuned', m.subject");
        query.bind(1, found.id);
        while (query.executeStep()) {
          const std::string variant = query.getColumn(0).getString(), role = query.getColumn(1).getString();
          if (table.rows.empty() || table.rows.back().variant != variant)
            table.parameters.push_back(parameters_of(db, query.getColumn(4).getInt64()));
          if (table.rows.empty() || table.rows.back().variant != variant || table.rows.back().role != role)
            table.rows.push_back({variant, role, {}, {}});
          table.rows.back().subjects[query.getColumn(2).getString()].push_back(query.getColumn(3).getDouble());
        }
        SQLite::Statement times(db,
                                "SELECT v.name, c.role, avg(time.seconds) FROM counted_stage AS c"
                                " JOIN subject_time AS time ON time.stage_id = c.stage_id"
                                " JOIN variant AS v ON v.id = c.variant_id"
                                " LEFT JOIN person AS p ON p.study_id = c.study_id AND p.subject = time.subject"
                                " WHERE v.study_id = ? GROUP BY v.id, c.role, coalesce(p.person, time.subject)");
        times.bind(1, found.id);
        while (times.executeStep())
          for (Row& row : table.rows)
            if (row.variant == times.getColumn(0).getString() && row.role == times.getColumn(1).getString())
              row.seconds.push_back(times.getColumn(2).getDouble());
        table.voxel_mm = voxel_sizes(db, found.id);
        if (table.rows.empty()) throw database_error(databases, "no trial of the study is finished yet");
        return table;
      },
      Scores::kAll);
}

const std::vector<double>& values_of(const Row& row, const char* metric) {
  static const std::vector<double> kNone;
  const auto found = row.subjects.find(metric);
  return found == row.subjects.end() ? kNone : found->second;
}

/// "3.2 s", "4.5 min"
std::string duration(double seconds) {
  if (std::isnan(seconds)) return "–";
  return seconds < 60 ? fixed(seconds, 1) + " s" : fixed(seconds / 60, 1) + " min";
}

/// Of some of its subjects it is known how long they took, of others not.
bool timed_in_part(const Row& row) {
  return !row.seconds.empty() && row.seconds.size() < values_of(row, kMetrics[0].name).size();
}

bool timed(const MetricTable& table) {
  return std::ranges::any_of(table.rows, [](const Row& row) { return !row.seconds.empty(); });
}

TextTable readable(const MetricTable& table) {
  TextTable out;
  out.columns = {{"Variant"}, {"Column"}};
  for (const Metric& metric : kMetrics) out.columns.push_back({metric.title, true});
  if (timed(table)) out.columns.push_back({"Time a scan", true});
  out.columns.push_back({"Subjects", true});
  for (const Row& row : table.rows) {
    std::vector<std::string> cells = {row.variant, column_title(row.role)};
    for (const Metric& metric : kMetrics) {
      const Spread s = spread(values_of(row, metric.name));
      cells.push_back(score_cell(s.mean) + (std::isnan(s.sd) ? "" : " ± " + fixed(s.sd, 3)));
    }
    const std::size_t subjects = values_of(row, kMetrics[0].name).size();
    if (timed(table))
      cells.push_back(duration(spread(row.seconds).mean) +
                      (timed_in_part(row) ? " (of " + std::to_string(row.seconds.size()) + ")" : ""));
    cells.push_back(std::to_string(subjects));
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::vector<std::string> notes(const MetricTable& table) {
  std::vector<std::string> lines = {
      study_note(table.study, table.caption),
      "Test part" + grid_words(table.voxel_mm) +
          ": per subject the mean over structures, then over seeds; then mean ± sample sd over subjects. HD95: 95th "
          "percentile of the Hausdorff distance; a structure that only truth or prediction has costs the volume's "
          "diagonal. NSD: normalised surface Dice at 1 mm; on wider voxels surfaces meet or do not, with nothing "
          "between. Volume difference: (prediction - truth) / truth, signed, of structures that the truth has."};
  if (!table.persons.empty()) lines.push_back(table.persons);
  if (const std::string note = unlike_size_note(table.parameters); !note.empty()) lines.push_back(note);
  if (timed(table))
    lines.push_back(
        "Time a scan: from the scan to its labels, as measured while the study ran, with what ran beside it; of "
        "atlases with their registrations." +
        std::string(std::ranges::any_of(table.rows, timed_in_part) ? " (of N): of so many of the subjects." : ""));
  return lines;
}

nlohmann::ordered_json json(const MetricTable& table) {
  nlohmann::ordered_json out = {
      {"study", table.study}, {"caption", table.caption}, {"rows", nlohmann::ordered_json::array()}};
  for (const Row& row : table.rows) {
    nlohmann::ordered_json cells = {
        {"variant", row.variant}, {"role", row.role}, {"subjects", values_of(row, kMetrics[0].name).size()}};
    for (const Metric& metric : kMetrics) {
      const Spread s = spread(values_of(row, metric.name));
      cells[metric.name] = json_number(s.mean);
      cells[std::string(metric.name) + "_sd"] = json_number(s.sd);
    }
    cells["seconds"] = json_number(spread(row.seconds).mean);
    out["rows"].push_back(std::move(cells));
  }
  return out;
}

}  // namespace

std::string render_metrics(const std::vector<std::filesystem::path>& databases, const std::string& format,
                           const std::string& study) {
  return render(
             {format},
             [&] {
               const MetricTable table = read_metrics(databases, study);
               nlohmann::ordered_json all = json(table);
               TextTable exact = in_full(all.at("rows"));
               return Report{
                   .table = readable(table), .notes = notes(table), .exact = std::move(exact), .json = std::move(all)};
             })
      .front();
}

}  // namespace crossfade::analysis
